"""Reading: a file of bytes to a checked `Model`. No code of a file runs, nothing is converted.

The parser of protobuf makes the messages; everything after it is here: limits, dtypes, names,
order, operators. Files beside the model are opened by `external` alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

from allconv.errors import ArgumentError, Error, FileError, LimitError, UnsupportedError
from allconv.limits import MOST_AXES
from allconv.onnx.attributes import read_attributes
from allconv.onnx.call import unsupported
from allconv.onnx.external import Outside
from allconv.onnx.limits import MOST_VALUES, fits
from allconv.onnx.metadata import PRODUCER, read_metadata
from allconv.onnx.model import Input, Model, Node
from allconv.onnx.names.local import TAG, collapse
from allconv.onnx.tensors import dtype_name, read_tensor
from allconv.onnx.text import shown
from allconv.onnx.validate import check_node, check_order, roles, without_unused
from allconv.onnx.weights import without_weights
from allconv.onnx.wire import Place, Raw, attribute, initializer, without_arrays
from allconv.operators.base import FLOATS, Array
from allconv.settings import whole
from allconv.text import encodable, printable
from onnx import IR_VERSION, ModelProto

SIZE_LIMIT = 2**31
OLDEST_OPSET, NEWEST_OPSET = 6, 28
MOST_NODES = 100_000
MOST_TENSORS = 100_000
_DOMAINS = ("", "ai.onnx")


def read_model(path: str | os.PathLike[str], *, size_limit: int = SIZE_LIMIT) -> Model:
    """Read and check an ONNX file.

    FileError for what is no legal network, UnsupportedError for what is not supported (it names
    operator, domain and operator set), LimitError above `size_limit` bytes.
    """
    limit = whole("size_limit", size_limit, least=1, most=2**62)
    file = _path(path)
    with told(file):
        opened, size = _opened(file, limit)
        with opened:
            return _parsed(opened, size, Outside(file.resolve().parent, limit))


@contextmanager
def told(file: Path) -> Iterator[None]:
    """Put the path of a file in front of what is wrong with it."""
    try:
        yield
    except Error as error:
        raise type(error)(f"{printable(file)}: {error}") from None
    except OSError as error:
        raise FileError(f"{printable(file)}: it cannot be read: {error.strerror}") from None
    except MemoryError:
        raise LimitError(f"{printable(file)}: it needs more memory than there is") from None


def _path(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise ArgumentError(
            f"path is {type(path).__name__}; the path of a file is expected"
        ) from None


def _opened(file: Path, size_limit: int) -> tuple[BinaryIO, int]:
    """A plain file, open, and its size."""
    # Not blocking, so that a pipe is refused below and not waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(file, flags)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a legal name"
        raise FileError(f"it cannot be opened: {why}") from None
    opened = os.fdopen(handle, "rb") if stat.S_ISREG(os.fstat(handle).st_mode) else None
    if opened is None:
        os.close(handle)
        raise FileError("this is not a file; the path of an .onnx file is expected")
    size = os.fstat(handle).st_size
    if size > size_limit:
        opened.close()
        raise LimitError(
            f"it is {size:,} bytes, the limit is {size_limit:,}; "
            "set size_limit higher if the file is yours"
        )
    return opened, size


def parse_model(data: bytes, outside: Outside | None = None) -> Model:
    """The checked network in the bytes of an ONNX file."""
    return _parsed(BytesIO(data), len(data), outside or Outside(None, SIZE_LIMIT))


def _parsed(file: BinaryIO, size: int, outside: Outside) -> Model:
    """The checked network in an open file."""
    messages, raws = without_arrays(file, size)
    try:
        proto = ModelProto.FromString(messages)
    except DecodeError:
        raise FileError("this is not an ONNX model; give an .onnx file") from None
    _check_model(proto)
    opset, graph = _opset(proto), proto.graph
    _check_counts(graph)
    arrays = _arrays(graph, outside, raws)
    nodes = collapse([_node(n, each, opset, outside, raws) for n, each in enumerate(graph.node)])
    inputs = _inputs(graph, arrays)
    results = [encodable(each.name) for each in graph.output]
    check_order(nodes, inputs, arrays, results)
    for node in nodes:
        check_node(node)
    if proto.producer_name != PRODUCER:  # what is a parameter in our files is an initializer
        nodes, weights = without_weights(nodes)
        arrays.update(weights)
    nodes = without_unused(nodes, results)
    parameters, buffers = roles(nodes, arrays)
    metadata, classes, preprocess = read_metadata(proto.metadata_props)
    return Model(
        inputs, tuple(nodes), tuple(results), arrays, parameters, buffers, opset,
        metadata, classes, preprocess,
    )  # fmt: skip


def _check_model(proto: Any) -> None:
    """Refuse what is no network, and what gives nodes another meaning than the format's."""
    if not proto.HasField("graph") or not len(proto.graph.node):
        raise FileError("this is not an ONNX model, or one without a network; give an .onnx file")
    if len(proto.training_info):
        raise UnsupportedError("the file describes a training; export the network for inference")
    if proto.ir_version > IR_VERSION:
        raise UnsupportedError(
            f"the file has IR version {proto.ir_version}, the onnx package here knows "
            f"{IR_VERSION}; install a newer onnx, or export again"
        )
    for function in proto.functions:
        if function.domain in _DOMAINS:
            raise UnsupportedError(
                f"the file redefines the operator {shown(function.name)}; export it without "
                "functions"
            )


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


