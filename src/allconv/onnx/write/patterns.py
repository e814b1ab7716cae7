"""Activations that are several operators here and one in the format, found in a graph.

A pattern is the graph of the function itself, traced. Where it matches, the numbers it met are
turned into settings, the function is traced again with these, and only if that gives the same
numbers is the one node written: so the file says what the graph says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from allconv import functional
from allconv.functional.activations import hard_sigmoid, scaled_elu, sloped
from allconv.graph import Graph, Node
from allconv.onnx.format.schema import shortest
from allconv.operators.base import Array, Spec
from allconv.trace import trace
from allconv.value import Value


@dataclass(frozen=True)
class Pattern:
    """An operator of the format and a function of ours, mostly of one operand.

    `settings` are its settings that are numbers, and the attribute that each is; without attributes
    (`as_inputs`) they are further inputs, in this order. `also` are attributes that say which
    function it is.
    """

    op: str
    function: Callable[..., Any]
    settings: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    operands: int = 1
    as_inputs: bool = False


@dataclass(frozen=True)
class Match:
    """A place of a graph where a pattern was found.

    `numbers` are further inputs of the dtype of the data, `integers` one that lists them all.
    """

    op: str
    operands: tuple[Value, ...]
    attributes: dict[str, Any]
    numbers: tuple[float, ...]
    integers: tuple[int, ...] = ()


PATTERNS = (
    Pattern("HardSwish", functional.hardswish),
    Pattern("Softplus", functional.softplus),
    Pattern("Gelu", functional.gelu, also={"approximate": "none"}),
    Pattern("Gelu", functional.gelu, also={"approximate": "tanh"}),
    Pattern("Elu", functional.elu, {"alpha": "alpha"}),
    Pattern("LeakyRelu", functional.leaky_relu, {"negative_slope": "alpha"}),
    Pattern("PRelu", sloped, operands=2),
    Pattern("Mish", functional.mish),
    Pattern("Softsign", functional.softsign),
    Pattern("Celu", functional.celu, {"alpha": "alpha"}),
    Pattern("Selu", scaled_elu, {"alpha": "alpha", "gamma": "gamma"}),
    Pattern(
        "HardSigmoid", hard_sigmoid, {"alpha": "alpha", "beta": "beta"}
    ),  # Clip ends as it does
    Pattern("Clip", functional.hardtanh, {"min_val": "", "max_val": ""}, as_inputs=True),
)
_SAMPLES = (0.375, 0.625)
"""Numbers that no function has of its own: where a traced function has one, it has a setting."""


@cache
def _traced(number: int, settings: tuple[float, ...]) -> Graph:
    """The function of a pattern with these settings as a graph."""
    pattern = PATTERNS[number]
    given = {**dict(zip(pattern.settings, settings, strict=True)), **pattern.also}
    return trace(lambda *x: pattern.function(*x, **given), *(Spec((2,)),) * pattern.operands).graph


@cache
def _sample(number: int) -> tuple[Graph, tuple[tuple[int, float], ...]]:
    """A pattern as a graph, and which of its constants each setting is, and of which sign."""
    samples = _SAMPLES[: len(PATTERNS[number].settings)]
    graph = _traced(number, samples)
    held = [float(array) for array in graph.constants.values()]
    places = [next(n for n, c in enumerate(held) if abs(c) == each) for each in samples]
    signs = [held[n] / each for n, each in zip(places, samples, strict=True)]
    return graph, tuple(zip(places, signs, strict=True))


def match(node: Node, producers: dict[Value, Node], constants: dict[Value, Array]) -> Match | None:
    """The first pattern whose last node is this one."""
    for number, pattern in enumerate(PATTERNS):
        graph, places = _sample(number)
        found: dict[Value, Value] = {}
        if not matches(graph, graph.outputs[0], node.outputs[0], producers, constants, found):
            continue
        operands = tuple(found[value] for value in graph.inputs)
        if operands[0].shape != node.outputs[0].shape:  # a slope must not repeat x
            continue
        met = [shortest(constants[found[value]][()]) for value in graph.constants]
        settings = tuple(sign * met[n] for n, sign in places)
        if _confirms(graph, _traced(number, settings), met):
            if pattern.as_inputs:
                return Match(pattern.op, operands, dict(pattern.also), settings)
            named = dict(zip(pattern.settings.values(), settings, strict=True))
            return Match(pattern.op, operands, {**pattern.also, **named}, ())
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


def _confirms(graph: Graph, again: Graph, numbers: Sequence[float]) -> bool:
    """Whether the function with the settings that were found has exactly these numbers."""
    if len(again.nodes) != len(graph.nodes):
        return False
    met = dict(zip(graph.constants, numbers, strict=True))
    for one, other in zip(graph.nodes, again.nodes, strict=True):
        for a, b in zip(one.inputs, other.inputs, strict=True):
            if a in met and (b not in again.constants or again.constants[b] != met[a]):
                return False
    return True
