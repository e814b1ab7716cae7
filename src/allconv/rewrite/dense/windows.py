"""Windows on larger images: convolution, pooling, and what is a window there."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from allconv.errors import UnsupportedError
from allconv.graph import Node
from allconv.operators.arrange import Pad, Reshape, Transpose
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import Local
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.reduce import Broadcast
from allconv.operators.sum_cells import SumCells
from allconv.rewrite.dense.form import Densifier, Form, Rule, image_form
from allconv.value import Value
from allconv.window import Axis, Window


def _correlate(d: Densifier, node: Node) -> Form:
    operator = node.of(Correlate)
    form, operands = d.form(node), d.rest(node, 1)
    if not operator.window.axes:
        if operator.groups != 1 or len(form.shape) != 2:
            raise UnsupportedError(f"a linear layer on {form.shape}; only (1, F) is supported")
        w = operands[0].reshape((operands[0].shape[0], *form.value.shape[1:]))
        d.keeps_order &= form.value.shape[1:] == _order(d, node.inputs[0])
        return Form(d.over_all(form, w, *operands[1:]), node.outputs[0].shape)
    if not form.is_image:
        return _matrix(d, node)
    x, window = _covered(d, form.value, operator.window)
    return image_form(d.apply(replace(operator, window=window), x, *operands))


def _order(d: Densifier, value: Value) -> tuple[int, ...]:
    """The image in whose order programs add up a linear layer on this (see `full_window`)."""
    node = d.producers.get(value)
    if node is not None and isinstance(node.operator, Reshape) and node.inputs[0].ndim > 2:
        return node.inputs[0].shape[1:]
    return (*value.shape[1:], *(1,) * (d.graph.inputs[0].ndim - 2))


def _covered(d: Densifier, x: Value, window: Window) -> tuple[Value, Window]:
    """Case 9: an input without the cells at its ends that no window reaches."""
    ends = [min(a.high, 0) if a.input_dilation == 1 else 0 for a in window.axes]
    if not any(ends):
        return x, window
    axes = (axis.moved(0, n) for axis, n in zip(window.axes, ends, strict=True))
    return d.apply(Pad(((0, 0), (0, 0), *((0, n) for n in ends))), x), Window(tuple(axes))


def _matrix(d: Densifier, node: Node) -> Form:
    """Case 5: the layer on the unit images is its matrix, a row for each value of a crop."""
    form, (w, *bias) = d.form(node), d.rest(node, 1)
    d.keeps_order = False
    out = node.outputs[0].shape[1:]
    features, count = prod(form.shape), prod(out)
    units = np.eye(features, dtype=form.value.dtype).reshape(-1, *form.shape[1:])
    images = d.apply(node.operator, d.builder.constant(units), w)
    matrix = d.apply(Transpose((1, 0)), images.reshape((features, count)))
    w = matrix.reshape((count, *form.value.shape[1:]))
    for n, b in enumerate(bias):
        over = b.reshape((*b.shape, *(1,) * (len(out) - b.ndim)))
        bias[n] = d.apply(Broadcast(out), over).reshape((count,))
    return Form(d.over_all(form, w, *bias), (1, *out))


def _correlate_transpose(d: Densifier, node: Node) -> Form:
    operator = node.of(CorrelateTranspose)
    if any(a.stride != 1 or a.input_dilation != 1 for a in operator.window.axes):
        raise UnsupportedError(
            "a transposed convolution that enlarges its input is not supported; only stride 1 is"
        )
    form = d.image(node, 1)
    return image_form(d.apply(operator, d.fixed[node.inputs[0]], form.value, *d.rest(node, 2)))


def _pool(d: Densifier, node: Node) -> Form:
    operator = node.of(MaxPool, AveragePool)
    x, window = _covered(d, d.image(node).value, operator.window)
    axes = tuple(replace(a, stride=1) if _is_head(a) else a for a in window.axes)
    return image_form(d.apply(replace(operator, window=Window(axes)), x))


def _is_head(axis: Axis) -> bool:
    """Whether a window covers its whole input, so that its stride means nothing."""
    return axis.kernel == axis.input and axis.output == 1 and axis.dilation == 1


def _sum_cells(d: Densifier, node: Node) -> Form:
    """Case 7."""
    operator = node.of(SumCells)
    form, axis = d.form(node), operator.axis
    sizes, rank = form.value.shape[2:], len(form.shape)
    if rank != form.value.ndim or axis < 2 or prod(sizes[: axis - 2]) != 1:
        raise UnsupportedError(
            "sums over listed cells are supported along the spatial axes in their order"
        )
    channels, count = form.value.shape[1], len(operator.cells)
    w = np.zeros((channels, count, operator.size), form.value.dtype)
    for p, cells in enumerate(operator.cells):
        for j in cells:
            w[:, p, j] += 1
    kernel = (*(1,) * (axis - 2), operator.size, *(1,) * (rank - 1 - axis))
    window = Window.forward(sizes, kernel)
    d.keeps_order = False
    constant = d.builder.constant(w.reshape((channels * count, 1, *kernel)))
    y = d.apply(Correlate(window, channels), form.value, constant)
    return Form(y, node.outputs[0].shape)


WINDOWS: dict[type[Operator], Rule] = {
    Correlate: _correlate,
    CorrelateTranspose: _correlate_transpose,
    Local: _matrix,
    MaxPool: _pool,
    AveragePool: _pool,
    SumCells: _sum_cells,
}
