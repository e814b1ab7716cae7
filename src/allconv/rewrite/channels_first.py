"""A network of images whose channels come last, as one of images whose channels come first.

    1  transpose(transpose(x, p), q)  -> transpose(x, p then q), or x where that changes nothing
    2  f(transpose(x, p), c)          -> transpose(f(x, c'), p), f pointwise, c' c with its axes so
    3  sum(transpose(x, p), axes)     -> transpose(sum(x, those axes of x), what is left of p)

Orders of axes are carried along with values, and a transpose is recorded where nothing of the above
takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allconv.graph import Graph, Node
from allconv.operators.arrange import Convert, Transpose
from allconv.operators.base import Spec
from allconv.operators.pointwise import Pointwise
from allconv.operators.reduce import Sum
from allconv.trace import Builder
from allconv.value import Value

Order = tuple[int, ...]


@dataclass(frozen=True)
class Transposed:
    """A value that stands for itself with its axes in an order."""

    value: Value
    order: Order

    @property
    def is_plain(self) -> bool:
        """Whether the order changes nothing."""
        return self.order == tuple(range(len(self.order)))


def takes_channels_last(graph: Graph) -> bool:
    """Whether a graph begins by moving the last axis of its images behind the batch."""
    prepared = {graph.inputs[0]}
    first = _first(len(graph.inputs[0].shape))
    for node in graph.nodes:
        if not prepared.intersection(node.inputs):
            continue
        if node.operator == Transpose(first):
            return len(first) > 2
        if not isinstance(node.operator, Pointwise | Convert):
            return False
        prepared.update(node.outputs)
    return False


def channels_first(graph: Graph) -> Graph:
    """The graph for images (N, C, *I) instead of (N, *I, C)."""
    image, *rest = graph.inputs
    order = _first(len(image.shape))
    builder = Builder()
    new = builder.input(Spec(tuple(image.shape[a] for a in order), image.dtype), image.name)
    here = {image: Transposed(new, _inverse(order))}
    for value in rest:
        here[value] = _plain(builder.input(value.spec, value.name))
    for value, array in graph.constants.items():
        here[value] = _plain(builder.constant(array, value.name))
    for node in graph.nodes:
        operands = [here[value] for value in node.inputs]
        with builder.at(node.path):
            found = _moved(builder, node, operands)
            if found is None:
                made: Any = builder.apply(node.operator, *(_laid(builder, x) for x in operands))
                results = made if isinstance(made, tuple) else (made,)
                here.update(zip(node.outputs, map(_plain, results), strict=True))
            else:
                here[node.outputs[0]] = found
    return builder.graph([_laid(builder, here[value]) for value in graph.outputs])


def _first(rank: int) -> Order:
    """(N, *I, C) to (N, C, *I)."""
    return (0, rank - 1, *range(1, rank - 1)) if rank > 1 else tuple(range(rank))


def _inverse(order: Order) -> Order:
    return tuple(order.index(axis) for axis in range(len(order)))


def _plain(value: Value) -> Transposed:
    return Transposed(value, tuple(range(len(value.shape))))


def _laid(builder: Builder, x: Transposed) -> Value:
    """The value with its axes in their order."""
    y: Value = x.value if x.is_plain else builder.apply(Transpose(x.order), x.value)
    return y


def _moved(builder: Builder, node: Node, operands: list[Transposed]) -> Transposed | None:
    """The result of a node as a transposed value, where one of the cases has it."""
    operator, x = node.operator, operands[0]
    if isinstance(operator, Transpose):
        return Transposed(x.value, tuple(x.order[axis] for axis in operator.order))
    if isinstance(operator, Pointwise | Convert):
        return _pointwise(builder, node, operands)
    if isinstance(operator, Sum) and not x.is_plain:
        axes = tuple(sorted(x.order[axis] for axis in operator.axes))
        left = [a for n, a in enumerate(x.order) if operator.keep or n not in operator.axes]
        order = tuple(sorted(left).index(axis) for axis in left)
        return Transposed(builder.apply(Sum(axes, operator.keep), x.value), order)
    return None


def _pointwise(builder: Builder, node: Node, operands: list[Transposed]) -> Transposed | None:
    """Case 2: all operands in one order, those in none transposed into it."""
    rank = len(node.outputs[0].shape)
    orders = {x.order for x in operands if not x.is_plain}
    if len(orders) != 1 or len(next(iter(orders))) != rank:
        return None
    (order,) = orders
    values = [x.value if x.order == order else _into(builder, x.value, order) for x in operands]
    return Transposed(builder.apply(node.operator, *values), order)


def _into(builder: Builder, value: Value, order: Order) -> Value:
    """A plain value as it meets one of this order."""
    if not value.shape:
        return value
    full = value.reshape((*(1,) * (len(order) - len(value.shape)), *value.shape))
    y: Value = builder.apply(Transpose(_inverse(order)), full)
    return y
