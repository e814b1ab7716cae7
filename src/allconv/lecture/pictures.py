"""The lecture's pictures of arrays, and all its pictures by name: functions that return an SVG.

What they show is computed by the package when they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from allconv import functional as F
from allconv.conventions.lecture import BIAS, IMAGE, KERNEL
from allconv.conventions.lecture import EXAMPLES as LAYOUTS
from allconv.lecture import gradients
from allconv.lecture.cells import minus
from allconv.lecture.charts import all_cnn, counts, fields, kernels, networks
from allconv.lecture.dense import matrix
from allconv.lecture.drawing import box, cell, drawing, letter, result_of, written
from allconv.operators.base import Array
from allconv.picture.markup import Markup, element, joined

SIDE = 42.0  # of a cell with a letter in it


def weights() -> Markup:
    """The row dL/dO times the matrix dO/dW."""
    matrix, result = gradients.jacobian_weight, gradients.weight_gradient_letters
    return _times(("dO/dW", result_of(matrix), "x"), ("dL/dW", result_of(result), "w"))


def inputs() -> Markup:
    """The row dL/dO times the matrix dO/dI."""
    matrix, result = gradients.jacobian_input, gradients.input_gradient_letters
    return _times(("dO/dI", result_of(matrix), "w"), ("dL/dI", result_of(result), "x"))


def _times(matrix: tuple[str, Array, str], result: tuple[str, Array, str]) -> Markup:
    """A row of two gradients, a matrix of two rows, and their product."""
    (name, cells, role), (made, sums, result_role) = matrix, result
    columns, wide = cells.shape[1], 132.0
    top = 30.0
    middle = top + SIDE
    parts: list[str] = [written(SIDE, 10, "dL/dO", anchor="middle", kind="formula")]
    for n in range(2):
        at = n * SIDE, middle - SIDE / 2
        parts.append(cell(*at, SIDE, "y", letter("LO", str(n + 1)), is_round=True))
    x = 2 * SIDE + 34
    parts.append(written(x - 17, middle, "×", anchor="middle", size=20))
    parts.append(written(x + columns * SIDE / 2, 10, name, anchor="middle", kind="formula"))
    for (row, column), text in np.ndenumerate(cells):
        at = x + column * SIDE, top + row * SIDE
        name_of = "0" if text == "0" else letter(text[0], text[1:])
        parts.append(cell(*at, SIDE, "dull" if text == "0" else f"{role} lit", name_of))
    x += columns * SIDE + 34
    parts.append(written(x - 17, middle, "=", anchor="middle", size=20))
    parts.append(written(x + columns * wide / 2, 10, made, anchor="middle", kind="formula"))
    for column, text in enumerate(sums.tolist()):
        at = x + column * wide, middle - SIDE / 2
        parts.append(cell(*at, SIDE, result_role, *_sum(text), width=wide, is_round=True, size=14))
    label = f"{made} = [LO1 LO2] × {name} = {', '.join(sums.tolist())}"
    return drawing(x + columns * wide, top + 2 * SIDE + 4, *parts, label=label)


def _sum(text: str) -> Iterator[str]:
    """LO1*W2+LO2*W1 with its letters in place."""
    for n, product in enumerate(text.split("+")):
        if n:
            yield " + "
        for factor in product.split("*"):
            name = factor.rstrip("0123456789")
            yield letter(name, factor[len(name) :])


def lists() -> Markup:
    """The kernel's nested list, read as (O, I, kH, kW) and as (kH, kW, I, O)."""
    kernel = np.array(KERNEL)
    parts: list[str] = []
    top = 0.0
    for title, order in (
        ("as drawn: (outputs, inputs, kH, kW)", (0, 1, 2, 3)),
        ("as TensorFlow reads it: (kH, kW, inputs, outputs)", (3, 2, 0, 1)),
    ):
        parts.append(written(0, top + 10, title))
        parts += _list_row(kernel, order, top + 26)
        parts += _list_planes(kernel, order, top + 90)
        top += 220
    label = "The sixteen numbers of the kernel, coloured by the plane that each belongs to"
    return drawing(16 * 36 + 40, top - 20, *parts, label=label)


def _plane(order: Sequence[int], place: Sequence[int]) -> tuple[int, int]:
    """The output and the input channel of a place of the list."""
    return place[order[0]], place[order[1]]


def _shade(plane: tuple[int, int]) -> str:
    return "wy"[plane[0]] + (" lit" if plane[1] else "")


def _list_row(kernel: Array, order: Sequence[int], top: float) -> Iterator[str]:
    """The list as it is typed; a gap stands where brackets close."""
    for n, (place, value) in enumerate(np.ndenumerate(kernel)):
        o, i = _plane(order, place)
        x = n * 33 + n // 2 * 4 + n // 4 * 6 + n // 8 * 8
        yield cell(x, top, 33, _shade((o, i)), minus(f"{value:g}"), size=14)
        yield written(x + 16.5, top + 43, f"{o + 1},{i + 1}", anchor="middle", size=12, kind="soft")


