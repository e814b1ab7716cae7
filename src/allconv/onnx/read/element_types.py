"""The element types of the values inside a network, for those that a file says nothing about.

An operator tells the type of its result by the format's table, by an attribute (`to` of Cast), or
as that of an input of the same letter: T -> T. A sequence has the type of its arrays, negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from allconv.errors import UnsupportedError
from allconv.onnx.format.schema import found_schema
from allconv.onnx.format.tensors import CODES
from allconv.onnx.format.text import shown
from allconv.onnx.model import OnnxNode
from onnx import TensorProto

_SEQUENCE = "sequence"
_NAMED = ("to", "dtype", "output_dtype", "output_datatype")
_OTHERWISE: dict[str, int] = {
    "QuantizeLinear": TensorProto.UINT8,
    "ConstantOfShape": TensorProto.FLOAT,
}
_TENSORS: dict[str, int] = {
    "tensor(float)": TensorProto.FLOAT,
    "tensor(double)": TensorProto.DOUBLE,
    **{f"tensor({name})": code for name, code in CODES.items()},
}


def code_of(name: str, codes: Mapping[str, int]) -> int:
    """The type of a value at which a network is cut.

    One that an operator makes which the format has not is taken as float32, as is nearly all that
    such operators make. UnsupportedError for a sequence.
    """
    code = codes.get(name, TensorProto.FLOAT)
    if code < 0:
        raise UnsupportedError(
            f"{shown(name)} is a sequence of arrays; cut the network at an array before or after it"
        )
    return code


def element_types(nodes: Sequence[OnnxNode], declared: Mapping[str, int]) -> dict[str, int]:
    """The type of each value whose type is declared, or told by the node that makes it."""
    found = dict(declared)
    for node in nodes:
        for number, name in enumerate(node.outputs):
            if name and name not in found:
                code = _made(node, number, found)
                if code:
                    found[name] = code
    return found


def _made(node: OnnxNode, number: int, found: Mapping[str, int]) -> int:
    """The type of one result of a node; 0 where it is not told."""
    if node.branches:
        branch = node.branches[0]
        held = {name: CODES.get(array.dtype.name, 0) for name, array in branch.arrays.items()}
        inside = element_types(branch.nodes, {**found, **held})
        return inside.get(branch.outputs[number], 0) if number < len(branch.outputs) else 0
    letters = None if node.domain else _letters(node.op, node.version)
    if letters is not None and letters[1][0] == _SEQUENCE:
        first = found.get(node.inputs[0], 0) if node.inputs else _by_attribute(node)
        return -abs(first or int(TensorProto.FLOAT))
    told = _by_attribute(node)
    if told or letters is None:
        return told
    inputs, outputs = letters
    made = outputs[min(number, len(outputs) - 1)]
    if made in _TENSORS:
        return _TENSORS[made]
    for place, name in enumerate(node.inputs):
        if name in found and inputs[min(place, len(inputs) - 1)] == made:
            return found[name]
    first = found.get(node.inputs[0], 0) if node.inputs else 0
    return -first if first < 0 else _OTHERWISE.get(node.op, 0)


def _by_attribute(node: OnnxNode) -> int:
    """The type that an attribute of a node tells."""
    for name in _NAMED:
        code = node.attributes.get(name)
        if isinstance(code, int) and code in TensorProto.DataType.values():
            return code
    for name, value in node.attributes.items():
        if name.startswith("value") and node.op in ("Constant", "ConstantOfShape"):
            return CODES.get(_array_type(value), 0)
    return 0


def _array_type(value: object) -> str:
    """The dtype of a constant, which is an array or numbers of one kind."""
    if isinstance(value, np.ndarray):
        return str(value.dtype.name)
    first = value[0] if isinstance(value, tuple) and value else value
    return {float: "float32", int: "int64"}.get(type(first), "")


@cache
def _letters(op: str, version: int) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The types of the inputs and results of an operator: "T", or the one that it has."""
    schema = found_schema(op, version)
    if schema is None or not schema.outputs:
        return None
    only = {}
    for each in schema.type_constraints:
        allowed = list(each.allowed_type_strs)
        if len(allowed) == 1:
            only[each.type_param_str] = allowed[0]
        elif all(kind.startswith("seq(") for kind in allowed):
            only[each.type_param_str] = _SEQUENCE
    kinds = [
        tuple(only.get(each.type_str, each.type_str) for each in side)
        for side in (schema.inputs, schema.outputs)
    ]
    return kinds[0] or ("",), kinds[1]
