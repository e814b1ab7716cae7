"""Laying out: which values lie inside of others, decided on the graph before anything has memory.

What convolutions write and a concatenation of channels puts together is written to its part of the
result at once: nothing is left to copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from allconv.engine.expression import EMITTERS
from allconv.engine.fuse import FusedGroup
from allconv.graph import Graph, Node
from allconv.operators.arrange import Concatenate
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate
from allconv.operators.normalize import Normalize
from allconv.value import Value

CHANNELS = 1  # the axis
READERS: tuple[type[Operator], ...] = (Concatenate, Correlate, Normalize, *EMITTERS)
"""Operators whose kernels read pixels of any stride."""


class Inside(NamedTuple):
    """A value is a part of another, from one channel on."""

    whole: Value
    channel: int


def parts(graph: Graph, groups: Mapping[Node, FusedGroup]) -> dict[Value, Inside]:
    """Where each value lies that is a part of another."""
    users = graph.users()
    producers = {value: node for node in graph.nodes for value in node.outputs}
    found: dict[Value, Inside] = {}
    for node in graph.nodes:
        if not _of_channels(node):
            continue
        start = 0
        for value in node.inputs:
            producer = producers.get(value)
            alone = node.inputs.count(value) == 1 and value not in graph.outputs
            free = producer is not None and alone and _is_free(producer, groups)
            if free and value not in found and _is_readable(users[value]):
                found[value] = Inside(node.outputs[0], start)
            start += value.shape[CHANNELS]
    return found


def _of_channels(node: Node) -> bool:
    """Whether a node puts channels of images together."""
    operator, result = node.operator, node.outputs[0]
    if not isinstance(operator, Concatenate) or operator.axis != CHANNELS:
        return False
    return result.spec.rank > 2 and result.spec.is_float and result.size > 0


def _is_free(producer: Node, groups: Mapping[Node, FusedGroup]) -> bool:
    """Whether a producer can write with any stride from pixel to pixel.

    What an epilogue reads beside the result lies as the result does, so it may not read any.
    """
    if _of_channels(producer):
        return True
    group = groups.get(producer)
    if group is None or group.last is not producer:
        return False
    own = {node.outputs[0] for node in (group.root, *group.rest)}
    others = [value for node in group.rest for value in node.inputs if value not in own]
    return all(value.shape != group.result.shape for value in others)


def _is_readable(users: Sequence[Node]) -> bool:
    """Whether all who read a value can do so with any stride from pixel to pixel."""
    return all(isinstance(user.operator, READERS) for user in users)
