"""Classifiers of one size of image as fully convolutional networks.

    1  reshape(image, (N, F))             -> nothing: the image is kept, all of it
    2  linear(all of an image)            -> correlation with a window as large as that image
    3  linear(linear(...))                -> correlation with a window of one cell
    4  pooling with a window of the image -> the same window, which moves by one cell
    5  a locally connected layer          -> its matrix, as a window as large as its input
    6  sums over all cells                -> correlation with ones
    7  anything else on all of an image   -> the same on the channels of a window that gathers it
    8  cells that no window reaches       -> a crop, so that sizes grow together on all paths

Windows keep kernel, stride, dilation and padding. On an image that is t cells larger every value
has floor(t / stride so far) cells more, so that there are as many outputs as crops that fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from allconv.errors import Error, ShapeError, UnsupportedError
from allconv.graph import Graph, Node
from allconv.operators.arrange import Concatenate, Convert, Pad, Reshape, Slice, Transpose
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.local import Local
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Pointwise
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.reduce import Broadcast, Sum
from allconv.trace import Builder
from allconv.value import Value
from allconv.window import Axis, Window

MOST_GATHERED = 4096  # values of a crop that a window of ones and zeros gathers
MOST_AXES = 3


@dataclass(frozen=True)
class Form:
    """A value of the classifier as the dense network has it for one crop.

    `shape` is the classifier's, with a batch of 1; `value` holds the same numbers in the same
    order, as (1, C, *S). Where both shapes agree it is an image; else all of a crop is meant.
    """

    value: Value
    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether cells are cells."""
        return self.shape == self.value.shape

    @property
    def is_gathered(self) -> bool:
        """Whether all numbers of a crop lie in the channels of one cell."""
        return prod(self.value.shape[2:]) == 1


class Densifier:
    """One rewriting of the graph of a classifier, recorded for a batch of 1.

    `fixed` values do not depend on the image, `forms` do.
    """

    def __init__(self, graph: Graph) -> None:
        shape = graph.inputs[0].shape
        if not 2 < len(shape) <= 2 + MOST_AXES or shape[0] != 1:
            raise ShapeError(f"the input is {shape}; (1, C, *sizes) with 1 to 3 sizes is wanted")
        if len(graph.outputs) != 1:
            raise UnsupportedError(f"the network gives {len(graph.outputs)} results; one is done")
        self.graph = graph
        self.producers = {value: node for node in graph.nodes for value in node.outputs}
        self.builder = Builder()
        inputs = [self.builder.input(value.spec, value.name) for value in graph.inputs]
        self.fixed = dict(zip(graph.inputs[1:], inputs[1:], strict=True))
        for value, array in graph.constants.items():
            self.fixed[value] = self.builder.constant(array, value.name)
        self.forms = {graph.inputs[0]: Form(inputs[0], inputs[0].shape)}
        self.keeps_order = True  # whether every sum is added in the classifier's order

    def rewrite(self) -> Graph:
        """The dense graph: (1, C, *S) -> (1, K, 1, ...), one output."""
        for node in self.graph.nodes:
            try:
                with self.builder.at(node.path):
                    self._node(node)
            except Error as error:
                raise error if error.path else error.at(node.path) from None
        (value,) = self.graph.outputs
        if value not in self.forms:
            raise UnsupportedError("the result does not depend on the image")
        form = self.forms[value]
        if prod(form.shape[2:]) != 1 or len(form.shape) < 2:
            raise UnsupportedError(
                f"the network gives {form.shape} for one image; a classifier gives (1, classes)"
            )
        return self.builder.graph([self.gathered(form).value])

    def _node(self, node: Node) -> None:
        if not any(value in self.forms for value in node.inputs):
            operands = [self.fixed[value] for value in node.inputs]
            results = self.builder.apply(node.operator, *operands)
            results = results if isinstance(results, tuple) else (results,)
            self.fixed.update(zip(node.outputs, results, strict=True))
            return
        rule = next((_RULES[kind] for kind in type(node.operator).__mro__ if kind in _RULES), None)
        if rule is None:
            raise UnsupportedError(f"{node.operator.name} cannot slide over a larger image")
        self.forms[node.outputs[0]] = rule(self, node)

    # What rules ask for

    def form(self, node: Node, number: int = 0) -> Form:
        """The form of an operand that depends on the image; the only one that may."""
        others = [n for n, value in enumerate(node.inputs) if value in self.forms and n != number]
        if others or node.inputs[number] not in self.forms:
            name = node.operator.inputs[others[0] if others else number]
            raise UnsupportedError(
                f"{name} of {node.operator.name} depends on the whole image, and would on a larger"
            )
        return self.forms[node.inputs[number]]

    def image(self, node: Node, number: int = 0) -> Form:
        """The same, where it must be an image."""
        form = self.form(node, number)
        if not form.is_image:
            raise UnsupportedError(
                f"{node.operator.name} follows a layer that is not shared by the cells of an image"
            )
        return form

    def rest(self, node: Node, start: int) -> list[Value]:
        """The operands from `start` on, which do not depend on the image."""
        return [self.fixed[value] for value in node.inputs[start:]]

    def apply(self, operator: Any, *operands: Any) -> Value:
        """Record; the first result."""
        results = self.builder.apply(operator, *operands)
        value: Value = results[0] if isinstance(results, tuple) else results
        return value

    def gathered(self, form: Form) -> Form:
        """Case 7: all numbers of a crop in the channels of one cell."""
        if form.is_gathered:
            return form
        features = prod(form.shape)
        if features > MOST_GATHERED:
            raise UnsupportedError(
                f"all {features:,} values of a crop are needed in one place; {MOST_GATHERED:,} are "
                "the most"
            )
        one_hot = np.eye(features, dtype=form.value.dtype).reshape(-1, *form.value.shape[1:])
        return Form(self.over_all(form, self.builder.constant(one_hot)), form.shape)

    def over_all(self, form: Form, w: Value, *bias: Value) -> Value:
        """A window as large as the image, with weights (O, C, *S)."""
        sizes = form.value.shape[2:]
        return self.apply(Correlate(Window.forward(sizes, sizes)), form.value, w, *bias)


