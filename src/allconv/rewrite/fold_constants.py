"""Parameters computed once: what depends on parameters alone becomes parameters.

    1  f(w)        -> a new parameter under the name of w, where f uses one parameter
    2  f(w, v)     -> a new parameter under the name of the first
    3  f()         -> a constant

where f is whatever does not depend on the data. Values are those of the definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from allconv.graph import Graph, Node
from allconv.operators.base import Array
from allconv.trace import Builder, Recorded
from allconv.value import Value


@dataclass(frozen=True)
class Folded:
    """A network of one argument with the cases above replaced, and how its arrays come to be: equal
    `recipes`, by name, give equal arrays from equal ones."""

    network: Recorded
    recipes: dict[str, str]
    made: dict[str, Value]
    nodes: tuple[Node, ...]


def fold_constants(
    recorded: Recorded, arrays: Mapping[str, Array]
) -> tuple[Folded, dict[str, Array]]:
    """A network of one argument with the cases above replaced, and the arrays that it now holds.

    `arrays` are those that it held, by name. What came from a buffer first is a buffer.
    """
    folded = fold_graph(recorded)
    graph = recorded.graph
    part = Graph(graph.inputs[1:], folded.nodes, tuple(folded.made.values()), graph.constants)
    values = part.run(*(arrays[name] for name in recorded.state))
    return folded, dict(zip(folded.made, values, strict=True))


def fold_graph(recorded: Recorded) -> Folded:
    """The same for whoever has its arrays already."""
    graph = recorded.graph
    names = dict(zip(graph.inputs[1:], recorded.state, strict=True))
    used: dict[Value, tuple[str, ...]] = dict.fromkeys(graph.constants, ())
    used.update((value, (name,)) for value, name in names.items())
    fixed: list[Node] = []
    for node in graph.nodes:
        if all(value in used for value in node.inputs):
            fixed.append(node)
            sources = dict.fromkeys(name for value in node.inputs for name in used[value])
            used.update((value, tuple(sources)) for value in node.outputs)
    rest = [node for node in graph.nodes if node.outputs[0] not in used]
    taken = [*(value for node in rest for value in node.inputs), *graph.outputs]
    needed = dict.fromkeys(value for value in taken if value in used)
    without = [node for node in fixed if not used[node.outputs[0]]]
    alone = [value for value in needed if not used[value]]
    numbers = Graph((), tuple(without), tuple(alone), graph.constants).run()
    builder = Builder()
    data = graph.inputs[0]
    here = {data: builder.input(data.spec, data.name)}
    made: dict[str, Value] = {}
    origin: dict[str, str] = {}
    order = recorded.state
    for value in sorted((v for v in needed if used[v]), key=lambda v: order.index(used[v][0])):
        name = _free(used[value][0], made)
        here[value] = builder.input(value.spec, name)
        made[name], origin[name] = value, used[value][0]
    pairs = zip(alone, numbers, strict=True)
    here.update((value, builder.constant(array, value.name)) for value, array in pairs)
    part = Graph(tuple(here), tuple(rest), graph.outputs, {})
    there = builder.inline(part, list(here.values()))
    folded = replace(
        recorded,
        graph=builder.graph([there[value] for value in graph.outputs]),
        parameters=tuple(name for name in made if origin[name] not in recorded.buffers),
        buffers=tuple(name for name in made if origin[name] in recorded.buffers),
    )
    recipes = _recipes(recorded, fixed)
    return Folded(
        folded, {name: recipes[value] for name, value in made.items()}, made, tuple(fixed)
    )


def _recipes(recorded: Recorded, nodes: list[Node]) -> dict[Value, str]:
    """How each value that depends on parameters alone is made: equal texts, equal numbers."""
    graph = recorded.graph
    pairs = zip(graph.inputs[1:], recorded.state, strict=True)
    found = {value: f"parameter {name}" for value, name in pairs}
    read = {value for node in nodes for value in node.inputs}
    for value in read.intersection(graph.constants):
        array = graph.constants[value]
        found[value] = f"{value.spec} {sha256(array.tobytes()).hexdigest()}"
    for node in nodes:
        text = f"{node.operator!r} of {[found[value] for value in node.inputs]}"
        digest = sha256(text.encode()).hexdigest()
        found.update((value, f"{n} of {digest}") for n, value in enumerate(node.outputs))
    return found


def _free(name: str, taken: Mapping[str, Value]) -> str:
    """A name that is not taken: name, name.2, name.3 ..."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}.{number}"
    return free
