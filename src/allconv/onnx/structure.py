"""What is checked of the nodes of a file together: operators, names, order, and who uses what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allconv.errors import FileError
from allconv.onnx.call import unsupported
from allconv.onnx.model import Input, Node
from allconv.onnx.names import LOCAL, NAMES
from allconv.onnx.text import shown
from allconv.operators.base import FLOATS, Array


def check_node(node: Node) -> None:
    """Refuse what is not read: the operator, its version, a number of inputs, an attribute."""
    if (node.domain, node.op) == LOCAL:
        return
    name = NAMES.get(node.op)
    if name is None:
        raise unsupported(node)
    if node.version < name.since:
        raise unsupported(node, f"it is read from opset {name.since}")
    least, most = name.inputs
    if not least <= len(node.inputs) <= most:
        raise unsupported(node, f"it has {len(node.inputs)} inputs")
    for each in node.attributes:
        if each not in name.attributes:
            raise unsupported(node, f"attribute {shown(each)}")


def check_order(
    nodes: list[Node], inputs: tuple[Input, ...], arrays: dict[str, Array], graph: Any
) -> None:
    """Refuse names that are used before, or made after, something of that name exists."""
    known = {"", *arrays, *(each.name for each in inputs)}
    for node in nodes:
        for name in node.inputs:
            if name not in known:
                raise FileError(
                    f"{shown(node.label)} needs {shown(name)}, which nothing before it makes: the "
                    "nodes are in no order, or in a cycle; export the network again"
                )
        for name in node.outputs:
            if name and name in known:
                raise FileError(f"{shown(name)} is made twice; export the network again")
            known.add(name)
    for each in graph.output:
        if not each.name or each.name not in known:
            raise FileError(f"output {shown(each.name)} is never made; export the network again")


def without_unused(nodes: list[Node], graph: Any) -> list[Node]:
    """The nodes, their results that nothing takes left out: a mask of dropout, say."""
    used = {name for node in nodes for name in node.inputs}
    used.update(each.name for each in graph.output)
    return [
        node
        if used.issuperset(node.outputs)
        else replace(node, outputs=tuple(name if name in used else "" for name in node.outputs))
        for node in nodes
    ]


def roles(nodes: list[Node], arrays: dict[str, Array]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The initializers that are parameters, and those that are buffers.

    A float that some node needs as a setting is neither.
    """
    settings: set[str] = set()
    buffers: set[str] = set()
    for node in nodes:
        name = NAMES.get(node.op) if not node.domain else None
        if name is not None:
            settings.update(node.inputs[n] for n in name.settings if n < len(node.inputs))
            buffers.update(node.inputs[n] for n in name.buffers if n < len(node.inputs))
    used = {name for node in nodes for name in node.inputs}
    floats = [
        name
        for name, array in arrays.items()
        if name in used - settings and array.dtype.name in FLOATS
    ]
    return (
        tuple(name for name in floats if name not in buffers),
        tuple(name for name in floats if name in buffers),
    )
