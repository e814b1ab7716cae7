"""What `allconv show` prints: the working or cells of it, the matrix, the sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from allconv.cli.failures import Misuse

if TYPE_CHECKING:
    from allconv.cli.show_call import ShownCall
    from allconv.show.view import View
    from allconv.show.working import Working

MOST_PADDINGS = 1_000_000
CELL = re.compile(r"(?:(?P<name>[a-z]+)\[)?(?P<index>[-\d:, ]*)\]?")


def work_out(call: ShownCall, backward: Any) -> Working:
    """The working, with gradients where --backward is given."""
    from allconv.show.working import working

    made = working(call.function, *call.arrays)
    if backward is None:
        return made
    gy, wanted = backward.reshape(()) if backward.size == 1 else backward, made.result.shape
    if gy.size > 1 and gy.shape != wanted:
        raise Misuse(f"--backward is {backward.shape}; the output is {wanted}")
    return working(call.function, *call.arrays, grad_output=gy)


def cell_texts(made: Working, cells: tuple[str, ...]) -> list[str]:
    """The working as text, or some cells of it."""
    from allconv.show.text import view_text, working_text
    from allconv.show.view import View

    if not cells:
        return [working_text(made, _hint)]
    chosen = [_chosen(made, text) for text in cells]
    return [view_text(one, _hint) if isinstance(one, View) else str(one) for one in chosen]


def _chosen(made: Working, text: str) -> Any:
    """What --cell chooses: "0,1" of the output, "gx[2]" of a gradient."""
    match = CELL.fullmatch(text.strip())
    parts = [part.strip() for part in match["index"].split(",")] if match else []
    numbers = [[n and int(n) for n in part.split(":")] for part in parts if _is_slice(part)]
    name = (match and match["name"]) or made.result.name
    names = [view.name for view in made]
    if match is None or len(numbers) != len(parts) or name not in names:
        raise Misuse(
            f'--cell is {text!r}; an index as in "0,1" or "{names[-1]}[0]" is wanted, '
            f"of {', '.join(names)}"
        )
    index = tuple(
        part[0] if len(part) == 1 else slice(*(n if n != "" else None for n in part))
        for part in numbers
    )
    return getattr(made, name)[index]


def _is_slice(part: str) -> bool:
    return bool(re.fullmatch(r"-?\d+|(-?\d*):(-?\d*)(:-?[1-9]\d*)?", part))


def _hint(view: View) -> str:
    last = ",".join(str(n - 1) for n in view.shape)
    return f'--cell "{view.name}[{last}]" shows one'


def matrix_texts(call: ShownCall) -> list[str]:
    """The layer as a matrix, as the lecture draws it, and with its numbers."""
    from allconv.matrix import as_matrix

    x, *others = call.arrays
    matrix = as_matrix(call.function, x.shape, *others)
    return [matrix.text(letters=True), str(matrix)]


def size_texts(made: Working, padding: Any, name: str) -> list[str]:
    """The arithmetic of each axis; of a transposed layer that of the convolution it transposes."""
    from allconv.functional.settings import pairs
    from allconv.sizes import solve_sizes

    axes = made.window.axes
    if not axes:
        return ["sizes: a linear layer slides over nothing; every output sees every input"]
    inputs = [(axis.input - 1) * axis.input_dilation + 1 for axis in axes]
    kernels, strides, dilations = zip(
        *((axis.kernel, axis.stride, axis.dilation) for axis in axes), strict=True
    )
    ends = pairs(0 if padding is None else padding, inputs, kernels, strides, dilations)
    told = []
    for n, (axis, input, pair) in enumerate(zip(axes, inputs, ends, strict=True)):
        if axis.stride * (axis.stride * input + axis.dilation * axis.kernel) > MOST_PADDINGS:
            raise Misuse(
                f"--sizes lists the paddings that keep a size; a stride of {axis.stride} over "
                f"{input} cells has too many"
            )
        # Where the padding is part of what the window slides over, it is none of the window's.
        pair = pair if pair[0] == axis.padding else (axis.padding, 0)
        solved = solve_sizes(
            input, axis.kernel, stride=axis.stride, padding=(pair,), dilation=axis.dilation
        )
        head = f"sizes of axis {n}"
        if axis.input_dilation > 1:
            head += f", {axis.input} cells drawn {axis.input_dilation} apart"
        if name == "conv_transpose":
            head += " of the convolution that this is the transpose of"
        lines = [head, *str(solved).splitlines()]
        if axis.output != solved.axis.output:
            lines.append(f"ceil_mode adds {axis.output - solved.axis.output}")
        told.append("\n    ".join(lines))
    return told
