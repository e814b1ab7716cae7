"""Choosing: which algorithm computes a node, decided once on the whole graph.

The choice depends on the structure of the graph, the shapes of images, the target and `exact`;
never on the batch, on threads or on timing. Whoever computes a part of the graph, or a part of the
images, with the same bits passes the choices of the whole on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from allconv.engine.target import Target
from allconv.graph import Graph, Node
from allconv.intake.limits import MOST_WINDOW_AXES
from allconv.operators.base import Operator
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight


@dataclass(frozen=True)
class Choice:
    """An algorithm by name, and why it was chosen."""

    algorithm: str
    why: str


Why: TypeAlias = Callable[[Node, Target, bool], str]
"""why(node, target, exact): why an algorithm is to compute a node that it fits, "" if it is not."""


@dataclass(frozen=True)
class Algorithm:
    """An algorithm: whether it can compute a node at all, and whether it is to."""

    name: str
    fits: Callable[[Node], bool]
    why: Why


DIRECT = "direct"
DEPTHWISE = "depthwise"
WINOGRAD = {"Winograd F(4x4, 3x3)": 4, "Winograd F(2x2, 3x3)": 2}
"""The outputs along an axis of a tile, by the name of the algorithm."""

NARROW = 8  # channels, below which vectors and register tiles are not filled
TILES = {4: 9, 2: 8}  # of an image, below which transformed weights do not pay for reading them


def _any_window(node: Node, target: Target, exact: bool) -> str:
    return "sums in one fixed order" if exact else "any window"


def _alone(node: Node) -> bool:
    """Whether every channel is computed by itself, with one result."""
    operator = node.of(Correlate, CorrelateTranspose, CorrelateWeight)
    inputs, outputs = _channels(node)
    known = 0 < len(operator.window.axes) <= MOST_WINDOW_AXES
    return known and 1 < operator.groups == inputs == outputs


def _plain(node: Node) -> bool:
    """Whether a window is 3 x 3 and moves by one."""
    axes = node.of(Correlate, CorrelateTranspose).window.axes
    plain = [(a.kernel, a.stride, a.dilation, a.input_dilation) == (3, 1, 1, 1) for a in axes]
    return len(axes) == 2 and all(plain) and node.outputs[0].spec.is_float


def _winograd(m: int) -> Why:
    """F(m x m, 3 x 3), of Lavin and Gray 2016, where it is faster than the direct algorithm.

    Measured on one core of a Zen 3 processor (AVX2), with weights in the cache and not. Channels:
    at 8 -> 8 nothing is gained (1.1 times at 56 x 56), at 4 -> 64 neither; 16 -> 16 gives 1.6 at
    56 x 56, 8 -> 64 1.7, 32 -> 32 2.7, 128 -> 128 3.7. Tiles: transformed weights are 4 times as
    many (F(2): 1.8): 512 channels at 4 x 4 take 1.1 to 3 times as long by F(4), at 7 x 7 they gain
    1.7 by F(4) and 2.4 by F(2), at 10 x 10 (9 tiles) 2.8 and 2.9, at 14 x 14 4.0 and 2.8.
    """

    def why(node: Node, target: Target, exact: bool) -> str:
        groups = node.of(Correlate, CorrelateTranspose).groups
        inputs, outputs = (n // groups for n in _channels(node))
        tiles = prod(-(-n // m) for n in node.outputs[0].shape[2:])
        few = min(inputs, outputs) < NARROW or inputs + outputs < 4 * NARROW or tiles < TILES[m]
        return "" if exact or few else f"{tiles} tiles of {m}x{m} cells"

    return why


def _channels(node: Node) -> tuple[int, int]:
    """Of the image and of the result of a correlation, whichever of the three views it is."""
    operator = node.of(Correlate, CorrelateTranspose, CorrelateWeight)
    if isinstance(operator, CorrelateWeight):
        x, y = node.inputs[:2]
        return x.shape[1], y.shape[1]
    w = node.inputs[0 if isinstance(operator, CorrelateTranspose) else 1]
    return w.shape[1] * operator.groups, w.shape[0]


_DEPTHWISE = Algorithm(DEPTHWISE, _alone, lambda *_: "every channel by itself")
_TILED = tuple(Algorithm(name, _plain, _winograd(m)) for name, m in WINOGRAD.items())
_DIRECT = Algorithm(DIRECT, lambda _: True, _any_window)

ALGORITHMS: dict[type[Operator], tuple[Algorithm, ...]] = {
    Correlate: (_DEPTHWISE, *_TILED, _DIRECT),
    CorrelateTranspose: (_DEPTHWISE, *_TILED, _DIRECT),
    CorrelateWeight: (_DEPTHWISE, _DIRECT),
}
"""The algorithms of an operator; the first that fits a node, and has a reason to, computes it."""


def choose(graph: Graph, target: Target, exact: bool) -> Mapping[Node, Choice]:
    """The algorithm of every node whose operator has several."""
    choices: dict[Node, Choice] = {}
    for node in graph.nodes:
        for each in ALGORITHMS.get(type(node.operator), ()):
            why = each.why(node, target, exact) if each.fits(node) else ""
            if why:
                choices[node] = Choice(each.name, why)
                break
    return choices
