"""The attributes of a node as plain values: numbers, texts, tuples and arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from allconv.errors import FileError
from allconv.onnx.call import unsupported
from allconv.onnx.external import Outside
from allconv.onnx.model import Branch, Node
from allconv.onnx.schema import shortest
from allconv.onnx.tensors import read_tensor
from allconv.onnx.text import shown
from allconv.onnx.wire import Raw
from onnx import AttributeProto

_FIELDS = {
    AttributeProto.FLOAT: "f",
    AttributeProto.INT: "i",
    AttributeProto.STRING: "s",
    AttributeProto.TENSOR: "t",
    AttributeProto.FLOATS: "floats",
    AttributeProto.INTS: "ints",
    AttributeProto.STRINGS: "strings",
}
_SEVERAL = ("floats", "ints", "strings", "tensors", "graphs", "sparse_tensors", "type_protos")
_SINGLE = ("f", "i", "s", "t", "g", "sparse_tensor", "tp")


def read_attributes(
    proto: Any,
    node: Node,
    outside: Outside,
    raw_of: Callable[[int], Raw | None],
    branch_of: Callable[[Any], Branch] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The attributes of a node by name; sparse tensors are refused.

    `raw_of` gives, by the number of an attribute, where a tensor lies that was left in the file;
    `branch_of` reads a graph, which is refused without; `settings` are the attributes of the
    function around, which an attribute may stand for, or be left out where the call left it out.
    """
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for number, given in enumerate(proto.attribute):
        if not given.name or given.name in seen:
            raise FileError(f"{shown(node.label)} has an attribute twice; export again")
        seen.add(given.name)
        each = _meant(given, node, settings)
        if each is not None:
            found[given.name] = _value(each, node, outside, raw_of(number), branch_of)
    return found


def _meant(given: Any, node: Node, settings: Mapping[str, Any] | None) -> Any:
    """An attribute, or the one of a function that it stands for; None where that is not given."""
    if not given.ref_attr_name:
        return given
    if settings is None:
        raise FileError(f"{shown(node.label)} refers to a function it is not in; export again")
    meant = settings.get(given.ref_attr_name)
    if meant is not None and meant.type != given.type:
        raise FileError(f"{shown(node.label)}: {shown(given.name)} is of two types")
    return meant


def _value(
    each: Any,
    node: Node,
    outside: Outside,
    raw: Raw | None,
    branch_of: Callable[[Any], Branch] | None,
) -> Any:
    """What one attribute holds."""
    field = _FIELDS.get(each.type)
    if each.type == AttributeProto.GRAPH and branch_of is not None:
        field = "g"
    if field is None:
        raise unsupported(node, f"attribute {shown(each.name)} is a graph or sparse")
    held = {name for name in _SINGLE if each.HasField(name)}
    held |= {name for name in _SEVERAL if len(getattr(each, name))}
    if held - {field}:
        raise FileError(f"{shown(node.label)}: {shown(each.name)} is of two types")
    given = getattr(each, field)
    if field == "t":
        return read_tensor(given, outside, raw)
    if field == "g" and branch_of is not None:
        return branch_of(given)
    return _plain(given, field)


def _plain(given: Any, field: str) -> Any:
    if field in ("floats", "ints", "strings"):
        kind = {"floats": "f", "ints": "i", "strings": "s"}[field]
        return tuple(_plain(each, kind) for each in given)
    if field == "f":
        return shortest(np.float32(given))
    return given.decode("utf-8", "replace") if field == "s" else int(given)
