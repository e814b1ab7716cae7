"""Reading: a file of bytes to a checked `OnnxModel`. No code of a file runs, nothing is converted.

The parser of protobuf makes the messages; everything after it is here: limits, dtypes, names,
order, operators. Files beside the model are opened by `external` alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf.message import DecodeError, EncodeError  # type: ignore[import-untyped]  # no stubs

from allconv.errors import ArgumentError, Error, FileError, LimitError, UnsupportedError
from allconv.intake.settings import whole
from allconv.onnx.format.metadata import PRODUCER, read_metadata
from allconv.onnx.format.text import shown
from allconv.onnx.model import About, OnnxModel
from allconv.onnx.read.arrays import read_arrays
from allconv.onnx.read.declared import check_halves, notes_of, quantized, read_inputs, read_results
from allconv.onnx.read.external import Outside
from allconv.onnx.read.functions import functions_of
from allconv.onnx.read.nodes import DOMAINS, NEWEST_OPSET, OLDEST_OPSET, NodeReader
from allconv.onnx.read.roles import roles, without_weights
from allconv.onnx.read.subgraph import WHOLE, Subgraph
from allconv.onnx.read.validate import check_order, checked, without_unused
from allconv.onnx.read.wire import without_arrays
from allconv.text import encodable, printable
from onnx import IR_VERSION, ModelProto

SIZE_LIMIT = 2**31
MOST_NODES = 100_000
MOST_TENSORS = 100_000
_TOO_LARGE = "it is {:,} bytes, the limit is {:,}; set size_limit higher if the file is yours"


Given = str | os.PathLike[str] | bytes | bytearray | memoryview | ModelProto
"""A network as a file has it: the path of the file, its bytes, or the message in it."""


def read_model(
    given: Given, *, size_limit: int = SIZE_LIMIT, subgraph: Subgraph = WHOLE
) -> OnnxModel:
    """Read and check a network: a path, the bytes of a file, or a `ModelProto`.

    FileError for what is no legal network, LimitError above `size_limit` bytes. What is legal and
    not supported is in `OnnxModel.refused`. `subgraph` says from which values to which it is read.
    Bytes and messages have no folder, so that tensors outside of them are refused.
    """
    limit = whole("size_limit", size_limit, least=1, most=2**62)
    if isinstance(given, bytes | bytearray | memoryview | ModelProto):
        data = _bytes(given)
        if len(data) > limit:
            raise LimitError(_TOO_LARGE.format(len(data), limit))
        return _parsed(BytesIO(data), len(data), Outside(None, limit), subgraph)
    file = _path(given)
    opened, size = _opened(file, limit)
    with opened:
        return _parsed(opened, size, Outside(file.resolve().parent, limit), subgraph)


def _bytes(given: Any) -> bytes:
    """What stands in the file of a network."""
    if not isinstance(given, ModelProto):
        return bytes(given)
    try:
        data: bytes = given.SerializeToString()
    except (EncodeError, ValueError):
        raise LimitError("the model is more than 2 GB; save it and give the path") from None
    return data


@contextmanager
def naming_file(given: Given) -> Iterator[None]:
    """Put the path of a file in front of what is wrong with it."""
    place = f"{printable(given)}: " if isinstance(given, str | os.PathLike) else ""
    try:
        yield
    except Error as error:
        if not place:
            raise
        raise type(error)(f"{place}{error}") from None
    except OSError as error:
        raise FileError(f"{place}it cannot be read: {error.strerror}") from None
    except MemoryError:
        raise LimitError(f"{place}it needs more memory than there is") from None


def _path(path: Any) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise ArgumentError(
            f"path is {type(path).__name__}; the path of a file, its bytes or a ModelProto is "
            "expected"
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
        raise LimitError(_TOO_LARGE.format(size, size_limit))
    return opened, size


def _parsed(file: BinaryIO, size: int, outside: Outside, subgraph: Subgraph = WHOLE) -> OnnxModel:
    """The checked network in an open file."""
    messages, raws = without_arrays(file, size)
    try:
        proto = ModelProto.FromString(messages)
    except DecodeError:
        raise FileError("this is not an ONNX model; give an .onnx file") from None
    _check_model(proto)
    opset, graph = _opset(proto), proto.graph
    _check_counts(graph)
    arrays = read_arrays(graph, outside, raws)
    for name in subgraph.inputs or ():  # older files list the initializers among the inputs, too
        arrays.pop(name, None)
    reader = NodeReader(opset, outside, raws, functions_of(proto))
    nodes, takes, gives = subgraph.cut(graph, reader.read(graph), set(arrays))
    inputs, declared = read_inputs(takes, arrays, nodes)
    results = [encodable(each.name) for each in gives]
    check_order(nodes, {*arrays, *(each.name for each in inputs)}, results)
    nodes = [checked(node) for node in nodes]
    if proto.producer_name != PRODUCER:  # what is a parameter in our files is an initializer
        nodes, weights = without_weights(nodes)
        arrays.update(weights)
    nodes = without_unused(nodes, results)
    parameters, buffers = roles(nodes, arrays, {each.name for each in inputs if each.static})
    metadata, classes, preprocess = read_metadata(proto.metadata_props)
    notes = notes_of(proto)
    check_halves(graph, arrays, parameters)
    return OnnxModel(
        inputs, tuple(nodes), tuple(results), arrays, parameters, buffers, opset, metadata,
        classes, preprocess, declared, read_results(gives), _about(proto),
        notes + quantized(nodes), bool(notes),
    )  # fmt: skip


def _about(proto: Any) -> About:
    """What the file says about itself."""
    return About(
        encodable(proto.producer_name),
        encodable(proto.graph.name),
        encodable(proto.domain),
        int(proto.model_version),
        encodable(proto.doc_string),
        encodable(proto.graph.doc_string),
    )


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
        if function.domain in DOMAINS:
            raise UnsupportedError(
                f"the file redefines the operator {shown(function.name)}; export it without "
                "functions"
            )


def _opset(proto: Any) -> int:
    """The version of the standard operators."""
    versions = list({each.version for each in proto.opset_import if each.domain in DOMAINS})
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
