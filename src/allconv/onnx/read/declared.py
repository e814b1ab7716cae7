"""What a file declares around its nodes: inputs, outputs, and what was converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allconv.errors import FileError, LimitError, UnsupportedError
from allconv.intake.limits import MOST_AXES
from allconv.onnx.format.limits import MOST_VALUES, fits
from allconv.onnx.format.tensors import HALVES, dtype_name
from allconv.onnx.format.text import shown
from allconv.onnx.model import Declared, Input, OnnxNode, Sizes
from allconv.onnx.names import named
from allconv.operators.base import FLOATS, Array
from allconv.text import encodable
from onnx import TensorProto

_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, *HALVES)


def read_inputs(
    given: Sequence[Any], arrays: Mapping[str, Array], nodes: Sequence[OnnxNode]
) -> tuple[tuple[Input, ...], tuple[Declared, ...]]:
    """What the network takes; older files list the initializers among the inputs, too."""
    floats = any(each.type.tensor_type.elem_type in _FLOATS for each in given)
    inputs: list[Input] = []
    declared: list[Declared] = []
    seen: set[str] = set()
    for each in given:
        name = encodable(each.name)
        if not name or name in seen:
            raise FileError(f"two inputs are named {shown(name)}; export the network again")
        seen.add(name)
        if name not in arrays:
            inputs.append(_input(name, each, nodes, floats))
            declared.append(_declared(name, each))
    return tuple(inputs), tuple(declared)


def read_results(given: Sequence[Any]) -> tuple[Declared, ...]:
    """The outputs as the file declares them."""
    return tuple(_declared(encodable(each.name), each) for each in given)


def _declared(name: str, given: Any) -> Declared:
    """A value in the file's words: names of open sizes, and the type as "tensor(float)"."""
    kind = given.type.tensor_type
    known = kind.elem_type in TensorProto.DataType.values()
    text = TensorProto.DataType.Name(kind.elem_type).lower() if known else str(kind.elem_type)
    shape: Sizes | None = None
    if kind.HasField("shape") and len(kind.shape.dim) <= MOST_AXES:
        shape = tuple(
            int(n.dim_value) if n.HasField("dim_value") else encodable(n.dim_param) or None
            for n in kind.shape.dim
        )
    return Declared(name, shape, f"tensor({text})")


def _input(name: str, given: Any, nodes: Sequence[OnnxNode], floats: bool) -> Input:
    of = f"input {shown(name)}"
    if given.type.WhichOneof("value") != "tensor_type":
        raise UnsupportedError(f"{of} is not a tensor; export a network of tensors")
    kind = given.type.tensor_type
    dtype = dtype_name(kind.elem_type, of)
    takers = [node for node in nodes if name in node.uses]
    image = dtype in ("uint8", "int8") and _is_cast(name, takers)
    mask = dtype == "bool" and floats and _is_mask(name, takers)
    data = dtype in FLOATS and not _is_setting(name, takers)
    static = not (data or image or mask)
    if not kind.HasField("shape"):
        return Input(name, None, dtype, static=static)
    if len(kind.shape.dim) > MOST_AXES:
        raise FileError(f"{of} has {len(kind.shape.dim)} axes; export the network again")
    told = [int(n.dim_value) if n.HasField("dim_value") else None for n in kind.shape.dim]
    sizes = tuple(n if n and n > 0 else None for n in told)
    if not fits([n or 1 for n in sizes]):
        raise LimitError(f"{of} has too many values; at most {MOST_VALUES:,} are supported")
    return Input(name, sizes, dtype, told[:1] == [0], static)


def _is_cast(name: str, takers: Sequence[OnnxNode]) -> bool:
    """Whether an image of bytes is only made floats of; its size may be asked."""
    return all(
        node.op in ("Cast", "Shape", "Size")
        or (node.op == "DequantizeLinear" and name not in node.inputs[1:])
        for node in takers
    )


def _is_setting(name: str, takers: Sequence[OnnxNode]) -> bool:
    """Whether an array is a setting wherever it is taken: the scales of a Resize, say."""
    return bool(takers) and all(
        (read := named(node)) is not None
        and all(n in read.settings for n, each in enumerate(node.inputs) if each == name)
        and not node.branches
        for node in takers
    )


def _is_mask(name: str, takers: Sequence[OnnxNode]) -> bool:
    """Whether truth values choose between data: a condition of Where alone."""
    return bool(takers) and all(node.op == "Where" and node.inputs[0] == name for node in takers)


def notes_of(proto: Any) -> tuple[str, ...]:
    """What was converted while the file was read, a sentence each."""
    graph = proto.graph
    nodes = [node for each in (graph, *proto.functions) for node in each.node]
    held = [each.data_type for each in graph.initializer]
    held += [a.t.data_type for node in nodes for a in node.attribute if a.HasField("t")]
    casts = [a.i for n in nodes if n.op_type == "Cast" for a in n.attribute if a.i in HALVES]
    values = [each.type.tensor_type.elem_type for each in (*graph.input, *graph.output)]
    notes = []
    for code, name in HALVES.items():
        count = held.count(code)
        if count or code in casts or code in values:
            arrays = f"{count:,} arrays of {name} are held, and all of it is" if count else "it is"
            notes.append(f"the file computes in {name}: {arrays} computed, in float32")
    return tuple(notes)


def quantized(nodes: Sequence[OnnxNode]) -> tuple[str, ...]:
    """That whole numbers are computed as floats, where a file has them stand for those."""
    ops = ("DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear")
    count = sum(node.op in ops for node in nodes if not node.domain)
    told = (
        f"the file computes in whole numbers of 8 bits, say, by {count:,} nodes that quantize and "
        "dequantize: they are computed as floats, no faster than the network before quantization"
    )
    return (told,) if count else ()


def check_halves(graph: Any, arrays: Mapping[str, Array], parameters: Sequence[str]) -> None:
    """Refuse a weight of two bytes that holds infinities: it was too large for them."""
    halves = {encodable(each.name) for each in graph.initializer if each.data_type in HALVES}
    for name in halves.intersection(parameters):
        if np.isinf(arrays[name]).any():
            raise FileError(
                f"the weight {shown(name)} holds infinities: it overflowed when it was made "
                "float16; export the network as float32"
            )