def _correlate(d: Densifier, node: Node) -> Form:
    operator: Correlate = node.operator  # type: ignore[assignment]
    form, operands = d.form(node), d.rest(node, 1)
    if not operator.window.axes:
        if operator.groups != 1 or len(form.shape) != 2:
            raise UnsupportedError(f"a linear layer on {form.shape}; (1, F) is done")
        w = operands[0].reshape((operands[0].shape[0], *form.value.shape[1:]))
        d.keeps_order &= form.is_gathered or _is_flattened(d, node.inputs[0])
        return Form(d.over_all(form, w, *operands[1:]), node.outputs[0].shape)
    if not form.is_image:
        return _matrix(d, node)
    x, window = _covered(d, form.value, operator.window)
    return _image(d.apply(replace(operator, window=window), x, *operands))


def _is_flattened(d: Densifier, value: Value) -> bool:
    """Whether programs compute a linear layer on this as a window already (`full_window`)."""
    node = d.producers.get(value)
    return node is not None and isinstance(node.operator, Reshape) and node.inputs[0].ndim > 2


def _covered(d: Densifier, x: Value, window: Window) -> tuple[Value, Window]:
    """Case 8: an input without the cells at its ends that no window reaches."""
    ends = [min(a.high, 0) if a.input_dilation == 1 else 0 for a in window.axes]
    if not any(ends):
        return x, window
    axes = (replace(a, input=a.input + n) for a, n in zip(window.axes, ends, strict=True))
    return d.apply(Pad(((0, 0), (0, 0), *((0, n) for n in ends))), x), Window(tuple(axes))


def _image(value: Value) -> Form:
    return Form(value, value.shape)


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
    operator: CorrelateTranspose = node.operator  # type: ignore[assignment]
    if any(a.stride != 1 or a.input_dilation != 1 for a in operator.window.axes):
        raise UnsupportedError("a transposed convolution that enlarges its input; stride 1 is done")
    form = d.image(node, 1)
    return _image(d.apply(operator, d.fixed[node.inputs[0]], form.value, *d.rest(node, 2)))


def _pool(d: Densifier, node: Node) -> Form:
    operator: MaxPool | AveragePool = node.operator  # type: ignore[assignment]
    x, window = _covered(d, d.image(node).value, operator.window)
    axes = tuple(replace(a, stride=1) if _is_head(a) else a for a in window.axes)
    return _image(d.apply(replace(operator, window=Window(axes)), x))


