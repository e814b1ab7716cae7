"""What moves cells by several operators here and by one in the format, found in a graph.

As in `patterns`, a function of ours is traced again with the settings that were found, and only
where that gives the same operators is the one node written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from allconv.functional.border import bordered
from allconv.functional.shuffle import depth_to_space, space_to_depth
from allconv.graph import Node
from allconv.onnx.write.patterns import Match, matches
from allconv.operators.arrange import Concatenate, Reshape, Slice, Transpose
from allconv.operators.reduce import Broadcast
from allconv.trace import trace
from allconv.value import Value

IMAGE = 4  # axes
BORDERS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}

Producers = Mapping[Value, Node]


def moved(node: Node, producers: Producers) -> Match | None:
    """The node of the format that a node here ends, if there is one."""
    if isinstance(node.operator, Concatenate):
        return _border(node, producers)
    return _shuffled(node, producers) if isinstance(node.operator, Reshape) else None


def _is(function: Callable[[Value], Any], x: Value, y: Value, producers: Producers) -> bool:
    """Whether y is made of x as the function makes it."""
    graph = trace(function, x.spec).graph
    found: dict[Value, Value] = {}
    same = matches(graph, graph.outputs[0], y, producers, {}, found)
    return same and found.get(graph.inputs[0]) is x


def _shuffled(node: Node, producers: Producers) -> Match | None:
    """DepthToSpace, and SpaceToDepth of blocks before channels."""
    y = node.outputs[0]
    x = y
    for kind in (Reshape, Transpose, Reshape):
        before = producers.get(x)
        if before is None or not isinstance(before.operator, kind):
            return None
        (x,) = before.inputs
    if x.ndim != IMAGE or y.ndim != IMAGE or not x.size:
        return None
    larger, smaller = (max(a.shape[2] // b.shape[2], 1) for a, b in ((y, x), (x, y)))
    for first, mode in ((True, "CRD"), (False, "DCR")):
        made = partial(depth_to_space, by=larger, channels_first=first)
        if x.shape[1] % larger**2 == 0 and _is(made, x, y, producers):
            return Match("DepthToSpace", (x,), {"blocksize": larger, "mode": mode}, ())
    made = partial(space_to_depth, by=smaller, channels_first=False)
    fits = x.shape[2] % smaller == 0 == x.shape[3] % smaller
    if fits and _is(made, x, y, producers):
        return Match("SpaceToDepth", (x,), {"blocksize": smaller}, ())
    return None


def _border(node: Node, producers: Producers) -> Match | None:
    """Pad, of one axis after the other: never of the batch, whose size may be open."""
    ends: dict[int, tuple[int, int]] = {}
    mode, y = "", node.outputs[0]
    while True:
        one = _axis(y, mode, producers)
        if one is None or one[0] in ends or one[0] >= min(ends, default=y.ndim):
            break
        axis, pair, mode, y = one
        ends[axis] = pair
    if not ends:
        return None
    pairs = [ends.get(axis, (0, 0)) for axis in range(y.ndim)]
    pads = (*(low for low, _ in pairs), *(high for _, high in pairs))
    return Match("Pad", (y,), {"mode": BORDERS[mode]}, (), pads)


def _axis(
    y: Value, mode: str, producers: Producers
) -> tuple[int, tuple[int, int], str, Value] | None:
    """The last axis that was continued: which, how far, how, and what there was before."""
    node = producers.get(y)
    if node is None or not isinstance(node.operator, Concatenate) or not node.operator.axis:
        return None
    axis = node.operator.axis
    for number in _middles(node, producers):
        x = node.inputs[number]
        low = sum(part.shape[axis] for part in node.inputs[:number])
        pair = (low, y.shape[axis] - low - x.shape[axis])
        ends = tuple(pair if a == axis else (0, 0) for a in range(y.ndim))
        for each in BORDERS:
            if mode in ("", each) and _continues(x, y, ends, each, producers):
                return axis, pair, each, x
    return None


def _continues(
    x: Value, y: Value, ends: tuple[tuple[int, int], ...], mode: str, producers: Producers
) -> bool:
    most = max(max(pair) for pair in ends)
    axis = next(a for a, pair in enumerate(ends) if any(pair))
    if mode != "replicate" and most > x.shape[axis] - (mode == "reflect"):
        return False
    return _is(partial(bordered, ends=ends, mode=mode), x, y, producers)


def _middles(node: Node, producers: Producers) -> Iterator[int]:
    """The parts of which others are cells."""
    if not 2 <= len(node.inputs) <= 3:  # before and after
        return
    for number, x in enumerate(node.inputs):
        others = [part for n, part in enumerate(node.inputs) if n != number]
        if number < 2 and all(_source(part, producers) is x for part in others):
            yield number


def _source(part: Value, producers: Producers) -> Value | None:
    """What a part is a part of."""
    node = producers.get(part)
    if node is not None and isinstance(node.operator, Broadcast):
        node = producers.get(node.inputs[0])
    return node.inputs[0] if node is not None and isinstance(node.operator, Slice) else None
