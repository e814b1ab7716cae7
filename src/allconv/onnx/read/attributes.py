"""The attributes of a node as plain values: numbers, texts, tuples and arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from allconv.errors import FileError
from allconv.onnx.format.schema import shortest
from allconv.onnx.format.text import shown
from allconv.onnx.model import Branch, OnnxNode
from allconv.onnx.names.call import unsupported
from allconv.onnx.read.arrays import read_tensor
from allconv.onnx.read.external import Outside
from allconv.onnx.read.wire import Raw
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
_BESIDE = {"doc_string", "name", "type"}


def read_attributes(
    proto: Any,
    node: OnnxNode,
    outside: Outside,
    raw_of: Callable[[int], Raw | None],
    branch_of: Callable[[Any], Branch] | None = None,
) -> dict[str, Any]:
    """The attributes of a node by name; sparse tensors are refused.

    `raw_of` gives, by the number of an attribute, where a tensor lies that was left in the file;
    `branch_of` reads a graph, which is refused without.
    """
    found: dict[str, Any] = {}
    for number, each in enumerate(proto.attribute):
        if not each.name or each.name in found:
            raise FileError(f"{shown(node.label)} has an attribute twice; export again")
        if each.ref_attr_name:
            raise FileError(f"{shown(node.label)} refers to a function it is not in; export again")
        field = _FIELDS.get(each.type)
        if each.type == AttributeProto.GRAPH and branch_of is not None:
            field = "g"
        if field is None:
            raise unsupported(node, f"attribute {shown(each.name)} is a graph or sparse")
        held = {known.name for known, _ in each.ListFields()}
        if held - _BESIDE - {field}:
            raise FileError(f"{shown(node.label)}: {shown(each.name)} is of two types")
        given = getattr(each, field)
        if field == "t":
            found[each.name] = read_tensor(given, outside, raw_of(number))
        elif field == "g" and branch_of is not None:
            found[each.name] = branch_of(given)
        else:
            found[each.name] = _plain(given, field)
    return found


def _plain(given: Any, field: str) -> Any:
    if field == "ints":
        return tuple(given)
    if field in ("floats", "strings"):
        return tuple(_plain(each, field[0]) for each in given)
    if field == "f":
        return shortest(np.float32(given))
    return given.decode("utf-8", "replace") if field == "s" else int(given)
