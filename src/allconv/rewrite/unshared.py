"""Weights that were shared, each cell's own.

    1  correlate(x, w, b)  -> local(x, w repeated at every output cell, b likewise)
    2  local(x, w, b)      -> linear(all of x, the matrix of the layer, all of b)

Case 2 is a choice. The results are the same numbers in the same order.
"""

from __future__ import annotations

from math import prod

import numpy as np

from allconv.errors import UnsupportedError
from allconv.graph import Graph, Node
from allconv.operators.arrange import Transpose
from allconv.operators.correlate import Correlate
from allconv.operators.local import Local
from allconv.operators.reduce import Broadcast
from allconv.trace import Builder
from allconv.value import Value
from allconv.window import Window

MOST_WEIGHTS = 2**28  # numbers in one matrix


def unshared(graph: Graph, *, linear: bool) -> Graph:
    """The graph with case 1 applied, and then case 2 where `linear`."""
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]

    def replace(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        operator = node.operator
        if isinstance(operator, Correlate) and operator.window.axes:
            if any(axis.input_dilation != 1 for axis in operator.window.axes):
                raise UnsupportedError("a locally connected layer has no input_dilation")
            operator, inputs = _local(builder, operator, inputs)
        if isinstance(operator, Local):
            if linear:
                return (_linear(builder, operator, inputs),)
            return (builder.apply(operator, *inputs),)
        return None

    here = builder.inline(graph, operands, replace)
    return builder.graph([here[value] for value in graph.outputs])


def _local(
    builder: Builder, operator: Correlate, inputs: tuple[Value, ...]
) -> tuple[Local, tuple[Value, ...]]:
    x, w, *bias = inputs
    output = operator.window.output
    ones = (1,) * len(output)
    _check(prod(w.shape) * prod(output))
    many = [builder.apply(Broadcast((*w.shape, *output)), w.reshape((*w.shape, *ones)))]
    many += [
        builder.apply(Broadcast((*b.shape, *output)), b.reshape((*b.shape, *ones))) for b in bias
    ]
    return Local(operator.window, operator.groups), (x, *many)


def _linear(builder: Builder, operator: Local, inputs: tuple[Value, ...]) -> Value:
    """The matrix is what the layer makes of the unit images, a column each."""
    x, w, *bias = inputs
    out = (w.shape[0], *operator.window.output)
    features, count = prod(x.shape[1:]), prod(out)
    _check(features * count)
    units = np.eye(features, dtype=x.dtype).reshape(-1, *x.shape[1:])
    images = builder.apply(operator, builder.constant(units), w)
    matrix = builder.apply(Transpose((1, 0)), images.reshape((features, count)))
    flat = (x.reshape((x.shape[0], features)), matrix, *(b.reshape((count,)) for b in bias))
    y: Value = builder.apply(Correlate(Window()), *flat)
    return y.reshape((x.shape[0], *out))


def _check(numbers: int) -> None:
    if numbers > MOST_WEIGHTS:
        raise UnsupportedError(
            f"a layer would have {numbers:,} weights; at most {MOST_WEIGHTS:,} are supported: "
            "use a smaller image"
        )