def _arrays(graph: Any, outside: Outside, raws: Mapping[Place, Raw]) -> dict[str, Array]:
    """The initializers by name."""
    arrays: dict[str, Array] = {}
    for number, tensor in enumerate(graph.initializer):
        name = encodable(tensor.name)
        if not name or name in arrays:
            raise FileError(f"two initializers are named {shown(name)}; export again")
        arrays[name] = read_tensor(tensor, outside, raws.get(initializer(number)))
    return arrays


def _inputs(graph: Any, arrays: dict[str, Array]) -> tuple[Input, ...]:
    """What the network takes; older files list the initializers among the inputs, too."""
    inputs, seen = [], set()
    for each in graph.input:
        name = encodable(each.name)
        if not name or name in seen:
            raise FileError(f"two inputs are named {shown(name)}; export the network again")
        seen.add(name)
        if name not in arrays:
            inputs.append(_input(name, each))
    if not inputs:
        raise UnsupportedError("the network takes no array; one that takes images is expected")
    return tuple(inputs)


def _input(name: str, given: Any) -> Input:
    of = f"input {shown(name)}"
    if given.type.WhichOneof("value") != "tensor_type":
        raise UnsupportedError(f"{of} is not a tensor; export a network of tensors")
    kind = given.type.tensor_type
    dtype = dtype_name(kind.elem_type, of)
    if dtype not in (*FLOATS, "uint8"):
        raise UnsupportedError(f"{of} is {dtype}; float32, float64 or uint8 is supported")
    if not kind.HasField("shape"):
        return Input(name, None, dtype)
    if len(kind.shape.dim) > MOST_AXES:
        raise FileError(f"{of} has {len(kind.shape.dim)} axes; export the network again")
    sizes: list[int | None] = []
    for n in kind.shape.dim:
        known = n.WhichOneof("value") == "dim_value" and n.dim_value > 0
        sizes.append(int(n.dim_value) if known else None)
    if not fits([n or 1 for n in sizes]):
        raise LimitError(f"{of} has too many values; {MOST_VALUES:,} are the most")
    empty = bool(kind.shape.dim) and kind.shape.dim[0].WhichOneof("value") == "dim_value"
    return Input(name, tuple(sizes), dtype, empty and kind.shape.dim[0].dim_value == 0)


def _node(number: int, proto: Any, opset: int, outside: Outside, raws: Mapping[Place, Raw]) -> Node:
    tags = [each.value for each in proto.metadata_props if each.key == TAG]
    node = Node(
        encodable(proto.op_type),
        "" if proto.domain in _DOMAINS else encodable(proto.domain),
        opset,
        encodable(proto.name),
        tuple(map(encodable, proto.input)),
        tuple(map(encodable, proto.output)),
        {},
        encodable(tags[0]) if tags else "",
    )
    if node.domain:  # before ours are made, so that a file cannot name them
        raise unsupported(node)

    def raw_of(attribute_number: int) -> Raw | None:
        return raws.get(attribute(number, attribute_number))

    return replace(node, attributes=read_attributes(proto, node, outside, raw_of))
