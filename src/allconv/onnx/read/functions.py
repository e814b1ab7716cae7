"""Functions: operators that a file, or the format itself, writes in other operators.

A call of a function that stands in the file is replaced by the nodes of its body when the file is
read, so that nothing after that knows of functions. What the format defines by a function is
replaced while a network is recorded, since its text depends on the dtypes that it meets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.errors import FileError
from allconv.onnx.format.protos import node_proto
from allconv.onnx.format.text import shown
from allconv.onnx.model import OnnxNode
from allconv.onnx.names.call import unsupported
from allconv.onnx.read.wire import Raw
from allconv.text import encodable
from onnx import AttributeProto, FunctionProto, NodeProto, TypeProto, defs, helper

_REDUCTIONS = ("mean", "none", "sum")
Key = tuple[str, str, str]
"""Domain, name and overload."""


@dataclass(frozen=True, eq=False)
class Body:
    """The nodes of a call, in which operator set of ai.onnx, and the names of its results."""

    nodes: tuple[Any, ...]
    version: int
    outputs: tuple[str, ...]


def functions_of(proto: Any) -> dict[Key, Any]:
    """The functions of a file by domain, name and overload."""
    found: dict[Key, Any] = {}
    for function in proto.functions:
        key = (function.domain, function.name, function.overload)
        if key in found:
            raise FileError(f"the function {shown(function.name)} is there twice; export again")
        found[key] = function
    return found


def size_of(function: Any, call: Any, raws: Mapping[int, Raw]) -> int:
    """The bytes of a body where it is called: an attribute counts as often as it is referred to.

    `raws` are the arrays of the call that were left in the file.
    """
    sizes = {
        each.name: each.ByteSize() + (raws[number].length if number in raws else 0)
        for number, each in enumerate(call.attribute)
    }
    return int(function.ByteSize()) + _referred(function.node, sizes)


def _referred(nodes: Iterable[Any], sizes: Mapping[str, int]) -> int:
    """The bytes of the attributes that nodes refer to, in the graphs inside them, too."""
    attributes = [each for node in nodes for each in node.attribute]
    own = sum(sizes.get(each.ref_attr_name, 0) for each in attributes if each.ref_attr_name)
    return own + sum(_referred(each.g.node, sizes) for each in attributes if each.HasField("g"))


def version_of(function: Any, version: int) -> int:
    """The operator set of ai.onnx in which a function is written; else that of the file."""
    versions = [each.version for each in function.opset_import if each.domain in ("", "ai.onnx")]
    return int(versions[0]) if versions else version


def inlined(function: Any, call: Any, label: str, version: int) -> Body:
    """The body of a function of the file where it is called, under names of its own.

    What a name of the body stands for around it is that name; all others begin with the label of
    the call. A result that is an argument, or another result, is made by an Identity.
    """
    if len(call.input) > len(function.input) or len(call.output) > len(function.output):
        raise FileError(
            f"{shown(label)} has more inputs or outputs than its function; export again"
        )
    inputs = list(map(encodable, function.input))
    names: dict[str, str] = dict.fromkeys(inputs, "")
    names.update(zip(inputs, map(encodable, call.input), strict=False))
    results = tuple(map(encodable, call.output))
    same = []
    for inner, outer in zip(map(encodable, function.output), results, strict=False):
        if outer and inner in names:
            same.append((names[inner], outer))
        elif outer:
            names[inner] = outer
    attributes = {each.name: each for each in function.attribute_proto}
    attributes.update((each.name, each) for each in call.attribute)

    def renamed(name: str) -> str:
        return names.get(name, f"{label}/{name}") if name else ""

    nodes = [_resolved(each, attributes, renamed, label) for each in function.node]
    nodes += [helper.make_node("Identity", [made], [outer]) for made, outer in same]
    return Body(tuple(nodes), version_of(function, version), results)


def _resolved(
    node: Any, given: Mapping[str, Any], renamed: Callable[[str], str], label: str
) -> Any:
    """A node of a body with other names, its attributes of the call in place."""
    made = NodeProto()
    made.CopyFrom(node)
    made.name = f"{label}/{encodable(node.name or node.op_type)}"
    made.input[:] = [renamed(encodable(name)) for name in node.input]
    made.output[:] = [renamed(encodable(name)) for name in node.output]
    del made.attribute[:]
    for each in node.attribute:
        source = given.get(each.ref_attr_name) if each.ref_attr_name else each
        if source is None:
            continue  # it is left out of the call
        kept = made.attribute.add()
        kept.CopyFrom(source)
        kept.name = encodable(each.name)
        if kept.HasField("g"):
            _rename_graph(kept.g, given, renamed, label)
    return made


def _rename_graph(
    graph: Any, given: Mapping[str, Any], renamed: Callable[[str], str], label: str
) -> None:
    """The same for a graph inside a node."""
    nodes = [_resolved(each, given, renamed, label) for each in graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    for each in (*graph.input, *graph.output, *graph.initializer):
        each.name = renamed(encodable(each.name))


def defined(node: OnnxNode, operands: Sequence[Any]) -> tuple[Body, dict[str, int]]:
    """An operator in the format's own words, and which operand its body takes by which name.

    `operands` are arrays or values with a shape and a dtype, None where they are left out.
    """
    if node.attributes.get("reduction", "mean") not in _REDUCTIONS:
        raise unsupported(node, "a reduction that the format has not")
    try:
        schema = defs.get_schema(node.op, node.version, "")
        proto = node_proto(node)
        function = _function(schema, proto, operands)
    except (defs.SchemaError, RuntimeError, ValueError, TypeError) as error:
        raise unsupported(node, f"it is not defined for this: {encodable(str(error))}") from None
    if function is None:
        raise unsupported(node, "of these operands it is not defined in other operators")
    given = {
        name: number
        for number, (name, each) in enumerate(zip(function.input, operands, strict=False))
        if each is not None
    }
    attributes = {name: each.default_value for name, each in schema.attributes.items()}
    kept = {name: each for name, each in attributes.items() if each.type != _UNDEFINED}
    kept.update((each.name, each) for each in proto.attribute)

    def renamed(name: str) -> str:
        return "" if name in function.input and name not in given else name

    nodes = [_resolved(each, kept, renamed, node.label) for each in function.node]
    outputs = tuple(function.output)[: len(node.outputs)]
    body = Body(tuple(nodes), version_of(function, node.version), outputs)
    return body, given


_UNDEFINED = AttributeProto.UNDEFINED


def _function(schema: Any, proto: Any, operands: Sequence[Any]) -> Any:
    """The text of the format, for operands of these types where it depends on them."""
    if schema.has_function:
        return schema.function_body
    if not schema.has_context_dependent_function:
        return None
    types = [_type(each).SerializeToString() for each in operands]
    data = schema.get_context_dependent_function(proto.SerializeToString(), types)
    return FunctionProto.FromString(data) if data else None


def _type(given: Any) -> Any:
    """The type of an operand in the format's words."""
    if given is None:
        return TypeProto()
    code = helper.np_dtype_to_tensor_dtype(np.dtype(str(given.dtype)))
    return helper.make_tensor_type_proto(code, given.shape)
