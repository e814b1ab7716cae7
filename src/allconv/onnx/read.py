"""Reading: a file of bytes to a checked `Model`. No code of a file runs, nothing is converted.

The parser of protobuf makes the messages; everything after it is here: limits, dtypes, names,
order, operators. Files beside the model are opened by `external` alone.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

from allconv.errors import Error, FileError, LimitError, UnsupportedError
from allconv.onnx.attributes import read_attributes
from allconv.onnx.call import unsupported
from allconv.onnx.external import Outside
from allconv.onnx.metadata import read_metadata
from allconv.onnx.model import Input, Model, Node
from allconv.onnx.names.local import TAG, collapse
from allconv.onnx.structure import check_node, check_order, roles, without_unused
from allconv.onnx.tensors import MOST_AXES, dtype_name, read_tensor
from allconv.onnx.text import shown
from allconv.operators.base import FLOATS, Array
from onnx import ModelProto

SIZE_LIMIT = 2**31
OLDEST_OPSET, NEWEST_OPSET = 6, 28
MOST_NODES = 100_000
MOST_TENSORS = 100_000
_DOMAINS = ("", "ai.onnx")


def read_model(path: str | os.PathLike[str], *, size_limit: int = SIZE_LIMIT) -> Model:
    """Read and check an ONNX file.

    FileError for what is no legal network, UnsupportedError for what is not done here (it names
    operator, domain and operator set), LimitError above `size_limit` bytes.
    """
    file = Path(path)
    try:
        data = _bytes_of(file, size_limit)
        return parse_model(data, Outside(file.resolve().parent, size_limit))
    except Error as error:
        raise type(error)(f"{file}: {error}") from None
    except MemoryError:
        raise LimitError(f"{file}: it needs more memory than there is") from None


def _bytes_of(file: Path, size_limit: int) -> bytes:
    # Not blocking, so that a pipe is refused below and not waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(file, flags)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no legal name"
        raise FileError(f"it cannot be opened: {why}") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise FileError("this is no file; the path of an .onnx file is wanted")
        if found.st_size > size_limit:
            raise LimitError(
                f"it is {found.st_size:,} bytes, the limit is {size_limit:,}; "
                "set size_limit higher if the file is yours"
            )
        with os.fdopen(handle, "rb", closefd=False) as opened:
            return opened.read(size_limit + 1)
    except OSError as error:
        raise FileError(f"it cannot be read: {error.strerror}") from None
    finally:
        os.close(handle)


def parse_model(data: bytes, outside: Outside | None = None) -> Model:
    """The checked network in the bytes of an ONNX file."""
    outside = outside or Outside(None, SIZE_LIMIT)
    try:
        proto = ModelProto.FromString(data)
    except DecodeError:
        raise FileError("this is no ONNX model; give an .onnx file") from None
    if not proto.HasField("graph") or not len(proto.graph.node):
        raise FileError("this is no ONNX model, or one without a network; give an .onnx file")
    if len(proto.training_info):
        raise UnsupportedError("the file describes a training; export the network for inference")
    opset = _opset(proto)
    graph = proto.graph
    _check_counts(graph)
    arrays = _arrays(graph, outside)
    nodes = collapse([_node(each, opset, outside) for each in graph.node])
    inputs = _inputs(graph, arrays)
    check_order(nodes, inputs, arrays, graph)
    nodes = without_unused(nodes, graph)
    for node in nodes:
        check_node(node)
    parameters, buffers = roles(nodes, arrays)
    metadata, classes, preprocess = read_metadata(proto.metadata_props)
    outputs = tuple(each.name for each in graph.output)
    return Model(
        inputs, tuple(nodes), outputs, arrays, parameters, buffers, opset,
        metadata, classes, preprocess,
    )  # fmt: skip


def _opset(proto: Any) -> int:
    """The version of the standard operators."""
    versions = [each.version for each in proto.opset_import if each.domain in _DOMAINS]
    if len(versions) > 1 or not len(proto.opset_import):
        raise FileError("the file must name one version of the operators of ai.onnx; export again")
    if not versions:
        others = ", ".join(shown(each.domain) for each in proto.opset_import[:3])
        raise UnsupportedError(f"unsupported: operators of {others}; those of ai.onnx are read")
    if not OLDEST_OPSET <= versions[0] <= NEWEST_OPSET:
        raise UnsupportedError(
            f"unsupported: operator set {versions[0]} of ai.onnx; {OLDEST_OPSET} to {NEWEST_OPSET} "
            "are read: export the network with opset_version=17, say"
        )
    return int(versions[0])


def _check_counts(graph: Any) -> None:
    tensors = len(graph.initializer) + len(graph.input) + len(graph.output)
    if len(graph.node) > MOST_NODES or tensors > MOST_TENSORS:
        raise LimitError(
            f"the network has {len(graph.node):,} nodes and {tensors:,} arrays; "
            f"{MOST_NODES:,} are read"
        )
    if len(graph.sparse_initializer):
        raise UnsupportedError("the file holds sparse tensors; export the network with dense ones")
    if not len(graph.output):
        raise FileError("the network has no output; export it again")


def _arrays(graph: Any, outside: Outside) -> dict[str, Array]:
    """The initializers by name."""
    arrays: dict[str, Array] = {}
    for tensor in graph.initializer:
        if not tensor.name or tensor.name in arrays:
            raise FileError(f"two initializers are named {shown(tensor.name)}; export again")
        arrays[tensor.name] = read_tensor(tensor, outside)
    return arrays


def _inputs(graph: Any, arrays: dict[str, Array]) -> tuple[Input, ...]:
    """What the network takes; older files list the initializers among the inputs, too."""
    inputs, seen = [], set()
    for each in graph.input:
        if not each.name or each.name in seen:
            raise FileError(f"two inputs are named {shown(each.name)}; export the network again")
        seen.add(each.name)
        if each.name not in arrays:
            inputs.append(_input(each))
    if not inputs:
        raise UnsupportedError("the network takes no array; one that takes images is wanted")
    return tuple(inputs)


def _input(given: Any) -> Input:
    of = f"input {shown(given.name)}"
    if given.type.WhichOneof("value") != "tensor_type":
        raise UnsupportedError(f"{of} is no tensor; export a network of tensors")
    kind = given.type.tensor_type
    dtype = dtype_name(kind.elem_type, of)
    if dtype not in (*FLOATS, "uint8"):
        raise UnsupportedError(f"{of} is {dtype}; float32, float64 or uint8 is done")
    if not kind.HasField("shape"):
        return Input(given.name, None, dtype)
    if len(kind.shape.dim) > MOST_AXES:
        raise FileError(f"{of} has {len(kind.shape.dim)} axes; export the network again")
    sizes: list[int | None] = []
    for n in kind.shape.dim:
        known = n.WhichOneof("value") == "dim_value" and n.dim_value > 0
        sizes.append(int(n.dim_value) if known else None)
    return Input(given.name, tuple(sizes), dtype)


def _node(proto: Any, opset: int, outside: Outside) -> Node:
    tags = [each.value for each in proto.metadata_props if each.key == TAG]
    node = Node(
        proto.op_type,
        "" if proto.domain in _DOMAINS else proto.domain,
        opset,
        proto.name,
        tuple(proto.input),
        tuple(proto.output),
        {},
        tags[0] if tags else "",
    )
    if node.domain:  # before ours are made, so that a file cannot name them
        raise unsupported(node)
    return replace(node, attributes=read_attributes(proto, node, outside))
