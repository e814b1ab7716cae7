"""Where a classifier's head is: the last layer with weights, which everything passes.

Nodes of graphs and of files alike have `inputs` and `outputs`; a value that depends on weights
alone counts as weights.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Any, Protocol, TypeVar

from allconv.errors import UnsupportedError

NO_HEAD = "the network has no head that can be replaced"
EXPECTED = "a linear layer or a convolution 1x1 is expected to be the last with weights"


class NodeLike(Protocol):
    """What is asked of a node."""

    @property
    def inputs(self) -> Sequence[Any]: ...
    @property
    def outputs(self) -> Sequence[Any]: ...


N = TypeVar("N", bound=NodeLike)


def last_layer(
    nodes: Sequence[N], data: Hashable, weights: Collection[Hashable], output: Hashable
) -> tuple[N, tuple[N, ...]]:
    """The last node before `output` where weights meet data, and the nodes behind it that the
    output needs. UnsupportedError where there is none, or where the data passes by it."""
    known, reached = set(weights), {data}
    for node in nodes:
        given = [value for value in node.inputs if value != ""]
        if given and known.issuperset(given):
            known.update(node.outputs)
        if reached.intersection(given):
            reached.update(node.outputs)
    needed = {output}
    behind: list[N] = []
    for node in reversed(nodes):
        if not needed.intersection(node.outputs) or not reached.intersection(node.inputs):
            continue
        if known.intersection(node.inputs):
            _check_only_way(nodes, node, data, output)
            return node, tuple(reversed(behind))
        needed.update(node.inputs)
        behind.append(node)
    raise UnsupportedError(f"{NO_HEAD}: no layer of it has weights; {EXPECTED}")


def _check_only_way(nodes: Sequence[N], layer: N, data: Hashable, output: Hashable) -> None:
    """Refuse a layer that the data passes by."""
    reached = {data}
    for node in nodes:
        if node is not layer and reached.intersection(node.inputs):
            reached.update(node.outputs)
    if output in reached:
        raise UnsupportedError(
            f"{NO_HEAD}: several layers with weights lead to its output; {EXPECTED}"
        )


def needed_nodes(nodes: Sequence[N], output: Hashable) -> tuple[N, ...]:
    """The nodes that a value needs, in order."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            kept.append(node)
            needed.update(value for value in node.inputs if value != "")
    return tuple(reversed(kept))
