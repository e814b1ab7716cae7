"""Parameters computed once: what depends on parameters alone becomes parameters.

    1  f(w)        -> a new parameter under the name of w, where f uses one parameter
    2  f(w, v)     -> a new parameter under the name of the first
    3  f()         -> a constant

where f is whatever does not depend on the data. Values are those of the definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from allconv.graph import Graph, Node
from allconv.operators.base import Array
from allconv.trace import Builder, Recorded
from allconv.value import Value


def fold_constants(
    recorded: Recorded, arrays: Mapping[str, Array]
) -> tuple[Recorded, dict[str, Array]]:
    """A network of one argument with the cases above replaced, and the arrays that it now holds.

    `arrays` are those that it held, in the order of `recorded.state`. What came from a buffer first
    is a buffer.
    """
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
    needed = dict.fromkeys(v for node in rest for v in node.inputs if v in used)
    part = Graph(graph.inputs[1:], tuple(fixed), tuple(needed), graph.constants)
    values = part.run(*(arrays[name] for name in recorded.state))
    known = dict(zip(needed, values, strict=True))
    builder = Builder()
    data = graph.inputs[0]
    here = {data: builder.input(data.spec, data.name)}
    made: dict[str, Array] = {}
    origin: dict[str, str] = {}
    order = recorded.state
    for value in sorted(needed, key=lambda v: order.index(used[v][0]) if used[v] else len(order)):
        if not used[value]:
            here[value] = builder.constant(known[value], value.name)
            continue
        name = _free(used[value][0], made)
        here[value] = builder.input(value.spec, name)
        made[name], origin[name] = known[value], used[value][0]
    for node in rest:
        with builder.at(node.path):
            results = builder.apply(node.operator, *(here[value] for value in node.inputs))
        results = results if isinstance(results, tuple) else (results,)
        here.update(zip(node.outputs, results, strict=True))
    folded = replace(
        recorded,
        graph=builder.graph([here[value] for value in graph.outputs]),
        parameters=tuple(name for name in made if origin[name] not in recorded.buffers),
        buffers=tuple(name for name in made if origin[name] in recorded.buffers),
    )
    return folded, made


def _free(name: str, taken: Mapping[str, Array]) -> str:
    """A name that is not taken: name, name.2, name.3 ..."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}.{number}"
    return free
