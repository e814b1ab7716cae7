"""From a graph to its one window and the places that it reads and writes.

What only moves values before and after the window (reshaping, turning the kernel round, padding,
channels last to first) is followed with labels instead of numbers: every cell of every array given
carries its own whole number through the definitions of those operators, 0 stands for padding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allconv.errors import UnsupportedError
from allconv.graph import Graph, Node
from allconv.operators.arrange import (
    Concatenate,
    Convert,
    Pad,
    Reshape,
    Slice,
    Transpose,
    Unslice,
)
from allconv.operators.base import Array, Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.operators.pointwise import Divide
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.reduce import Broadcast
from allconv.show.place import Call, Place
from allconv.value import Value

WINDOWS = (
    Correlate, CorrelateTranspose, CorrelateWeight, Local, LocalTranspose, LocalWeight, MaxPool,
    AveragePool,
)  # fmt: skip
MOVING = (
    Broadcast, Concatenate, Convert, Pad, Reshape, Slice, Transpose, Unslice,
)  # fmt: skip


def follow(graph: Graph, arrays: Sequence[Array]) -> Call:
    """The window of a graph on arrays, with its operands and its result."""
    return _Follower(graph, arrays).call()


class _Follower:
    """Follows values and labels through a graph."""

    def __init__(self, graph: Graph, arrays: Sequence[Array]) -> None:
        self._graph = graph
        self._sources = dict(zip(graph.inputs, arrays, strict=True)) | dict(graph.constants)
        self._window, self._divisor = _only_window(graph)

    def call(self) -> Call:
        """The window with its operands and its result."""
        values, labels, ends = dict(self._sources), {}, {}
        end = 1
        for value, array in self._sources.items():
            labels[value] = np.arange(end, end + array.size, dtype=np.int64).reshape(array.shape)
            ends[value] = (end, end + array.size)
            end += array.size
        for node in self._graph.nodes[: self._graph.nodes.index(self._window)]:
            _follow(node, values)
            _follow_labels(node, labels)
        names = _names(self._window.operator)
        operands = tuple(
            self._operand(name, values[value], labels[value], ends)
            for name, value in zip(names, self._window.inputs, strict=False)
        )
        result = self._result(names[-1])
        if self._divisor is not None:
            # A depthwise kernel of ones, divided: the mean by a divisor of the user's own.
            operator = AveragePool(self._window.operator.window)  # type: ignore[attr-defined]  # an average has one
            return Call(operator, operands[:1], result, self._divisor)
        return Call(self._window.operator, operands, result)

    def _operand(
        self, name: str, values: Array, labels: Array, ends: dict[Value, tuple[int, int]]
    ) -> Place:
        seen = labels[labels > 0]
        for value, (start, end) in ends.items():
            # An empty operand is made of an empty array.
            low, high = (seen.min(), seen.max() + 1) if seen.size else (start, start)
            if start <= low and high <= end and bool(seen.size) == (start < end):
                own = np.where(labels > 0, labels - start + 1, 0)
                return Place(name, values, own, value.shape, value.dtype)
        raise UnsupportedError(f"{name} is put together of several arrays; pass it as one")

    def _result(self, name: str) -> Place:
        """Where the cells of the window's result are in what the call returns."""
        made, final = self._window.outputs[0], self._graph.outputs[0]
        labels = {made: np.arange(1, 1 + made.size, dtype=np.int64).reshape(made.shape)}
        for node in self._graph.nodes[self._graph.nodes.index(self._window) + 1 :]:
            _follow_labels(node, labels)
        flat = labels[final].ravel() if final in labels else np.zeros(final.size, np.int64)
        if not flat.all() or np.unique(flat).size != flat.size:
            raise UnsupportedError(
                "after the window its result is padded, repeated or joined with other arrays; "
                "return it as it is"
            )
        inverse = np.zeros(made.size, np.int64)
        inverse[flat - 1] = 1 + np.arange(flat.size)
        labels_of_made = inverse.reshape(made.shape)
        return Place(name, np.zeros(made.shape), labels_of_made, final.shape, final.dtype)


def _follow(node: Node, known: dict[Value, Array], operator: Operator | None = None) -> None:
    """The result of an operator that moves values, where its operands are known."""
    if all(value in known for value in node.inputs):
        define = (operator or node.operator).define
        (known[node.outputs[0]],) = define(*(known[value] for value in node.inputs))


def _follow_labels(node: Node, labels: dict[Value, Array]) -> None:
    """The same for labels: numbers that are no values are not converted, and 0 is what pads."""
    operator = node.operator
    if isinstance(operator, Divide):
        if node.inputs[0] in labels:
            labels[node.outputs[0]] = labels[node.inputs[0]]
        return
    if isinstance(operator, Convert):
        operator = Reshape(node.outputs[0].shape)
    elif isinstance(operator, Pad):
        operator = Pad(operator.pairs)
    _follow(node, labels, operator)


def _only_window(graph: Graph) -> tuple[Node, int | None]:
    """The one node that slides a window, and the divisor of a mean where one follows it.

    Everything else must only move values.
    """
    working = [node for node in graph.nodes if not isinstance(node.operator, MOVING)]
    if len(working) == 1 and isinstance(working[0].operator, WINDOWS):
        return working[0], None
    divisor = _divisor(graph, working)
    if divisor is not None:
        return working[0], divisor
    names = ", ".join(node.operator.name for node in working) or "nothing"
    raise UnsupportedError(
        f"the working is of one convolution, transposed, locally connected, linear or pooling "
        f"layer; this computes {names}: pass one layer, net[0] say"
    )


def _divisor(graph: Graph, working: Sequence[Node]) -> int | None:
    """The divisor of average pooling with `divisor_override`, if that is what is computed."""
    match [node.operator for node in working]:
        case [Correlate(groups=groups), Divide()]:
            weights = graph.constants.get(working[0].inputs[1])
            by = graph.constants.get(working[1].inputs[1])
            if weights is None or by is None or by.shape or len(working[0].inputs) > 2:
                return None
            is_mean = weights.shape[:2] == (groups, 1) and bool((weights == 1).all())
            return int(by) if is_mean and by == int(by) else None
    return None


def _names(operator: Operator) -> tuple[str, ...]:
    """The names of the operands, the bias and the result, as users know them."""
    if isinstance(operator, MaxPool | AveragePool):
        return "x", "y"
    if isinstance(operator, CorrelateTranspose | LocalTranspose):
        return "w", "x", "b", "y"
    if isinstance(operator, CorrelateWeight | LocalWeight):
        return "x", "y", "w"
    return "x", "w", "b", "y"
