"""Functions that a file brings along: a node that calls one stands for the nodes in its body.

The body's own names are put below the name of the call's first result, so that two calls do not
meet. A function is found by domain, name and overload; those of ai.onnx are refused (`read`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from allconv.errors import FileError
from allconv.onnx.model import Branch, Node
from allconv.onnx.text import shown
from allconv.text import encodable

DOMAINS = ("", "ai.onnx")
Key = tuple[str, str, str]


def functions_of(proto: Any) -> dict[Key, Any]:
    """The functions of a model by domain, name and overload."""
    found: dict[Key, Any] = {}
    for each in proto.functions:
        key = key_of(each.domain, each.name, each.overload)
        if key in found:
            raise FileError(f"two functions are named {shown(each.name)}; export the network again")
        found[key] = each
    return found


def key_of(domain: str, name: str, overload: str) -> Key:
    """How a function is found."""
    return encodable(domain), encodable(name), encodable(overload)


def settings_of(call: Any, function: Any, outer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The attributes of a call by name, those that are left out as the function has them.

    `outer` are those of the function that the call itself is in, which it may refer to.
    """
    found = {each.name: each for each in function.attribute_proto}
    known = {*found, *function.attribute}
    seen: set[str] = set()
    for each in call.attribute:
        name = each.name
        if name in seen or name not in known:
            raise FileError(
                f"the call of {shown(call.op_type)} gives {shown(name)} twice, or the function has "
                "it not; export the network again"
            )
        seen.add(name)
        if not each.ref_attr_name:
            found[name] = each
        elif outer is None:
            raise FileError(f"{shown(call.op_type)} refers to a function it is not in")
        elif each.ref_attr_name in outer:
            found[name] = outer[each.ref_attr_name]
    return found


def inlined(call: Node, function: Any, body: Sequence[Node]) -> list[Node]:
    """The nodes of a body with the names that the call gives; the last one is named as the call."""
    inputs, outputs = (list(map(encodable, each)) for each in (function.input, function.output))
    if len(call.inputs) > len(inputs) or len(call.outputs) > len(outputs):
        raise FileError(f"{shown(call.label)} has more inputs or outputs than its function")
    if len({*inputs, *outputs}) < len(inputs) + len(outputs) or "" in {*inputs, *outputs}:
        raise FileError(f"the function {shown(call.op)} names an input or output twice, or not")
    if not {*inputs}.isdisjoint(name for node in body for name in node.outputs):
        raise FileError(f"the function {shown(call.op)} makes one of its inputs; export it again")
    below = next(filter(None, call.outputs), call.name or call.op)
    names = dict.fromkeys(inputs, "")
    names.update(zip(inputs, call.inputs, strict=False))
    names.update((a, b) for a, b in zip(outputs, call.outputs, strict=False) if b)
    made = [_renamed(node, names, below) for node in body]
    if made:
        made[-1] = replace(made[-1], name=call.name, tag=call.tag)
    return made


def _renamed(node: Node, names: Mapping[str, str], below: str) -> Node:
    """A node of a body as a node of what is around the call."""

    def renamed(name: str) -> str:
        return names.get(name, f"{below}/{name}") if name else ""

    attributes = {
        key: _branch(given, names, below) if isinstance(given, Branch) else given
        for key, given in node.attributes.items()
    }
    return replace(
        node,
        name=f"{below}/{node.name}" if node.name else below,
        inputs=tuple(map(renamed, node.inputs)),
        outputs=tuple(map(renamed, node.outputs)),
        attributes=attributes,
    )


def _branch(branch: Branch, names: Mapping[str, str], below: str) -> Branch:
    """A graph inside a node of a body."""

    def renamed(name: str) -> str:
        return names.get(name, f"{below}/{name}") if name else ""

    return Branch(
        tuple(_renamed(node, names, below) for node in branch.nodes),
        tuple(map(renamed, branch.outputs)),
        {renamed(name): array for name, array in branch.arrays.items()},
        tuple(filter(None, map(renamed, branch.outside))),
    )
