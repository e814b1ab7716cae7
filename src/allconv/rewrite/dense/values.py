"""Everything but windows on larger images: pointwise operators, sums, what moves values."""

from __future__ import annotations

from math import prod

import numpy as np

from allconv.errors import UnsupportedError
from allconv.graph import Node
from allconv.operators.arrange import Concatenate, Convert, Pad, Reshape, Slice, Transpose
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate
from allconv.operators.extremes import Largest, Smallest
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Negate, Pointwise
from allconv.operators.pool import MaxPool
from allconv.operators.reduce import Broadcast, Sum
from allconv.operators.take import Take
from allconv.rewrite.dense.form import Densifier, Form, Rule, image_form
from allconv.value import Value
from allconv.window import Window


def _pointwise(d: Densifier, node: Node) -> Form:
    out = node.outputs[0].shape
    forms = [d.forms[value] for value in node.inputs if value in d.forms]
    operands = [d.forms.get(value) or _constant(d, d.fixed[value]) for value in node.inputs]
    if all(form.is_image for form in forms):
        operands = [_spread(d, node, x) if isinstance(x, Form) else x for x in operands]
        if all(isinstance(x, Form) or prod(x.shape[2 - len(out) :]) == 1 for x in operands):
            values = [x.value if isinstance(x, Form) else x for x in operands]
            return image_form(d.apply(node.operator, *values))
    if any(form.shape != out for form in forms):
        raise UnsupportedError(
            f"{node.operator.name} from {forms[0].shape} to {out} cannot slide over a larger image"
        )
    scalars = all(isinstance(x, Form) or x.size == 1 for x in operands)
    if not scalars or len({form.value.shape for form in forms}) > 1:
        operands = [d.gathered(x) if isinstance(x, Form) else x for x in operands]
    values = [x.value if isinstance(x, Form) else _row(d, x, out) for x in operands]
    return Form(d.apply(node.operator, *values), out)


def _spread(d: Densifier, node: Node, form: Form) -> Form:
    """An image that meets others of the sizes of the result."""
    out = node.outputs[0].shape
    if form.shape[2:] == out[2:] and len(out) == form.value.ndim:
        return form
    if not d.windowed or len(out) != form.value.ndim or prod(form.shape[2:]) != 1:
        raise UnsupportedError(
            f"{node.operator.name} combines a number of the whole image with its cells, which "
            'cannot slide; means="window" (--means window) takes it over the training extent '
            "around each cell"
        )
    return d.spread(form, out[2:])


def _broadcast(d: Densifier, node: Node) -> Form:
    """A number of all of an image, repeated for its cells."""
    form, out = d.image(node), node.outputs[0].shape
    if form.shape[:2] != out[:2]:
        raise UnsupportedError(f"channels repeated from {form.shape} to {out} are not supported")
    return _spread(d, node, form)


def _constant(d: Densifier, value: Value) -> Value:
    """A number that was repeated to the size of the image, as the number itself."""
    node = d.builder.producers.get(value)
    if node is not None and isinstance(node.operator, Broadcast) and node.inputs[0].size == 1:
        return node.inputs[0]
    return value


def _row(d: Densifier, value: Value, out: tuple[int, ...]) -> Value:
    """A value of the shape `out`, or that broadcasts to it, as channels."""
    axes = d.graph.inputs[0].ndim - 2
    if value.size == 1:
        return value.reshape(())
    return d.apply(Broadcast(out), value).reshape((1, prod(out), *(1,) * axes))


def _normalize(d: Densifier, node: Node) -> Form:
    form = d.form(node)
    if not form.is_image and len(form.shape) == 2:
        form = d.gathered(form)
    if form.value.shape[1] != form.shape[1]:
        raise UnsupportedError(f"batch normalisation of {form.shape} is supported only of images")
    return Form(d.apply(node.operator, form.value, *d.rest(node, 1)), form.shape)


def _softmax(d: Densifier, node: Node) -> Form:
    form = d.form(node)
    axis = node.of(Softmax, LogSoftmax).axis
    if not form.is_image:
        form = d.gathered(form)
    if axis != 1 or form.value.shape[1] != form.shape[1]:
        raise UnsupportedError(
            f"{node.operator.name} over axis {axis} of {form.shape} is not supported"
        )
    return Form(d.apply(node.operator, form.value), form.shape)


def _reshape(d: Densifier, node: Node) -> Form:
    """Case 1."""
    to = node.of(Reshape).to
    if to[:1] != (1,):
        raise UnsupportedError(
            f"a reshape to {to} mixes the images of a batch, which is not supported"
        )
    return Form(d.form(node).value, to)


