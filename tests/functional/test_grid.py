"""Places between cells: halfway between two in float32, and without end."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import functional as F

X = np.arange(10, 15, dtype=np.float32).reshape(1, 1, 1, 5)


def row(*places: float, dtype: str = "float32") -> np.ndarray:
    """Places along the last axis, in the middle of the other."""
    return np.array([[[(each, 0) for each in places]]], dtype)


def test_the_nearest_cell_is_found_in_the_dtype_of_the_grid() -> None:
    """-0.2 of five cells is halfway between the second and the third in float32, where
    (1 - 0.2)*5 is 4; in float64 the number nearest -0.2 in float32 lies below that."""
    places = row(-0.2, 0.2, -0.6)
    np.testing.assert_array_equal(F.grid_sample(X, places, "nearest")[0, 0], [[12, 12, 10]])
    wider = F.grid_sample(X.astype(float), places.astype(float), "nearest")
    np.testing.assert_array_equal(wider[0, 0], [[11, 13, 10]])


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_places_without_end_are_at_the_edge(mode: str, align_corners: bool) -> None:
    """With "border" the cell of the edge is there, however far away a place is."""
    places = np.array([[[np.inf], [-np.inf], [1e30]]], np.float32)
    found = F.grid_sample(X.reshape(1, 1, 5), places, mode, "border", align_corners)
    np.testing.assert_array_equal(found[0, 0], [14, 10, 14])


@pytest.mark.parametrize("padding", ["zeros", "border"])
def test_a_place_that_is_no_number_has_no_nearest_cell(padding: str) -> None:
    """Its result is 0."""
    assert F.grid_sample(X, row(np.nan), "nearest", padding)[0, 0] == 0
