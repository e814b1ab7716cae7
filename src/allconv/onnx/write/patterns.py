"""Activations that are several operators here and one in the format, found in a graph.

A pattern is the graph of the function itself, traced. Where it matches, the numbers it met are
turned into settings, the function is traced again with these, and only if that gives the same
numbers is the one node written: so the file says what the graph says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from allconv import functional
from allconv.functional.activations import hard_sigmoid, scaled_elu, sloped
from allconv.graph import Graph, Node
from allconv.onnx.format.schema import shortest
from allconv.operators.base import Array, Spec
from allconv.trace import trace
from allconv.value import Value

Settings = dict[str, Any]


@dataclass(frozen=True)
class Pattern:
    """A function, mostly of one operand, and how its settings are found among its constants.

    `settings` takes the constants in the order of the traced graph; `spell` gives the attributes
    and the numbers that are further inputs.
    """

    op: str
    function: Callable[..., Any]
    sample: tuple[tuple[str, Any], ...]
    settings: Callable[[Sequence[float]], Settings]
    spell: Callable[[Settings], tuple[Settings, tuple[float, ...]]]
    operands: int = 1


@dataclass(frozen=True)
class Match:
    """A place of a graph where a pattern was found.

    `numbers` are further inputs of the dtype of the data, `integers` one that lists them all.
    """

    op: str
    operands: tuple[Value, ...]
    attributes: Settings
    numbers: tuple[float, ...]
    integers: tuple[int, ...] = ()


def _plain(settings: Settings) -> tuple[Settings, tuple[float, ...]]:
    return {}, ()


PATTERNS = (
    Pattern("HardSwish", functional.hardswish, (), lambda c: {}, _plain),
    Pattern("Softplus", functional.softplus, (), lambda c: {}, _plain),
    Pattern(
        "Gelu",
        functional.gelu,
        (),
        lambda c: {},
        lambda s: ({"approximate": "none"}, ()),
    ),
    Pattern(
        "Gelu",
        functional.gelu,
        (("approximate", "tanh"),),
        lambda c: {"approximate": "tanh"},
        lambda s: ({"approximate": "tanh"}, ()),
    ),
    Pattern(
        "Elu",
        functional.elu,
        (("alpha", 0.375),),
        lambda c: {"alpha": c[-1]},
        lambda s: ({"alpha": s["alpha"]}, ()),
    ),
    Pattern(
        "LeakyRelu",
        functional.leaky_relu,
        (("negative_slope", 0.375),),
        lambda c: {"negative_slope": c[-1]},
        lambda s: ({"alpha": s["negative_slope"]}, ()),
    ),
    Pattern("PRelu", sloped, (), lambda c: {}, _plain, operands=2),
    Pattern("Mish", functional.mish, (), lambda c: {}, _plain),
    Pattern("Softsign", functional.softsign, (), lambda c: {}, _plain),
    Pattern(
        "Celu",
        functional.celu,
        (("alpha", 0.375),),
        lambda c: {"alpha": c[-1]},
        lambda s: (s, ()),
    ),
    Pattern(
        "Selu",
        scaled_elu,
        (("alpha", 0.375), ("gamma", 0.625)),
        lambda c: {"alpha": c[-2], "gamma": c[-1]},
        lambda s: (s, ()),
    ),
    Pattern(  # before Clip, which ends as it does
        "HardSigmoid",
        hard_sigmoid,
        (("alpha", 0.375), ("beta", 0.625)),
        lambda c: {"alpha": c[0], "beta": c[1]},
        lambda s: (s, ()),
    ),
    Pattern(
        "Clip",
        functional.hardtanh,
        (("min_val", 0.375), ("max_val", 0.625)),
        lambda c: {"min_val": c[0], "max_val": -c[1]},
        lambda s: ({}, (s["min_val"], s["max_val"])),
    ),
)


@cache
def _graph(
    function: Callable[..., Any], settings: tuple[tuple[str, Any], ...], operands: int
) -> Graph:
    specs = (Spec((2,)),) * operands
    return trace(lambda *x: function(*x, **dict(settings)), *specs).graph


def match(node: Node, producers: dict[Value, Node], constants: dict[Value, Array]) -> Match | None:
    """The first pattern whose last node is this one."""
    for pattern in PATTERNS:
        graph = _graph(pattern.function, pattern.sample, pattern.operands)
        found: dict[Value, Value] = {}
        if not matches(graph, graph.outputs[0], node.outputs[0], producers, constants, found):
            continue
        operands = tuple(found[value] for value in graph.inputs)
        if operands[0].shape != node.outputs[0].shape:  # a slope must not repeat x
            continue
        numbers = [shortest(constants[found[value]][()]) for value in graph.constants]
        settings = pattern.settings(numbers)
        if _confirms(pattern, graph, settings, numbers):
            return Match(pattern.op, operands, *pattern.spell(settings))
    return None


def matches(
    graph: Graph,
    expected: Value,
    given: Value,
    producers: Mapping[Value, Node],
    constants: Mapping[Value, Array],
    found: dict[Value, Value],
) -> bool:
    """Whether a value of a graph is computed as a value of the pattern is."""
    if expected in found:
        return found[expected] is given
    found[expected] = given
    if expected in graph.constants:
        return given in constants and constants[given].shape == ()
    if expected in graph.inputs:
        return True
    one = next(node for node in graph.nodes if expected in node.outputs)
    other = producers.get(given)
    if other is None or one.operator != other.operator or len(one.inputs) != len(other.inputs):
        return False
    pairs = zip(one.inputs, other.inputs, strict=True)
    return all(matches(graph, a, b, producers, constants, found) for a, b in pairs)


def _confirms(pattern: Pattern, graph: Graph, settings: Settings, numbers: Sequence[float]) -> bool:
    """Whether the function with these settings has exactly these numbers."""
    again = _graph(pattern.function, tuple(settings.items()), pattern.operands)
    if len(again.nodes) != len(graph.nodes):
        return False
    bound: dict[Value, float] = {}
    met = dict(zip(graph.constants, numbers, strict=True))
    for one, other in zip(graph.nodes, again.nodes, strict=True):
        for a, b in zip(one.inputs, other.inputs, strict=True):
            if a in met:
                bound[b] = met[a]
                if b not in again.constants or again.constants[b] != met[a]:
                    return False
    return True