def _list_planes(kernel: Array, order: Sequence[int], top: float) -> Iterator[str]:
    """The four planes of the kernel as that reading sees them."""
    read = kernel.transpose(order)
    for n, (o, i) in enumerate(np.ndindex(2, 2)):
        left = n * 150.0
        name = written(left, top + 12, "W", kind="letter")
        yield joined(name, written(left + 16, top + 12, f"[{o + 1}, {i + 1}]", size=14))
        for (row, column), value in np.ndenumerate(read[o, i]):
            at = left + column * 36, top + 26 + row * 36
            yield cell(*at, 36, _shade((o, i)), minus(f"{value:g}"))


def readings() -> Markup:
    """The first cell of the first output channel in each of the four readings."""
    found = LAYOUTS["tensorflow listing"].numbers()
    parts = []
    for n, (title, numbers) in enumerate(found.items()):
        top = n * 40.0
        ends = n in (0, len(found) - 1)
        value = minus(f"{numbers[0, 0, 0]:.1f}")
        parts.append(cell(0, top, 34, "y lit" if ends else "y", value, width=64))
        parts.append(written(78, top + 17, title))
    label = "; ".join(f"{title}: {y[0, 0, 0]:.1f}" for title, y in found.items())
    return drawing(560, len(found) * 40, *parts, label=label)


def frames() -> Markup:
    """A row of the matrix, the kernel that it is, and the map on a larger image."""
    x, w, b = (np.array(each, float) for each in (IMAGE, KERNEL, BIAS))
    row = matrix(x, w, b).to_dense()[0]
    kernel = row.reshape(x.shape)
    wide = np.pad(x, ((0, 0), (2, 0), (1, 0)))
    found = F.conv2d(wide[None], kernel[None], b[:1])[0, 0]
    unit = 19.0
    parts: list[str] = [written(0, 10, "a row of the matrix: 32 weights of one output")]
    for n, value in enumerate(row.tolist()):
        parts.append(_weight(n * unit + n // 16 * 8, 26, unit, value))
    top = 82.0
    parts.append(written(0, top, "the same as a kernel, 2 × 4 × 4"))
    for (channel, line, column), value in np.ndenumerate(kernel):
        left = channel * (4 * unit + 12) + column * unit
        parts.append(_weight(left, top + 18 + line * unit, unit, value))
    left = 230.0
    parts.append(written(left, top, "on a 2 × 6 × 5 image"))
    for channel in range(2):
        at = left + channel * (5 * unit + 12)
        for line, column in np.ndindex(6, 5):
            value = minus(f"{wide[channel, line, column]:g}")
            spot = at + column * unit, top + 18 + line * unit
            parts.append(cell(*spot, unit, "x", value, size=11))
        parts.append(box(at + unit, top + 18 + 2 * unit, 4 * unit, 4 * unit, "frame w"))
    left += 2 * (5 * unit + 12) + 20
    parts.append(written(left, top, "a map of 3 × 2"))
    for (line, column), value in np.ndenumerate(found):
        is_own = (line, column) == (2, 1)
        kind = "y lit" if is_own else "y"
        told = minus(f"{value:.1f}")
        parts.append(cell(left + column * 40, top + 18 + line * 34, 34, kind, told, width=40))
    label = "A row of the matrix, folded to a kernel, which gives a map on a larger image"
    return drawing(left + 110, top + 18 + 6 * unit + 4, *parts, label=label)


def _weight(x: float, y: float, side: float, value: float) -> Markup:
    kind = "w lit" if value else "dull"
    return cell(x, y, side, kind, minus(f"{value:g}"), size=11)


def orders() -> Markup:
    """W[:, l] of (I, O, kH, kW) beside W[l] of (O, I, kH, kW)."""
    parts: list[str] = []
    for n, (title, said, first) in enumerate(
        (
            ("(I, O, kH, kW)", "W[:, l]: a column", "input"),
            ("(O, I, kH, kW)", "W[l]: a row", "output"),
        )
    ):
        left = n * 300.0
        parts.append(written(left, 10, title))
        for row, column in np.ndindex(3, 3):
            is_one = (column if first == "input" else row) == 1
            kind = "w lit" if is_one else "w"
            at = left + column * 46, 30 + row * 46
            parts += [cell(*at, 40, kind), _small_lattice(*at)]
        parts.append(written(left, 182, f"down: {first} channel", kind="soft", size=13))
        other = "output" if first == "input" else "input"
        parts.append(written(left, 200, f"across: {other} channel", kind="soft", size=13))
        parts.append(written(left + 150, 94, said))
    return drawing(560, 214, *parts, label="The kernels of output channel l in both orders")


def _small_lattice(x: float, y: float) -> Markup:
    """A kernel of 3 x 3 cells inside a square of 40 pixels."""
    lines = [
        f"M{x + n * 40 / 3:.1f} {y + 1:g}v38M{x + 1:g} {y + n * 40 / 3:.1f}h38" for n in (1, 2)
    ]
    return element("path", d="".join(lines), class_="lattice")


PICTURES: dict[str, Callable[[], Markup]] = {
    "networks": networks,
    "kernels": kernels,
    "counts": counts,
    "weights": weights,
    "inputs": inputs,
    "lists": lists,
    "readings": readings,
    "fields": fields,
    "frames": frames,
    "orders": orders,
    "all-cnn": all_cnn,
}
