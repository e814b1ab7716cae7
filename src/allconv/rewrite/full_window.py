"""Linear layers on flattened images as windows as large as the image.

    1  linear(reshape(x, (N, F)), w, b)         -> correlate(x, reshape(w, (O, C, *S)), b)
    2  reshape(linear's gradient of its input)  -> the transposed correlation, as an image
    3  linear's gradient of its weights         -> reshape(that of the full window's weights)

where x is (N, C, *S) with C*prod(S) = F. Nothing is flattened any more, so images keep their
layout, and the sum runs in the order of a convolution: on a larger image the same weights give the
same bits. Case 1 leaves images of a single cell as they are, whose sum has that order anyway.
"""

from __future__ import annotations

from math import prod

from allconv.graph import Graph, Node
from allconv.intake.limits import MOST_WINDOW_AXES
from allconv.operators.arrange import Reshape
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.trace import Builder
from allconv.value import Value
from allconv.window import Window


def full_window(graph: Graph) -> Graph:
    """The graph with the three cases above replaced."""
    if not any(isinstance(node.operator, Reshape) for node in graph.nodes):
        return graph
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]

    def replace(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        match node.operator:
            case Correlate(Window(()), 1):
                return _forward(builder, inputs)
            case CorrelateWeight(Window(()), 1):
                return _weight(builder, inputs)
            case Reshape(to):
                return _input(builder, inputs[0], to)
        return None

    here = builder.inline(graph, operands, replace)
    return builder.graph([here[value] for value in graph.outputs])


def _made_by(builder: Builder, value: Value, kind: type[Operator]) -> Node | None:
    """The node that made a value, if its operator is of a kind."""
    node = builder.producers.get(value)
    return node if node is not None and isinstance(node.operator, kind) else None


def _image(builder: Builder, flat: Value) -> Value | None:
    """The image that was flattened to (N, F), if that is what `flat` is."""
    node = _made_by(builder, flat, Reshape)
    image = node.inputs[0] if node else None
    if image is None or image.shape[0] != flat.shape[0]:
        return None
    return image if 2 < image.ndim <= 2 + MOST_WINDOW_AXES else None


def _whole(image: Value | tuple[int, ...]) -> Window:
    sizes = image if isinstance(image, tuple) else image.shape[2:]
    return Window.forward(sizes, sizes)


def _forward(builder: Builder, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
    image = _image(builder, inputs[0])
    if image is None or prod(image.shape[2:]) == 1:
        return None
    w = inputs[1].reshape((inputs[1].shape[0], *image.shape[1:]))
    y = builder.apply(Correlate(_whole(image)), image, w, *inputs[2:])
    return (y.reshape(y.shape[:2]),)


def _weight(builder: Builder, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
    image = _image(builder, inputs[0])
    if image is None:
        return None
    gy = inputs[1].reshape((*inputs[1].shape, *(1,) * (image.ndim - 2)))
    w = builder.apply(CorrelateWeight(_whole(image)), image, gy)
    return (w.reshape((w.shape[0], prod(w.shape[1:]))),)


def _input(builder: Builder, flat: Value, to: tuple[int, ...]) -> tuple[Value, ...] | None:
    node = _made_by(builder, flat, CorrelateTranspose)
    if node is None or flat.ndim != 2 or not 2 < len(to) <= 2 + MOST_WINDOW_AXES:
        return None
    if to[0] != flat.shape[0] or node.operator != CorrelateTranspose(Window()):
        return None
    w, gy = node.inputs[:2]
    if len(node.inputs) > 2:
        return None
    gy = gy.reshape((*gy.shape, *(1,) * (len(to) - 2)))
    w = w.reshape((w.shape[0], *to[1:]))
    return (builder.apply(CorrelateTranspose(_whole(to[2:])), w, gy),)
