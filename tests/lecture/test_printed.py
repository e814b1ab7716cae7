"""Printed numbers: how they are read, and what agrees with them."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.lecture.letters import letters
from allconv.lecture.printed import agrees, cells, like, number


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("14", 14.0, 0.5),
        ("-3.1", -3.1, 0.05),
        (".1", 0.1, 0.05),
        ("0.", 0.0, 0.5),
        ("1,600,000,000", 1.6e9, 0.5),
        ("~2B", 2e9, 5e8),
        ("40K", 4e4, 500.0),
        ("1.4M", 1.4e6, 5e4),
        ("+2.50", 2.5, 0.005),
    ],
)
def test_a_number_has_half_a_unit(text: str, value: float, half: float) -> None:
    """The value, and half a unit of the last printed digit."""
    found = number(text)
    assert found is not None
    assert found == pytest.approx((value, half))


@pytest.mark.parametrize("text", ["W1", "LO1*I1+LO2*I2", "w0,0", "-", ".", "", "nan", "1e5"])
def test_other_text_is_no_number(text: str) -> None:
    """Letters are compared as they are."""
    assert number(text) is None


def test_shapes_of_what_is_printed() -> None:
    """A row, rows, and blocks of rows; indentation does not matter."""
    assert cells("1 2 3").shape == (3,)
    assert cells("  1 2\n  3 4\n").shape == (2, 2)
    assert cells("1 2\n3 4\n\n5 6\n7 8").tolist() == [
        [["1", "2"], ["3", "4"]],
        [["5", "6"], ["7", "8"]],
    ]


@pytest.mark.parametrize(
    ("text", "ours", "same"),
    [
        ("-3.1", 3.1, False),
        ("-3.1", -3.1499, True),
        ("-3.1", -3.1501, False),
        ("2.0", float("nan"), False),
        ("2.0", float("inf"), False),
        ("W1", "W1", True),
        ("W1", "W2", False),
        ("0", "0", True),
        ("W1", 1.0, False),
    ],
)
def test_agreement(text: str, ours: object, same: bool) -> None:
    """By half a unit or by letter; NaN agrees with nothing."""
    assert agrees(text, ours) is same


def test_float32_listings_are_good_to_two_spacings() -> None:
    """A third spacing is one too many."""
    printed = np.float32(98.61191)
    spacing = float(np.spacing(printed))
    assert agrees("98.61191", float(printed) + 1.5 * spacing, single=True)
    assert not agrees("98.61191", float(printed) + 3 * spacing, single=True)
    assert not agrees("98.61191", float(printed) + 1.5 * spacing)


def test_ours_is_written_with_as_many_digits() -> None:
    """Rounded like the printed one; no minus before a zero."""
    assert like("-0.75", -0.7549) == "-0.75"
    assert like("0.", -0.0) == "0"
    assert like("~2B", 1_600_040_000) == "1,600,040,000"
    assert like("W1", "W1") == "W1"


def test_letters_of_a_matrix_product() -> None:
    """Coefficients are written, and a sum in the order of the operands; zeros are 0."""
    found = letters(lambda x: np.array([2 * x[0] + x[1], 0 * x[0]]), {"x": (2,)}, first=0)
    assert found.tolist() == ["2*x0+x1", "0"]
    both = letters(lambda a, b: a @ b, {"a": (1, 2), "b": (2, 1)})
    assert both.tolist() == [["a1,1*b1,1+a1,2*b2,1"]]
