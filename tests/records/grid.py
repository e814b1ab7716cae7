"""Records of images read at places between their cells."""

from __future__ import annotations

from itertools import product
from math import floor

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.grid import MODES, PADDINGS, CellNumber, CellSum, GridSample
from records.record import Function, Record, draw_array, draw_dtype, onnx_results, refusal


def draw_sample(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """One to three axes; places in quarters, inside and outside."""
    axes = data.draw(st.sampled_from([2, 1, 3]))
    size = st.integers(1, 3 if axes == 3 else 5)
    image = data.draw(st.tuples(*[size] * axes))
    places = data.draw(st.tuples(*[st.integers(0, 2)] * axes))
    batch, channels = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    dtype = draw_dtype(data)
    x = draw_array(data, (batch, channels, *image), dtype)
    grid = draw_array(data, (batch, *places, axes), dtype, -9, 9) / 4
    mode, padding = data.draw(st.sampled_from(MODES)), data.draw(st.sampled_from(PADDINGS))
    return GridSample(mode, padding, data.draw(st.booleans())), (x, grid.astype(dtype))


def placed(operator: GridSample, v: float, n: int) -> float:
    """A place brought inside, step by step."""
    low, high = (0.0, n - 1.0) if operator.align_corners else (-0.5, n - 0.5)
    if operator.padding == "reflection":
        if low == high:
            return 0.0
        while not low <= v <= high:
            v = 2 * low - v if v < low else 2 * high - v
    if operator.padding != "zeros":
        v = min(max(v, 0.0), n - 1.0)
    return v


def cubic(distance: float) -> float:
    """The weight of a cell so far away, by Keys' formula with a = -3/4."""
    d, a = abs(distance), -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def along(operator: GridSample, g: float, n: int) -> list[tuple[float, int]]:
    """The weights and cells of one axis."""
    v = (g + 1) / 2 * (n - 1) if operator.align_corners else ((g + 1) * n - 1) / 2
    if operator.mode == "cubic":
        taps = range(floor(v) - 1, floor(v) + 3)
        return [(cubic(v - k), int(placed(operator, k, n))) for k in taps]
    v = placed(operator, v, n)
    if operator.mode == "nearest":
        return [(1.0, round(v))]
    return [(1 - abs(v - k), k) for k in (floor(v), floor(v) + 1)]


def brute_sample(operator: GridSample, x: Array, grid: Array):
    """Cell by cell."""
    sizes = x.shape[2:]
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n, c, *p in np.ndindex(y.shape):
        place = grid[(n, *p)][::-1]
        lines = [along(operator, float(g), m) for g, m in zip(place, sizes, strict=True)]
        for taps in product(*lines):
            cell = tuple(k for _, k in taps)
            if all(0 <= k < m for k, m in zip(cell, sizes, strict=True)):
                y[(n, c, *p)] += np.prod([w for w, _ in taps]) * x[(n, c, *cell)]
    return (y,)


def onnx_sample(operator: GridSample, x: Array, grid: Array):
    """GridSample of ONNX, which has 2 axes and more."""
    if not x.size or not grid.size or x.ndim < 4:
        return None
    return onnx_results(
        "GridSample",
        (x, grid),
        mode=operator.mode,
        padding_mode=operator.padding,
        align_corners=int(operator.align_corners),
    )


def draw_number(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Places inside and outside."""
    image = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    shape = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 4)))
    dtype = draw_dtype(data)
    return CellNumber(tuple(image)), tuple(draw_array(data, shape, dtype, -2, 4) for _ in image)


def brute_number(operator: CellNumber, *places: Array):
    """Place by place."""
    cells = list(np.ndindex(len(places[0]), *operator.image))
    number = np.full(places[0].shape, len(cells), np.int64)
    for n, p in np.ndindex(number.shape):
        cell = (n, *(int(each[n, p]) for each in places))
        if cell in cells:
            number[n, p] = cells.index(cell)
    return (number,)


def draw_sum(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Numbers from both ends, some of no cell."""
    cells, channels, taps, places = (data.draw(st.integers(0, 3)) for _ in range(4))
    dtype = draw_dtype(data)
    number = draw_array(data, (taps, places), "int64", -cells - 1, cells)
    x, weight = (draw_array(data, shape, dtype) for shape in ((cells, channels), (taps, places)))
    return CellSum(), (x, number, weight)


def brute_sum(operator: CellSum, x: Array, number: Array, weight: Array):
    """Product by product."""
    y = np.zeros((number.shape[1], x.shape[1]))
    for t, p in np.ndindex(number.shape):
        if -len(x) <= number[t, p] < len(x):
            for c in range(x.shape[1]):
                y[p, c] += weight[t, p] * x[number[t, p], c]
    return (y,)


RECORDS = (
    Record(
        CellSum,
        draw_sum,
        brute_sum,
        linear=(("x",), ("weight",)),
        refusals=(
            refusal(r"weight \(2, 3\); .* are expected", CellSum,
                    (4, 2), Spec((2, 4), "int64"), (2, 3)),
            refusal("number float32", CellSum, (4, 2), (2, 3), (2, 3)),
            refusal(r"x is \(4,\)", CellSum, (4,), Spec((2, 3), "int64"), (2, 3)),
        ),
    ),
    Record(
        GridSample,
        draw_sample,
        brute_sample,
        ulp=64,
        linear=(("x",),),
        outsiders=(onnx_sample,),
        outsider_ulp=64,
        refusals=(
            refusal("mode is area; one of", lambda: GridSample("area"),
                    (1, 1, 2, 2), (1, 2, 2, 2)),
            refusal("padding is wrap; one of", lambda: GridSample(padding="wrap"),
                    (1, 1, 2, 2), (1, 2, 2, 2)),
            refusal(r"x is \(1, 1, 2, 2\), grid \(1, 2, 2, 3\)", GridSample,
                    (1, 1, 2, 2), (1, 2, 2, 3)),
            refusal(r"grid \(2, 2, 2, 2\)", GridSample, (1, 1, 2, 2), (2, 2, 2, 2)),
            refusal("no size of I is 0", GridSample, (1, 1, 0, 2), (1, 2, 2, 2)),
            refusal("not int64", GridSample, (1, 1, 2), Spec((1, 2, 1), "int64")),
            refusal("float32 and float64 meet", GridSample, (1, 1, 2), Spec((1, 2, 1), "float64")),
        ),
    ),
    Record(
        CellNumber,
        draw_number,
        brute_number,
        fixed=("a", "b", "c"),
        differences=False,
        refusals=(
            refusal("an image of 2|in images", lambda: CellNumber((2, 2)), (1, 2)),
            refusal("one array an axis", lambda: CellNumber((2, 2)), (1, 2), (1, 3)),
            refusal("not int64", lambda: CellNumber((2,)), Spec((1, 2), "int64")),
        ),
    ),
)  # fmt: skip

FUNCTIONS = (
    Function(
        "grid_sample",
        torch="x grid mode='bilinear' padding_mode='zeros' align_corners=None",
        given=lambda n: (np.ones((1, 2, 3, 3)), np.zeros((1, 2, 2, 2))),
    ),
    Function(
        "affine_grid",
        torch="theta size align_corners=None",
        given=lambda n: (np.ones((1, 2, 3)), (1, 1, 2, 3)),
    ),
)
