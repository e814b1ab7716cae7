"""A layer or function on arrays, recorded: its one window, and whose arrays it reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allconv.analysis.moving import MOVING, move_labels
from allconv.errors import ArgumentError, LimitError, UnsupportedError
from allconv.graph import Graph, Node
from allconv.intake.arrays import take_array
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.correlate import Correlate, TransposeView, Trilinear, WeightView
from allconv.operators.pointwise import Divide
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.windowed import WindowOperator
from allconv.show.operand import Operand, WindowCall
from allconv.trace import trace
from allconv.value import Value

MOST_CELLS = 2**24
"""Cells of one array at most: each is given a label, and a label is 8 bytes."""


def record_call(
    function: Callable[..., Any], given: Sequence[Any], settings: dict[str, Any]
) -> WindowCall:
    """Record a layer or function on arrays.

    Arrays and lists are operands; numbers, texts, tuples and None are passed on as they are.
    UnsupportedError where not exactly one operator slides a window, or others compute; LimitError
    for arrays of more than 2**24 cells.
    """
    from allconv.nn import Module

    if not callable(function):
        raise ArgumentError(f"{type(function).__name__} is neither a layer nor a function")
    if isinstance(function, Module):
        if settings:
            raise ArgumentError(f"{', '.join(settings)}: a layer has its own settings")
        graph, arrays = _module_graph(function, given)
    else:
        graph, arrays = _function_graph(function, given, settings)
    graph = Graph(graph.inputs, graph.nodes, graph.outputs[:1], graph.constants).pruned()
    made = (value for node in graph.nodes for value in node.outputs)
    largest = max((value.size for value in (*graph.inputs, *graph.constants, *made)), default=0)
    if largest > MOST_CELLS:
        raise LimitError(
            f"an array of {largest:,} cells is on the way; the working is for at most "
            f"{MOST_CELLS:,}: pass a part"
        )
    return _Follower(graph, arrays).call()


def _module_graph(net: Any, given: Sequence[Any]) -> tuple[Graph, list[Array]]:
    from allconv.nn.tracing import trace_module

    arrays = [take_array(f"x{n}" if n else "x", each) for n, each in enumerate(given)]
    traced = trace_module(net, *map(Spec.of, arrays))
    places = net.named_places()
    state = [places[name].value(name) for name in traced.state]
    key = [np.zeros(2, np.int64)] if traced.uses_key else []
    return traced.graph, [*arrays, *state, *key]


def _function_graph(
    function: Callable[..., Any], given: Sequence[Any], settings: dict[str, Any]
) -> tuple[Graph, list[Array]]:
    named = {f"argument {n + 1}": each for n, each in enumerate(given)} | settings
    arrays = {
        name: take_array(name, each)
        for name, each in named.items()
        if not (each is None or isinstance(each, int | float | str | tuple | np.generic))
    }

    def call(*values: Value) -> Any:
        known = dict(zip(arrays, values, strict=True))
        positional = [known.get(f"argument {n + 1}", each) for n, each in enumerate(given)]
        return function(*positional, **{n: known.get(n, each) for n, each in settings.items()})

    traced = trace(call, *(Spec.of(each) for each in arrays.values()))
    return traced.graph, list(arrays.values())


class _Follower:
    """Follows values and labels through a graph to its one window, and the user's arrays that it
    reads and writes.

    What only moves values before and after the window (reshaping, flipping the kernel, padding,
    channels last to first) is followed by labels: see `analysis.moving`.
    """

    def __init__(self, graph: Graph, arrays: Sequence[Array]) -> None:
        self._graph = graph
        self._sources = dict(zip(graph.inputs, arrays, strict=True)) | dict(graph.constants)
        self._window, self._divisor = _only_window(graph)

    def call(self) -> WindowCall:
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
        window = self._window.of(WindowOperator)
        names = _names(window)
        operands = tuple(
            self._operand(name, values[value], labels[value], ends)
            for name, value in zip(names, self._window.inputs, strict=False)
        )
        result = self._result(names[-1])
        if self._divisor is not None:
            # A depthwise kernel of ones, divided: the mean by a divisor of the user's own.
            return WindowCall(AveragePool(window.window), operands[:1], result, self._divisor)
        return WindowCall(window, operands, result)

    def _operand(
        self, name: str, values: Array, labels: Array, ends: dict[Value, tuple[int, int]]
    ) -> Operand:
        seen = labels[labels > 0]
        for value, (start, end) in ends.items():
            # An empty operand is made of an empty array.
            low, high = (seen.min(), seen.max() + 1) if seen.size else (start, start)
            if start <= low and high <= end and bool(seen.size) == (start < end):
                own = np.where(labels > 0, labels - start + 1, 0)
                return Operand(name, values, own, value.shape, value.dtype)
        raise UnsupportedError(f"{name} is put together of several arrays; pass it as one")

    def _result(self, name: str) -> Operand:
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
        return Operand(name, np.zeros(made.shape), labels_of_made, final.shape, final.dtype)


def _follow(node: Node, values: dict[Value, Array]) -> None:
    """The result of an operator that moves values, where its operands are known."""
    if all(value in values for value in node.inputs):
        (result,) = node.operator.define(*(values[value] for value in node.inputs))
        values[node.outputs[0]] = result


def _follow_labels(node: Node, labels: dict[Value, Array]) -> None:
    """The same for labels; a division leaves them where they are."""
    if isinstance(node.operator, Divide):
        if node.inputs[0] in labels:
            labels[node.outputs[0]] = labels[node.inputs[0]]
    elif all(value in labels for value in node.inputs):
        given = (labels[value] for value in node.inputs)
        labels[node.outputs[0]] = move_labels(node.operator, *given)


def _only_window(graph: Graph) -> tuple[Node, int | None]:
    """The one node that slides a window, and the divisor of a mean where one follows it.

    Everything else must only move values.
    """
    working = [node for node in graph.nodes if not isinstance(node.operator, MOVING)]
    if len(working) == 1 and isinstance(working[0].operator, Trilinear | MaxPool | AveragePool):
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
    if isinstance(operator, TransposeView):
        return "w", "x", "b", "y"
    if isinstance(operator, WeightView):
        return "x", "y", "w"
    return "x", "w", "b", "y"
