"""A layer or function on arrays, recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, LimitError
from allconv.graph import Graph
from allconv.intake.arrays import take_array
from allconv.operators.base import Array, Spec
from allconv.show.locate_window import locate_window
from allconv.show.operand import WindowCall
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
    return locate_window(graph, arrays)


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
