"""Everything but windows on larger images: pointwise operators, sums, what moves values."""

from __future__ import annotations

from math import prod

import numpy as np

from allconv.errors import UnsupportedError
from allconv.graph import Node
from allconv.operators.arrange import Concatenate, Convert, Pad, Reshape, Slice
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Pointwise
from allconv.operators.reduce import Broadcast, Sum
from allconv.rewrite.dense.form import Densifier, Form, Rule, image_form
from allconv.value import Value
from allconv.window import Window


def _pointwise(d: Densifier, node: Node) -> Form:
    out = node.outputs[0].shape
    forms = [d.forms[value] for value in node.inputs if value in d.forms]
    operands = [d.forms.get(value) or _constant(d, d.fixed[value]) for value in node.inputs]
    if all(form.is_image for form in forms):
        if any(form.shape[2:] != out[2:] for form in forms) or len(out) != forms[0].value.ndim:
            raise UnsupportedError(
                f"{node.operator.name} combines a number of the whole image with its cells, "
                "which cannot slide"
            )
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
    rest = x.ndim - 2
    channels = Slice(
        (0, operator.start[1], *(0,) * rest),
        (1, operator.step[1], *(1,) * rest),
        (1, operator.count[1], *x.shape[2:]),
    )
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
    Pad: _pad,
    Slice: _slice,
    Concatenate: _concatenate,
    Convert: _convert,
}
