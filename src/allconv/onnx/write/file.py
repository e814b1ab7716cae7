"""Writing: a network to one self-contained ONNX file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.message import EncodeError  # type: ignore[import-untyped]  # ships no types

from allconv.errors import ArgumentError, LimitError, ShapeError
from allconv.files import atomic_write
from allconv.graph import Graph
from allconv.nn.module import Module
from allconv.onnx.format.metadata import PRODUCER, make_metadata
from allconv.onnx.format.protos import IR_VERSION, TOO_LARGE, check_size, value_proto
from allconv.onnx.format.tensors import CODES
from allconv.onnx.module import OnnxModule
from allconv.onnx.names.writer import Writer
from allconv.onnx.write.again import can_be_kept, to_proto_again
from allconv.onnx.write.asked import check_names, checked_shapes, input_names, output_names
from allconv.onnx.write.graph import WrittenGraph, write_graph
from allconv.onnx.write.network import ExportedNetwork, network_of
from allconv.version import __version__
from onnx import ModelProto, helper

if TYPE_CHECKING:
    from allconv.data import Preprocess

Asked = Sequence[int | None] | Sequence[Sequence[int | None]] | None


def save(
    net: Module | Graph | Callable[..., Any],
    path: str | os.PathLike[str],
    shape: Asked = None,
    *,
    classes: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
    metadata: Mapping[str, str] | None = None,
    input_name: str | None = None,
    output_name: str | None = None,
) -> None:
    """Write a network in inference as one ONNX file, whole or not at all.

    net         a module, a function that can be traced, or a graph
    shape       of the input, (None, C, *I): None leaves the batch open; of several inputs a list,
                [(None, 3, 32, 32), (None, 4)]; a graph has its own
    classes     names of the classes, kept in the file's metadata (`allconv.classes`, JSON)
    preprocess  a `data.Preprocess`: then the file takes the pixels themselves, uint8 (N, H, W, C)
                as Pillow gives them, and (x / 255 - mean) / std and the change to (N, C, H, W) are
                its first nodes; the sizes are kept in the metadata (`allconv.preprocess`, JSON)
    metadata    other text to keep in the file, by key
    input_name  of the input, "input" unless given; output_name, "output"; more are "input_2" ...

    A network that was loaded is written as its file had it, with the parameters that it has now:
    the names of inputs, outputs and nodes, its operators and their operator set, its metadata. Its
    `shape` may be left out, and is then what the file declares. Of a file in float16, or one whose
    functions have another operator set, the nodes are ours; inputs, outputs and metadata are kept.

    The output is the network's own: for a classifier (N, classes), before any softmax. Float
    parameters and buffers are initializers under their names in `net.state_dict()`, so that `load`
    gives them back; other constants are nodes. Operator set 21 of ai.onnx, IR version 10.

    UnsupportedError for what the format has no operator for (its layer is named), LimitError above
    2 GB, FileError where the file cannot be written.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is {type(path).__name__}; the path of a file is expected")
    model = to_proto(
        net, shape, classes=classes, preprocess=preprocess, metadata=metadata,
        input_name=input_name, output_name=output_name,
    )  # fmt: skip
    atomic_write(Path(path), to_bytes(model))


def to_bytes(model: ModelProto) -> bytes:
    """What stands in the file of a model."""
    try:
        data: bytes = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError):
        raise LimitError(TOO_LARGE) from None
    return data


def to_proto(
    net: Module | Graph | Callable[..., Any],
    shape: Asked = None,
    *,
    classes: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
    metadata: Mapping[str, str] | None = None,
    input_name: str | None = None,
    output_name: str | None = None,
) -> ModelProto:
    """The model that `save` writes."""
    if preprocess is not None and not hasattr(preprocess, "to_json"):
        raise ArgumentError(
            f"preprocess is {type(preprocess).__name__}; a data.Preprocess is expected"
        )
    text = preprocess.to_json() if preprocess is not None else None
    entries = make_metadata(classes, text, metadata or {})
    if preprocess is None and input_name is None and output_name is None and can_be_kept(net):
        return to_proto_again(net, None if shape is None else checked_shapes(net, shape), entries)
    network = network_of(net, checked_shapes(net, shape))
    check_size((*network.arrays.values(), *network.graph.constants.values()))
    inputs = input_names(net, network, input_name)
    first, *others = output_names(net, network, output_name)
    check_names(network, inputs, [first])
    writer = Writer([*network.arrays, *inputs, first])
    outputs = [first, *map(writer.fresh, others)]
    x = list(inputs)
    if preprocess is not None:
        x[0] = _prepare(writer, preprocess, network, x[0])
    elif isinstance(net, OnnxModule):
        entries = {**net.model.metadata, **entries}
    emitted = write_graph(writer, network, x, outputs)
    return _model(writer, network, emitted, inputs, entries, preprocess)


def _prepare(writer: Writer, preprocess: Preprocess, network: ExportedNetwork, image: str) -> str:
    """(image / 255 - mean) / std in float32, step by step as `data.Preprocess.apply` has it.

    Shapes: image uint8 (N, H, W, C) -> float32 (N, C, H, W). Returns the name of the result.
    """
    value = network.graph.inputs[0]
    expected = preprocess.shape
    if value.shape[1:] != expected or value.dtype != "float32":
        raise ShapeError(
            f"the network takes {value.dtype} {value.shape[1:]}, the preprocessing gives float32 "
            f"{expected}; they must agree"
        )
    steps = (
        ("Div", np.float32(255)),
        ("Sub", np.array(preprocess.mean, np.float32)),
        ("Div", np.array(preprocess.std, np.float32)),
    )
    x = writer.step("preprocess/Cast", "Cast", image, to=CODES["float32"])
    for op, number in steps:
        other = writer.constant(f"preprocess/{op}/by", np.asarray(number))
        x = writer.step(f"preprocess/{op}", op, x, other)
    return writer.step("preprocess/Transpose", "Transpose", x, perm=[0, 3, 1, 2])


def _model(
    writer: Writer,
    network: ExportedNetwork,
    emitted: WrittenGraph,
    first: Sequence[str],
    entries: dict[str, str],
    preprocess: Preprocess | None,
) -> ModelProto:
    """The nodes with everything around them."""
    inputs = [
        value_proto(name, value.dtype, network.shapes[value])
        for name, value in zip(first, network.graph.inputs, strict=False)
    ]
    if preprocess is not None:
        batch, *_ = network.shapes[network.graph.inputs[0]]
        size = (batch, preprocess.height, preprocess.width, preprocess.channels)
        inputs[0] = value_proto(first[0], "uint8", size)
    known = [value_proto(name, dtype, shape) for name, (shape, dtype) in emitted.values.items()]
    outputs = [info for info in known if info.name in emitted.outputs]
    outputs.sort(key=lambda info: emitted.outputs.index(info.name))
    model, graph = writer.model, writer.graph
    graph.name = "allconv"
    graph.input.extend(inputs)
    graph.output.extend(outputs)
    graph.value_info.extend(info for info in known if info.name not in emitted.outputs)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = PRODUCER, __version__
    helper.set_model_props(model, entries)
    return model