def _is_head(axis: Axis) -> bool:
    """Whether a window covers its whole input, so that its stride means nothing."""
    return axis.kernel == axis.input and axis.output == 1 and axis.dilation == 1


def _pointwise(d: Densifier, node: Node) -> Form:
    out = node.outputs[0].shape
    forms = [d.forms[value] for value in node.inputs if value in d.forms]
    operands = [d.forms.get(value) or _constant(d, d.fixed[value]) for value in node.inputs]
    if all(form.is_image for form in forms):
        if any(form.shape[2:] != out[2:] for form in forms) or len(out) != forms[0].value.ndim:
            raise UnsupportedError(f"{node.operator.name} joins a crop's own number to its cells")
        if all(isinstance(x, Form) or prod(x.shape[2 - len(out) :]) == 1 for x in operands):
            values = [x.value if isinstance(x, Form) else x for x in operands]
            return _image(d.apply(node.operator, *values))
    if any(form.shape != out for form in forms):
        raise UnsupportedError(f"{node.operator.name} joins {forms[0].shape} to {out}")
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
        raise UnsupportedError(f"batch normalisation of {form.shape} that is no image")
    return Form(d.apply(node.operator, form.value, *d.rest(node, 1)), form.shape)


def _softmax(d: Densifier, node: Node) -> Form:
    form = d.form(node)
    axis: int = node.operator.axis  # type: ignore[attr-defined]
    if not form.is_image:
        form = d.gathered(form)
    if axis != 1 or form.value.shape[1] != form.shape[1]:
        raise UnsupportedError(f"{node.operator.name} over axis {axis} of {form.shape}")
    return Form(d.apply(node.operator, form.value), form.shape)


def _reshape(d: Densifier, node: Node) -> Form:
    """Case 1."""
    to: tuple[int, ...] = node.operator.to  # type: ignore[attr-defined]
    if to[:1] != (1,):
        raise UnsupportedError(f"a reshape to {to}, which mixes the images of a batch")
    return Form(d.form(node).value, to)


def _sum(d: Densifier, node: Node) -> Form:
    """Case 6."""
    form, out = d.image(node), node.outputs[0].shape
    axes: tuple[int, ...] = node.operator.axes  # type: ignore[attr-defined]
    if set(axes) == set(range(2, len(form.shape))):
        d.keeps_order = False
        ones = np.ones((form.shape[1], 1, *form.shape[2:]), form.value.dtype)
        window = Window.forward(form.shape[2:], form.shape[2:])
        operator = Correlate(window, form.shape[1])
        return Form(d.apply(operator, form.value, d.builder.constant(ones)), out)
    if axes == (1,) and len(out) == len(form.shape):
        return _image(d.apply(node.operator, form.value))
    raise UnsupportedError(f"a sum over the axes {axes} of {form.shape}")


def _pad(d: Densifier, node: Node) -> Form:
    operator: Pad = node.operator  # type: ignore[assignment]
    if operator.pairs[0] != (0, 0):
        raise UnsupportedError("padding of the batch")
    return _image(d.apply(operator, d.image(node).value))


def _slice(d: Densifier, node: Node) -> Form:
    operator: Slice = node.operator  # type: ignore[assignment]
    x = d.image(node).value
    if operator.count[0] != 1 or any(step != 1 for step in operator.step[2:]):
        raise UnsupportedError("a slice that leaves out or turns round cells of an image")
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
    return _image(d.apply(channels, x))


def _concatenate(d: Densifier, node: Node) -> Form:
    operator: Concatenate = node.operator  # type: ignore[assignment]
    if operator.axis != 1 or any(value not in d.forms for value in node.inputs):
        raise UnsupportedError("only channels that depend on the image are put side by side")
    forms = [d.forms[value] for value in node.inputs]
    if not all(form.is_image for form in forms):
        forms = [d.gathered(form) for form in forms]
    return Form(d.apply(operator, *(form.value for form in forms)), node.outputs[0].shape)


def _convert(d: Densifier, node: Node) -> Form:
    form = d.form(node)
    return Form(d.apply(node.operator, form.value), form.shape)


_RULES: dict[Any, Callable[[Densifier, Node], Form]] = {
    Correlate: _correlate,
    CorrelateTranspose: _correlate_transpose,
    Local: _matrix,
    MaxPool: _pool,
    AveragePool: _pool,
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
