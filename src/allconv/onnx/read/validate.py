"""What is checked of the nodes of a file together: operators, counts, names, order."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from allconv.errors import FileError, UnsupportedError
from allconv.onnx.format.refusals import ADVICE
from allconv.onnx.format.schema import Schema, schema_of
from allconv.onnx.format.text import shown
from allconv.onnx.model import OnnxNode
from allconv.onnx.names import named
from allconv.onnx.names.call import unsupported
from allconv.onnx.names.local import LOCAL


def checked(node: OnnxNode) -> OnnxNode:
    """The node, with why it is not read if it is not."""
    try:
        if not node.refusal:
            check_node(node)
    except UnsupportedError as error:
        return replace(node, refusal=error)
    return node


def check_node(node: OnnxNode) -> None:
    """Refuse what is not read, and what the format does not have in this operator set."""
    if (node.domain, node.op) == LOCAL:
        return
    name = named(node)
    if name is None:
        raise unsupported(node, ADVICE.get(node.op, ""))
    schema = schema_of(node.op, node.version)
    if schema is None:
        raise unsupported(node, "this operator set has no operator of that name")
    for each in node.attributes:
        if each not in schema.attributes:
            raise unsupported(node, f"attribute {shown(each)}, which it does not have there")
        if each in name.unread:
            raise unsupported(node, f"attribute {shown(each)}")
    for each in schema.required.difference(node.attributes):
        raise FileError(f"{shown(node.label)} lacks its attribute {each}; export the network again")
    _check_counts(node, schema)


def _check_counts(node: OnnxNode, schema: Schema) -> None:
    """Refuse inputs that must be given and are not, and inputs or outputs beyond the last."""
    if not schema.least_inputs <= len(node.inputs) <= schema.most_inputs:
        raise unsupported(node, f"it has {len(node.inputs)} inputs")
    for number, given in enumerate(node.inputs):
        if not given and schema.inputs[min(number, len(schema.inputs) - 1)]:
            raise FileError(f"{shown(node.label)} lacks its input {number}; export again")
    if not 1 <= len(node.outputs) <= schema.most_outputs:
        raise unsupported(node, f"it has {len(node.outputs)} outputs")


def check_order(nodes: Sequence[OnnxNode], given: AbstractSet[str], results: Sequence[str]) -> None:
    """Refuse names that are used before, or made after, something of that name exists."""
    known = {"", *given}
    for node in nodes:
        for name in node.uses:
            if name not in known:
                raise FileError(
                    f"{shown(node.label)} needs {shown(name)}, which nothing before it makes: the "
                    "nodes are in no order, or in a cycle; export the network again"
                )
        for name in node.outputs:
            if name and name in known:
                raise FileError(f"{shown(name)} is made twice; export the network again")
            known.add(name)
    for name in results:
        if not name or name not in known:
            raise FileError(f"output {shown(name)} is never made; export the network again")


def without_unused(nodes: list[OnnxNode], results: Sequence[str]) -> list[OnnxNode]:
    """The nodes, their results that nothing takes left out: a mask of dropout, say.

    Where an output says what a node means, or the format wants it, it stays.
    """
    used = {name for node in nodes for name in node.uses}
    used.update(results)
    return [
        node if used.issuperset(node.outputs) or _outputs_count(node) else _used_outputs(node, used)
        for node in nodes
    ]


def _used_outputs(node: OnnxNode, used: AbstractSet[str]) -> OnnxNode:
    schema = None if node.domain else schema_of(node.op, node.version)
    least = schema.least_outputs if schema else 1
    outputs = (name if n < least or name in used else "" for n, name in enumerate(node.outputs))
    return replace(node, outputs=tuple(outputs))


def _outputs_count(node: OnnxNode) -> bool:
    name = named(node)
    return bool(node.branches) or (name is not None and name.outputs_count)
