"""How far padding reaches: which cells of a value have seen it, at each end of each axis.

A cell has seen padding when a tap of its window lies outside the input, or on a cell that has.
Along an axis a window meets cells of that axis only, so one row of flags an axis and end says all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from allconv.analysis.meetings import AxisMeetings
from allconv.graph import Graph, Node
from allconv.operators.arrange import Pad, PadEdge
from allconv.operators.base import Array
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.pool import AveragePool, MaxPool
from allconv.operators.rules import Rules
from allconv.operators.windowed import WindowOperator
from allconv.value import Value
from allconv.window import Axis, reach_of


@dataclass(frozen=True, eq=False)
class Seen:
    """The cells of one axis that have seen padding: bool (P,) for each end."""

    low: Array
    high: Array


Rule = Callable[[Node, tuple[Seen, ...]], tuple[Seen, ...]]


def padding_reach(graph: Graph) -> tuple[tuple[Seen, ...], ...]:
    """What each output has seen along its spatial axes, for a graph that `densified` made.

    Such a graph has windows, borders, and operators that compute each cell by itself.
    """
    source = graph.inputs[0]
    clean = tuple(Seen(np.zeros(n, bool), np.zeros(n, bool)) for n in source.shape[2:])
    seen: dict[Value, tuple[Seen, ...]] = {source: clean}
    for node in graph.nodes:
        given = [seen[value] for value in node.inputs if value in seen]
        if given:
            united = tuple(_united(row) for row in zip(*given, strict=True))
            rule = _RULES.of(node.operator)
            result = united if rule is None else rule(node, united)
            seen.update((value, result) for value in node.outputs)
    return tuple(seen[value] for value in graph.outputs)


def _united(row: tuple[Seen, ...]) -> Seen:
    return Seen(
        np.logical_or.reduce([each.low for each in row]),
        np.logical_or.reduce([each.high for each in row]),
    )


def _met_by_outputs(axis: Axis, seen: Seen) -> Seen:
    """Output i begins at s*i - p; beyond the input lie its last cell and what follows."""
    meetings = AxisMeetings(axis)
    first = np.array(axis.starts)
    met = [[j for _, j, _ in meetings.by("y", i)] for i in range(axis.output)]
    return _flags(first, axis.reach, axis.spread, met, seen)


def _met_by_inputs(axis: Axis, seen: Seen) -> Seen:
    """Input j begins at b*j + p - (reach - 1) of the outputs, which lie s apart."""
    meetings = AxisMeetings(axis)
    first = axis.input_dilation * np.arange(axis.input) + axis.padding - (axis.reach - 1)
    met = [[i for i, _, _ in meetings.by("x", j)] for j in range(axis.input)]
    return _flags(first, axis.reach, reach_of(axis.output, axis.stride), met, seen)


def _window(met: Callable[[Axis, Seen], Seen]) -> Rule:
    """The rule of operators with a window, from the rule of one axis."""
    return lambda node, seen: tuple(map(met, node.of(WindowOperator).window.axes, seen))


def _flags(first: Array, reach: int, size: int, met: Sequence[list[int]], seen: Seen) -> Seen:
    """For windows that begin at `first` and meet the cells `met` of an axis of this size."""
    low = [bool(seen.low[cells].any()) for cells in met]
    high = [bool(seen.high[cells].any()) for cells in met]
    return Seen((first < 0) | low, (first + reach > size) | high)


def _anything(node: Node, seen: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """A window without a rule of its own: any cell may have seen padding at either end."""
    every = (np.ones(n, bool) for n in node.outputs[0].shape[2:])
    return tuple(Seen(flags, flags) for flags in every)


def _pad(node: Node, seen: tuple[Seen, ...]) -> tuple[Seen, ...]:
    return tuple(map(_padded, node.of(Pad).pairs[2:], seen))


def _padded(pair: tuple[int, int], seen: Seen) -> Seen:
    def one(flags: Array, *, low: bool, high: bool) -> Array:
        before, after = pair
        grown = np.concatenate([np.full(max(before, 0), low), flags, np.full(max(after, 0), high)])
        return np.asarray(grown[max(-before, 0) : len(grown) - max(-after, 0)])

    return Seen(one(seen.low, low=True, high=False), one(seen.high, low=False, high=True))


def _pad_edge(node: Node, seen: tuple[Seen, ...]) -> tuple[Seen, ...]:
    pairs = node.of(PadEdge).pairs[2:]
    rows = zip(seen, pairs, strict=True)
    return tuple(
        Seen(np.pad(s.low, pair, "edge"), np.pad(s.high, pair, "edge")) for s, pair in rows
    )


_RULES: Rules[Rule] = Rules(
    dict.fromkeys((Correlate, MaxPool, AveragePool), _window(_met_by_outputs)),
    {
        CorrelateTranspose: _window(_met_by_inputs),
        Pad: _pad,
        PadEdge: _pad_edge,
        WindowOperator: _anything,
    },
)
