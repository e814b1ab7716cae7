"""What `allconv show` prints: the working or cells of it, the matrix, the sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allconv.cli.failures import Misuse
from allconv.text import printable

if TYPE_CHECKING:
    from allconv.cli.show_call import ShownCall
    from allconv.show.array_view import ArrayView
    from allconv.show.working import Working
    from allconv.window import Axis

MOST_CELLS = 2**24  # of a matrix that is written out
MOST_PADDINGS = 1_000_000
POOLS = ("max_pool", "avg_pool")
CELL = re.compile(r"(?:(?P<name>[a-z]+)\[)?(?P<index>[-\d:, ]*)\]?")


def work_out(call: ShownCall, backward: Any) -> Working:
    """The working, with gradients where --backward is given."""
    from allconv.show.working import working

    made = working(call.function, *call.arrays)
    if backward is None:
        return made
    if backward.size > 1 and backward.shape != made.result.shape:
        raise Misuse(f"--backward is {backward.shape}; the output is {made.result.shape}")
    return working(call.function, *call.arrays, grad_output=backward)


def cell_texts(made: Working, cells: tuple[str, ...]) -> list[str]:
    """The working as text, or some cells of it."""
    from allconv.show.array_view import ArrayView
    from allconv.show.text import view_text, working_text

    if not cells:
        return [working_text(made, _hint)]
    chosen = [_chosen(made, text) for text in cells]
    return [view_text(one, _hint) if isinstance(one, ArrayView) else str(one) for one in chosen]


def _chosen(made: Working, text: str) -> Any:
    """What --cell chooses: "0,1" of the output, "gx[2]" of a gradient."""
    match = CELL.fullmatch(text.strip())
    parts = [part.strip() for part in match["index"].split(",")] if match else []
    numbers = [[n and int(n) for n in part.split(":")] for part in parts if _is_slice(part)]
    name = (match and match["name"]) or made.result.name
    names = [view.name for view in made]
    if match is None or len(numbers) != len(parts) or name not in names:
        raise Misuse(
            f"--cell is '{printable(text, 40)}'; an index of {', '.join(names)} is expected, as in "
            f'"0,1" or "{names[-1]}[0]"'
        )
    index = tuple(
        part[0] if len(part) == 1 else slice(*(n if n != "" else None for n in part))
        for part in numbers
    )
    return getattr(made, name)[index]


def _is_slice(part: str) -> bool:
    return bool(re.fullmatch(r"-?\d{1,18}|(-?\d{0,18}):(-?\d{0,18})(:-?[1-9]\d{0,17})?", part))


def _hint(view: ArrayView) -> str:
    last = ",".join(str(n - 1) for n in view.shape)
    return f'--cell "{view.name}[{last}]" shows one'


def matrix_texts(made: Working, call: ShownCall, name: str) -> list[str]:
    """The layer as a matrix, as the lecture draws it, and with its numbers; of a maximum, which is
    not linear, that of its derivative."""
    from allconv.analysis.matrix import as_matrix

    if name == "max_pool":
        return [_derivative(made, call)]
    x, *others = call.arrays
    matrix = as_matrix(call.function, x.shape, *others)
    return [matrix.text(letters=True), str(matrix)]


def _derivative(made: Working, call: ShownCall) -> str:
    from math import prod

    import numpy as np

    from allconv.analysis.layer_matrix import Letters, Matrix
    from allconv.functional.differentiate import jacobian

    (x,) = call.arrays
    if x.size * prod(made.result.shape) > MOST_CELLS:
        raise Misuse(f"--matrix would have {prod(made.result.shape):,} x {x.size:,} cells")
    dense = jacobian(call.function, x).reshape(-1, x.size)
    rows, columns = np.nonzero(dense)
    values = dense[rows, columns]
    letters = Letters("w", (), np.full(values.shape, -1), values)
    matrix = Matrix(rows, columns, values, letters, made.result.shape, x.shape)
    return f"max pooling is not linear; its derivative at this input is the matrix\n{matrix}"


def size_texts(made: Working, call: ShownCall, name: str, settings: Mapping[str, Any]) -> list[str]:
    """The arithmetic of each axis; of a transposed layer that of the convolution it transposes."""
    from allconv.functional.settings import pairs
    from allconv.window import reach_of

    axes = made.window.axes
    if not axes:
        return ["sizes: a linear layer slides over nothing; every output sees every input"]
    sizes = tuple(axis.input for axis in axes)
    if settings.get("padding_mode", "zeros") != "zeros":  # the window slides over the border, too
        sizes = call.arrays[0].shape[-len(axes) :]
    inputs = [reach_of(n, a.input_dilation) for n, a in zip(sizes, axes, strict=True)]
    kernels, strides, dilations = zip(
        *((axis.kernel, axis.stride, axis.dilation) for axis in axes), strict=True
    )
    ends = pairs(settings.get("padding", 0), inputs, kernels, strides, dilations)
    told = []
    for n, (axis, input, pair) in enumerate(zip(axes, inputs, ends, strict=True)):
        told.append("\n    ".join([_head(n, axis, name), *_lines(axis, input, pair, name)]))
    return told


def _head(n: int, axis: Axis, name: str) -> str:
    head = f"sizes of axis {n}"
    if axis.input_dilation > 1:
        head += f", {axis.input} cells drawn {axis.input_dilation} apart"
    if name == "conv_transpose":
        head += " of the convolution that this is the transpose of"
    return head


def _lines(axis: Axis, input: int, pair: tuple[int, int], name: str) -> list[str]:
    """What can be said of one axis; of a pooling only what has a meaning there."""
    from allconv.sizes import solve_sizes

    if axis.stride * (axis.stride * input + axis.dilation * axis.kernel) > MOST_PADDINGS:
        raise Misuse(
            f"--sizes lists the paddings that keep a size; a stride of {axis.stride} over "
            f"{input} cells has too many"
        )
    solved = solve_sizes(
        input, axis.kernel, stride=axis.stride, padding=(pair,), dilation=axis.dilation
    )
    lines = str(solved).splitlines()
    added = axis.output - solved.axis.output
    if name in POOLS:
        lines = lines[:2]
    if added:
        lines.append(f"ceil_mode adds {added}: {input} -> {axis.output}")
    return lines
