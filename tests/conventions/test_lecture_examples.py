"""The lecture's examples of layouts, against the numbers that its slides print."""

from __future__ import annotations

import numpy as np

from allconv import conventions

DRAWN = [
    [[3.1, -3.9, -10.9], [4.1, -12.9, 16.1], [-3.9, 0.1, 9.1]],
    [[-0.8, 8.2, 6.2], [5.2, 18.2, 7.2], [-8.8, 2.2, -7.8]],
]  # (O, H, W), the first cell without the slide's slip of a sign
PRINTED = [
    [[17.1, -4.8], [3.1, 3.2], [-15.9, 16.2]],
    [[10.1, -8.8], [-5.9, -16.8], [-4.9, 1.2]],
    [[1.1, -11.8], [5.1, 4.2], [20.1, 2.2]],
]  # (H, W, O), as TensorFlow printed it


def test_the_listing_gives_what_tensorflow_printed() -> None:
    """The lists as drawn give the worked example, as typed what the slide prints; it takes both
    the kernel's and the image's order to get there."""
    readings = conventions.EXAMPLES["tensorflow listing"].numbers().values()
    drawn, kernel_alone, image_alone, listed = readings
    np.testing.assert_allclose(np.moveaxis(drawn, -1, 0), DRAWN, atol=1e-12)
    np.testing.assert_allclose(listed, PRINTED, atol=1e-12)
    np.testing.assert_allclose(kernel_alone[0, 0], [-4.9, -8.8], atol=1e-12)
    np.testing.assert_allclose(image_alone[0, 0], [-7.9, 7.2], atol=1e-12)


def test_two_orders_of_the_weights() -> None:
    """(I, O, kH, kW) and (O, I, kH, kW) agree in the first cell and nowhere near it."""
    ours, other = conventions.EXAMPLES["order of the weights"].numbers().values()
    np.testing.assert_allclose(np.moveaxis(ours, -1, 0), DRAWN, atol=1e-12)
    np.testing.assert_allclose(other[0, :, 0], [3.1, -6.9, -9.9], atol=1e-12)


def test_examples_print_their_numbers() -> None:
    """Printed, an example shows every reading with its numbers and what follows."""
    text = str(conventions.EXAMPLES["tensorflow listing"])
    assert "17.1    3.1  -15.9" in text
    assert "3.1   -3.9  -10.9" in text
    assert text.endswith('conventions.reorder(w, "OIHW", "HWIO").')


def test_the_table_names_every_framework() -> None:
    """The table has a row a framework in each part, made from the records."""
    text = conventions.table()
    for name in conventions.FRAMEWORKS:
        assert text.count(f"\n{name} ") >= 3
    assert "keras       N*C    *IO     *OI         *IM        IO" in text
    assert "gamma, beta, moving_mean, moving_variance" in text
    assert max(map(len, text.splitlines())) <= 100
