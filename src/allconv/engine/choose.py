"""Choosing: which algorithm computes a node, decided once on the whole graph.

The choice depends on the structure of the graph, the shapes of images, the target and `exact`;
never on the batch, on threads or on timing. Whoever computes a part of the graph, or a part of the
images, with the same bits passes the choices of the whole on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from allconv.engine.target import Target
from allconv.graph import Graph, Node
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight


@dataclass(frozen=True)
class Choice:
    """An algorithm by name, and why it was chosen."""

    algorithm: str
    why: str


AXES = 3  # of windows that kernels know

Accept: TypeAlias = Callable[[Node, Target, bool], str]
"""accept(node, target, exact): why an algorithm is to compute a node, or "" if it cannot."""

DIRECT = "direct"
DEPTHWISE = "depthwise"


def _direct(node: Node, target: Target, exact: bool) -> str:
    """Everything else."""
    return "sums in one fixed order" if exact else "any window"


def _depthwise(node: Node, target: Target, exact: bool) -> str:
    """Every channel by itself, with one result."""
    operator = node.of(Correlate, CorrelateTranspose, CorrelateWeight)
    inputs, outputs = _channels(node)
    alone = 1 < operator.groups == inputs == outputs and 0 < len(operator.window.axes) <= AXES
    return "every channel by itself" if alone else ""


def _channels(node: Node) -> tuple[int, int]:
    """Of the image and of the result of a correlation, whichever of the three views it is."""
    operator = node.of(Correlate, CorrelateTranspose, CorrelateWeight)
    if isinstance(operator, CorrelateWeight):
        x, y = node.inputs[:2]
        return x.shape[1], y.shape[1]
    w = node.inputs[0 if isinstance(operator, CorrelateTranspose) else 1]
    return w.shape[1] * operator.groups, w.shape[0]


ALGORITHMS: dict[type[Operator], tuple[tuple[str, Accept], ...]] = {
    Correlate: ((DEPTHWISE, _depthwise), (DIRECT, _direct)),
    CorrelateTranspose: ((DEPTHWISE, _depthwise), (DIRECT, _direct)),
    CorrelateWeight: ((DEPTHWISE, _depthwise), (DIRECT, _direct)),
}
"""The algorithms of an operator, the first that accepts a node computes it."""


def choose(graph: Graph, target: Target, exact: bool) -> Mapping[Node, Choice]:
    """The algorithm of every node whose operator has several."""
    choices: dict[Node, Choice] = {}
    for node in graph.nodes:
        for name, accept in ALGORITHMS.get(type(node.operator), ()):
            why = accept(node, target, exact)
            if why:
                choices[node] = Choice(name, why)
                break
    return choices
