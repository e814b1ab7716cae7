"""Which cells of a value have seen padding, at the low and at the high end of each axis.

A cell has seen padding when a tap of its window lies outside the input, or on a cell that has.
Along an axis a window meets cells of that axis only, so one row of flags an axis and end says all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allconv.graph import Graph, Node
from allconv.operators.arrange import Pad
from allconv.operators.base import Array
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.pool import AveragePool, MaxPool
from allconv.value import Value
from allconv.window import Axis


@dataclass(frozen=True, eq=False)
class Margin:
    """The cells of one axis that have seen padding: bool (P,) for each end."""

    low: Array
    high: Array


def margins(graph: Graph) -> tuple[tuple[Margin, ...], ...]:
    """The margins of each output along its spatial axes, for a graph that `densified` made."""
    source = graph.inputs[0]
    clean = tuple(Margin(np.zeros(n, bool), np.zeros(n, bool)) for n in source.shape[2:])
    seen: dict[Value, tuple[Margin, ...]] = {source: clean}
    for node in graph.nodes:
        given = [seen[value] for value in node.inputs if value in seen]
        if given:
            united = tuple(_united(row) for row in zip(*given, strict=True))
            result = _through(node, united)
            seen.update((value, result) for value in node.outputs)
    return tuple(seen[value] for value in graph.outputs)


def _united(row: tuple[Margin, ...]) -> Margin:
    return Margin(
        np.logical_or.reduce([m.low for m in row]), np.logical_or.reduce([m.high for m in row])
    )


def _through(node: Node, given: tuple[Margin, ...]) -> tuple[Margin, ...]:
    match node.operator:
        case Correlate(window) | MaxPool(window) | AveragePool(window):
            return tuple(map(_window, window.axes, given))
        case CorrelateTranspose(window):
            return tuple(map(_transpose, window.axes, given))
        case Pad(pairs):
            return tuple(map(_padded, pairs[2:], given))
    return given


def _window(axis: Axis, seen: Margin) -> Margin:
    i, k = np.ix_(np.arange(axis.output), np.arange(axis.kernel))
    place = axis.stride * i + axis.dilation * k - axis.padding
    return _met(place, axis.input_dilation, axis.input, seen)


def _transpose(axis: Axis, seen: Margin) -> Margin:
    j, k = np.ix_(np.arange(axis.input), np.arange(axis.kernel))
    place = axis.input_dilation * j + axis.padding - axis.dilation * k
    return _met(place, axis.stride, axis.output, seen)


def _met(place: Array, step: int, size: int, seen: Margin) -> Margin:
    """`place` (P, K): where each tap lies on an input whose cells are `step` apart."""
    inside = (place >= 0) & (place <= (size - 1) * step)
    cell = np.clip(place // step, 0, size - 1)
    hit = inside & (place % step == 0)
    low = (place < 0) | (hit & seen.low[cell])
    high = (place > (size - 1) * step) | (hit & seen.high[cell])
    return Margin(low.any(1), high.any(1))


def _padded(pair: tuple[int, int], seen: Margin) -> Margin:
    def one(flags: Array, *, low: bool, high: bool) -> Array:
        before, after = pair
        grown = np.concatenate([np.full(max(before, 0), low), flags, np.full(max(after, 0), high)])
        return np.asarray(grown[max(-before, 0) : len(grown) - max(-after, 0)])

    return Margin(one(seen.low, low=True, high=False), one(seen.high, low=False, high=True))