def _sum(d: Densifier, node: Node) -> Form:
    """Case 6."""
    form, out = d.image(node), node.outputs[0].shape
    axes = node.of(Sum).axes
    if set(axes) == set(range(2, len(form.shape))):
        d.keeps_order = False
        ones = np.ones((form.shape[1], 1, *form.shape[2:]), form.value.dtype)
        window = Window.forward(form.shape[2:], form.shape[2:])
        operator = Correlate(window, form.shape[1])
        return Form(d.apply(operator, form.value, d.builder.constant(ones)), out)
    if axes == (1,) and len(out) == len(form.shape):
        return image_form(d.apply(node.operator, form.value))
    raise UnsupportedError(f"a sum over the axes {axes} of {form.shape} is not supported")


def _extreme(d: Densifier, node: Node) -> Form:
    """The largest or smallest of all cells, as of a window of all, or of all channels."""
    operator = node.of(Largest, Smallest)
    form, out = d.image(node), node.outputs[0].shape
    if operator.axes == (1,) and operator.keep:
        return image_form(d.apply(operator, form.value))
    if set(operator.axes) != set(range(2, len(form.shape))):
        name = operator.name
        raise UnsupportedError(f"{name} over the axes {operator.axes} cannot slide")
    x, window = form.value, Window.forward(form.shape[2:], form.shape[2:])
    if isinstance(operator, Smallest):
        negated = d.apply(MaxPool(window), d.apply(Negate(), x))
        return Form(d.apply(Negate(), negated), out)
    return Form(d.apply(MaxPool(window), x), out)


def _transpose(d: Densifier, node: Node) -> Form:
    """Case 11: the axes of an image stay, those that its channels were split into change places."""
    form, order = d.form(node), node.of(Transpose).order
    sizes = form.value.shape[2:]
    split = form.shape[1 : len(form.shape) - len(sizes)]
    kept = (0, *range(1 + len(split), len(order)))
    moved = tuple(a for a in order if a not in kept)
    if form.shape[1 + len(split) :] != sizes or order != (0, *moved, *kept[1:]):
        raise UnsupportedError(
            f"a transpose of {form.shape} that moves the cells of an image is not supported"
        )
    cells = np.arange(prod(split)).reshape(split).transpose([a - 1 for a in moved]).ravel()
    index = d.builder.constant(np.ascontiguousarray(cells, np.int64))
    return Form(d.apply(Take(1), form.value, index), node.outputs[0].shape)


def _pad(d: Densifier, node: Node) -> Form:
    operator = node.of(Pad)
    if operator.pairs[0] != (0, 0):
        raise UnsupportedError("padding of the batch is not supported")
    return image_form(d.apply(operator, d.image(node).value))


def _slice(d: Densifier, node: Node) -> Form:
    operator = node.of(Slice)
    x = d.image(node).value
    if operator.count[0] != 1 or any(step != 1 for step in operator.step[2:]):
        raise UnsupportedError(
            "a slice that leaves out or reverses cells of an image is not supported"
        )
    rows = list(zip(operator.start, operator.count, x.shape, strict=True))
    crop = Pad(((0, 0), (0, 0), *((-start, start + n - size) for start, n, size in rows[2:])))
    if any(map(any, crop.pairs)):
        x = d.apply(crop, x)
    channels = Slice.along(1, x.shape, operator.start[1], operator.count[1], operator.step[1])
    return image_form(d.apply(channels, x))


def _concatenate(d: Densifier, node: Node) -> Form:
    operator = node.of(Concatenate)
    if operator.axis != 1 or any(value not in d.forms for value in node.inputs):
        raise UnsupportedError("only channels that depend on the image can be concatenated")
    forms = [d.forms[value] for value in node.inputs]
    if not all(form.is_image for form in forms):
        forms = [d.gathered(form) for form in forms]
    return Form(d.apply(operator, *(form.value for form in forms)), node.outputs[0].shape)


def _convert(d: Densifier, node: Node) -> Form:
    form = d.form(node)
    return Form(d.apply(node.operator, form.value), form.shape)


VALUES: dict[type[Operator], Rule] = {
    Pointwise: _pointwise,
    Normalize: _normalize,
    Softmax: _softmax,
    LogSoftmax: _softmax,
    Reshape: _reshape,
    Sum: _sum,
    Broadcast: _broadcast,
    Largest: _extreme,
    Smallest: _extreme,
    Transpose: _transpose,
    Pad: _pad,
    Slice: _slice,
    Concatenate: _concatenate,
    Convert: _convert,
}
