"""What the layers of a network give for one image, from one run of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allconv.analysis.fields import Field
from allconv.engine.program import Program
from allconv.graph import Graph
from allconv.operators.base import Array
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.show.network.record import RunnableNetwork
from allconv.show.network.stage import Glimpse, glimpse_of
from allconv.train.evaluate import softmax
from allconv.value import Value

MOST_BYTES = 2**29
"""Of values that one run keeps; the others are computed in further runs."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Photo:
    """An image for a network.

    pixels   uint8 (H, W, C), as it is shown
    x        what the network takes, for a batch of 1
    classes  the names of the classes, or their numbers
    """

    name: str
    pixels: Array
    x: Array
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Scores:
    """What a classifier gives: `logits` (C,) of the value `value`, and probabilities (C,)."""

    value: Value
    logits: Array
    probabilities: Array

    def likeliest(self, count: int) -> list[int]:
        """The numbers of the likeliest classes."""
        return [int(k) for k in (-self.probabilities).argsort(kind="stable")[:count]]


def compute(run: RunnableNetwork, x: Array, wanted: Sequence[Value]) -> tuple[Array, ...]:
    """Some values of the network for an input."""
    graph = run.recorded.graph
    free = {*graph.inputs, *graph.constants}
    made = tuple(dict.fromkeys(value for value in wanted if value not in free))
    found: dict[Value, Array] = {graph.inputs[0]: x}
    if made:
        part = Graph(graph.inputs, graph.nodes, made, graph.constants).pruned()
        found.update(zip(made, Program(part)(x, *run.arrays), strict=True))
    for value in wanted:
        if value not in found:
            held = run.held(value)
            assert held is not None  # noqa: S101 (it is an input, a constant or was computed)
            found[value] = held
    return tuple(found[value] for value in wanted)


def layer_values(
    run: RunnableNetwork, x: Array, take: Callable[[Array, Field], Array], progress: Progress
) -> Mapping[int, Array]:
    """What `take` keeps of the value of every layer, by the layer's number."""
    asked = [(each.number, each.value) for each in run.network.layers if each.value is not None]
    kept: dict[int, Array] = {}
    for start, end in _parts([value.spec.size * 4 for _, value in asked]):
        progress("running the network", start, len(asked))
        arrays = compute(run, x, [value for _, value in asked[start:end]])
        for (number, _), array in zip(asked[start:end], arrays, strict=True):
            kept[number] = take(array, run.fields.get(number, ()))
    return kept


def glimpses_of(run: RunnableNetwork, x: Array, progress: Progress) -> Mapping[int, Glimpse]:
    """A small part of every layer that slides a window, by the layer's number."""
    asked = [(each.number, each.nodes[0]) for each in run.network.layers if each.nodes]
    found: dict[int, Glimpse] = {}
    for start, end in _parts([sum(v.spec.size * 4 for v in node.inputs) for _, node in asked]):
        progress("looking at windows", start, len(asked))
        wanted = dict.fromkeys(value for _, node in asked[start:end] for value in node.inputs)
        known = dict(zip(wanted, compute(run, x, list(wanted)), strict=True))
        for number, node in asked[start:end]:
            glimpse = glimpse_of(node, [known[value] for value in node.inputs])
            if glimpse is not None:
                found[number] = glimpse
    return found


def _parts(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours whose sizes together stay below the limit, as (first, end)."""
    parts, start, total = [], 0, 0
    for number, size in enumerate(sizes):
        if total + size > MOST_BYTES and number > start:
            parts.append((start, number))
            start, total = number, 0
        total += size
    return [*parts, (start, len(sizes))] if sizes else []


def scores_of(run: RunnableNetwork, x: Array) -> Scores | None:
    """What the network says of the classes; None where it gives no vector of at least two."""
    value = run.recorded.graph.outputs[0]
    if value.ndim != 2 or value.shape[0] != 1 or value.shape[1] < 2:
        return None
    for node in run.recorded.graph.nodes:
        if value in node.outputs and isinstance(node.operator, Softmax | LogSoftmax):
            value = node.inputs[0]
            break
    (logits,) = compute(run, x, [value])
    flat = np.asarray(logits, np.float64).reshape(1, -1)
    if not np.isfinite(flat).all():
        return None
    return Scores(value, flat[0], softmax(flat)[0])


def maps_of(array: Array, field: Field, most: int) -> Array:
    """The first channels of a value as maps (N, H, W); a vector is one map."""
    axes = [reach.along for reach in field if reach.along is not None]
    if len(axes) != 2 and array.ndim == 4:
        axes = [2, 3]
    if len(axes) != 2 or array.ndim < 3:
        return array.reshape(1, -1)[:, : most * 64]
    moved = np.moveaxis(array, axes, [-2, -1])
    return moved.reshape(-1, *moved.shape[-2:])[:most].copy()
