"""Records of flat indices: from taps, and values written and read at them."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.index import FlatIndex, OverImages, ReadAt, WriteAt
from records.record import IMAGES, Function, Record, draw_array, draw_dtype, refusal

SIZES = st.sampled_from([2, 3, 1, 4])


def draw_shape(data: st.DataObject) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A batch and channels, and the sizes of images of one to three axes."""
    lead = data.draw(st.sampled_from([(1, 2), (2, 1), (0, 2), (2, 3)]))
    return lead, tuple(data.draw(st.lists(SIZES, min_size=1, max_size=3)))


def draw_taps(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any taps, numbers that are none among them, and any starts."""
    lead, image = draw_shape(data)
    kernel, dilation = (tuple(data.draw(SIZES) for _ in image) for _ in range(2))
    starts = tuple(
        tuple(data.draw(st.lists(st.integers(-2, 4), min_size=1, max_size=3))) for _ in image
    )
    shape = (*lead, *map(len, starts))
    tap = draw_array(data, shape, "int32", -2, int(np.prod(kernel)) + 1)
    return FlatIndex(image, kernel, dilation, starts), (tap,)


def brute_index(operator: FlatIndex, tap: Array):
    """The coordinates of the tap, one by one."""
    index = np.full(tap.shape, -1)
    for n, c, *i in np.ndindex(tap.shape):
        rest, flat, step = int(tap[n, c, *i]), 0, 1
        if not 0 <= rest < np.prod(operator.kernel):
            continue
        for axis in reversed(range(len(i))):
            rest, k = divmod(rest, operator.kernel[axis])
            flat += step * (operator.starts[axis][i[axis]] + operator.dilation[axis] * k)
            step *= operator.image[axis]
        index[n, c, *i] = flat
    return (index,)


def draw_at(data: st.DataObject, operator: type[Operator]) -> tuple[Operator, tuple[Array, ...]]:
    """Indices of which some lie outside and many are the same."""
    lead, image = draw_shape(data)
    shape = (*lead, *(data.draw(SIZES) for _ in image))
    index = draw_array(data, shape, "int64", -2, int(np.prod(image)) + 1)
    x = draw_array(data, shape if operator is WriteAt else (*lead, *image), draw_dtype(data))
    return operator(image), (x, index)


def draw_over(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Both ways to count, some indices outside."""
    lead, image = draw_shape(data)
    most = int(np.prod(image)) + 1
    index = draw_array(data, (*lead, *(data.draw(SIZES) for _ in image)), "int64", -2, most)
    return OverImages(image, data.draw(st.booleans())), (index,)


def brute_over(operator: OverImages, index: Array):
    """By a list of the cells of all images."""
    image, result = operator.image, np.full(index.shape, -1)
    inside = [cell[::-1] for cell in np.ndindex(image[::-1])]
    cells = inside if operator.columns else list(np.ndindex(image))
    every = [(*plane, *cell) for plane in np.ndindex(index.shape[:2]) for cell in cells]
    rows = list(np.ndindex(image))
    for n, c, *i in np.ndindex(index.shape):
        if 0 <= (j := int(index[n, c, *i])) < len(rows):
            result[n, c, *i] = every.index((n, c, *rows[j]))
    return (result,)


def brute_write(operator: WriteAt, x: Array, index: Array):
    """Each value written in its turn."""
    y = np.zeros((*x.shape[:2], int(np.prod(operator.image))))
    for n, c, *i in np.ndindex(x.shape):
        if 0 <= index[n, c, *i] < y.shape[2]:
            y[n, c, index[n, c, *i]] = x[n, c, *i]
    return (y.reshape(*x.shape[:2], *operator.image),)


def brute_read(operator: ReadAt, x: Array, index: Array):
    """Each value read, and forgotten by those before with the same index."""
    flat = x.reshape(*x.shape[:2], int(np.prod(operator.image)))
    y, last = np.zeros(index.shape), {}
    for n, c, *i in np.ndindex(index.shape):
        j = int(index[n, c, *i])
        if 0 <= j < flat.shape[2]:
            if (n, c, j) in last:
                y[last[n, c, j]] = 0
            last[n, c, j] = (n, c, *i)
            y[n, c, *i] = flat[n, c, j]
    return (y,)


def index_of() -> FlatIndex:
    """Taps of 2 x 2 windows, outputs (2, 1), image (4, 2)."""
    return FlatIndex((4, 2), (2, 2), (1, 1), ((0, 2), (0,)))


def write() -> WriteAt:
    """Into images of 4 x 4."""
    return WriteAt((4, 4))


def read() -> ReadAt:
    """From images of 4 x 4."""
    return ReadAt((4, 4))


INDEX = Spec((1, 2, 2, 2), "int64")

RECORDS = (
    Record(
        FlatIndex,
        draw_taps,
        brute_index,
        fixed=("tap",),
        differences=False,  # nothing in it moves
        refusals=(
            refusal(r"tap is int32 \(1, 1, 2\)", index_of, Spec((1, 1, 2), "int32")),
            refusal(r"tap is int32 \(1, 1, 1, 2\)", index_of, Spec((1, 1, 1, 2), "int32")),
            refusal(r"tap is int64", index_of, Spec((1, 1, 2, 1), "int64")),
            refusal(
                r"kernel \(2, 2\).*1 numbers each",
                lambda: FlatIndex((4, 2), (2, 2), (1, 1), ((0, 2),)),
                Spec((1, 1, 2), "int32"),
            ),
        ),
    ),
    Record(
        OverImages,
        draw_over,
        brute_over,
        fixed=("index",),
        differences=False,
        refusals=(refusal("index is float32", lambda: OverImages((4, 4)), (1, 2, 2, 2)),),
    ),
    Record(
        WriteAt,
        partial(draw_at, operator=WriteAt),
        brute_write,
        fixed=("index",),
        linear=(("x",),),
        refusals=(
            refusal(r"x is \(1, 2, 2, 1\), index \(1, 2, 2, 2\)", write, (1, 2, 2, 1), INDEX),
            refusal("index is int32", write, (1, 2, 2, 2), Spec((1, 2, 2, 2), "int32")),
            refusal("index is int64 .* 4 axes", write, (1, 2, 2), Spec((1, 2, 2), "int64")),
            refusal("takes float32 or float64", write, INDEX, INDEX),
        ),
    ),
    Record(
        ReadAt,
        partial(draw_at, operator=ReadAt),
        brute_read,
        fixed=("index",),
        linear=(("x",),),
        refusals=(
            refusal(r"x is \(1, 2, 4, 3\); \(1, 2, 4, 4\)", read, (1, 2, 4, 3), INDEX),
            refusal("index is float32", read, (1, 2, 4, 4), (1, 2, 2, 2)),
            refusal("takes float32 or float64", read, Spec((1, 2, 4, 4), "int64"), INDEX),
        ),
    ),
)

FUNCTIONS = (
    Function(
        "max_unpool",
        torch="x indices kernel_size stride=None padding=0 output_size=None",
        given=lambda n: (IMAGES[n], np.zeros((2, 2, *(4,) * n), int), 2),
        is_spatial=True,
    ),
)
