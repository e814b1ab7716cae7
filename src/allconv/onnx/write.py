"""Writing: a network to one self-contained ONNX file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from google.protobuf.message import EncodeError  # type: ignore[import-untyped]  # ships no types

from allconv.errors import ArgumentError, LimitError
from allconv.files import atomic_write
from allconv.graph import Graph
from allconv.intake.settings import whole
from allconv.nn.module import Module
from allconv.onnx.again import can_be_kept, to_proto_again
from allconv.onnx.images import write_preprocess
from allconv.onnx.metadata import PRODUCER, make_metadata
from allconv.onnx.network import Network, network_of
from allconv.onnx.tensors import CODES
from allconv.onnx.write_graph import WrittenGraph, write_graph
from allconv.onnx.writer import Writer
from allconv.text import encodable, printable
from allconv.version import __version__
from onnx import ModelProto, helper

OPSET = 21
IR_VERSION = 10
LARGEST = 2**31 - 1
_TOO_LARGE = (
    "the network holds more than the 2 GB of an ONNX file; save the parameters as safetensors"
)


class Preprocessing(Protocol):
    """What is asked of `data.Preprocess`."""

    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def mean(self) -> tuple[float, ...]: ...
    @property
    def std(self) -> tuple[float, ...]: ...
    def to_json(self) -> str:
        """One line of JSON."""


def save(
    net: Module | Graph | Callable[..., Any],
    path: str | os.PathLike[str],
    shape: Sequence[int | None] | None = None,
    *,
    classes: Sequence[str] | None = None,
    preprocess: Preprocessing | None = None,
    metadata: Mapping[str, str] | None = None,
    input_name: str | None = None,
    output_name: str | None = None,
) -> None:
    """Write a network in inference as one ONNX file, whole or not at all.

    net         a module, a function that can be traced, or a graph
    shape       of the input, (None, C, *I): None leaves the batch open; a graph has its own
    classes     names of the classes, kept in the file's metadata (`allconv.classes`, JSON)
    preprocess  a `data.Preprocess`: then the file takes the pixels themselves, uint8 (N, H, W, C)
                as Pillow gives them, and (x / 255 - mean) / std and the change to (N, C, H, W) are
                its first nodes; the sizes are kept in the metadata (`allconv.preprocess`, JSON)
    metadata    other text to keep in the file, by key
    input_name  of the input, "input" unless given; output_name, "output"

    A network that was loaded is written as its file had it, with the parameters that it has now:
    the names of inputs, outputs and nodes, its operators and their operator set, its metadata. Its
    `shape` may be left out, and is then what the file declares.

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
        raise LimitError(_TOO_LARGE) from None
    return data


def to_proto(
    net: Module | Graph | Callable[..., Any],
    shape: Sequence[int | None] | None = None,
    *,
    classes: Sequence[str] | None = None,
    preprocess: Preprocessing | None = None,
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
        return to_proto_again(net, None if shape is None else _checked(net, shape), entries)
    input_name = "input" if input_name is None else input_name
    output_name = "output" if output_name is None else output_name
    network = network_of(net, _checked(net, shape))
    arrays = (*network.arrays.values(), *network.graph.constants.values())
    if sum(array.nbytes for array in arrays) >= LARGEST - 2**20:
        raise LimitError(_TOO_LARGE)
    names = _names(network, input_name, output_name)
    writer = Writer([*network.arrays, *names.values()])
    first = [
        names["input"],
        *(f"{input_name}_{n}" for n in range(2, network.recorded.arguments + 1)),
    ]
    x = list(first)
    if preprocess is not None:
        x[0] = write_preprocess(writer, preprocess, network, first[0])
    emitted = write_graph(writer, network, x, names["output"])
    return _model(writer, network, emitted, first, entries, preprocess)


def _checked(net: Any, shape: Sequence[int | None] | None) -> tuple[int | None, ...] | None:
    if isinstance(net, Graph):
        return None
    if not isinstance(shape, tuple | list) or not shape:
        raise ArgumentError(f"shape is {shape!r}; (None, 3, 224, 224), say, is expected")
    sizes = [None if n is None else whole("a size", n, least=1) for n in shape]
    if any(n is None for n in sizes[1:]):
        raise ArgumentError(f"shape is {shape!r}; only the batch, the first size, can be None")
    return tuple(sizes)


def _names(network: Network, input_name: str, output_name: str) -> dict[str, str]:
    """The names of the first input and output; they may not be a parameter's."""
    for name in network.arrays:
        if name != encodable(name):
            raise ArgumentError(
                f"the parameter {printable(name)} has a name that is not UTF-8; rename it"
            )
    names = {"input": input_name, "output": output_name}
    for what, name in names.items():
        if not isinstance(name, str) or not name or name in network.arrays:
            raise ArgumentError(f"{what}_name is {name!r}, empty or a parameter's; give another")
        if name != encodable(name):
            raise ArgumentError(
                f"{what}_name is {printable(name)}, which is not UTF-8; give another"
            )
    if input_name == output_name:
        raise ArgumentError(f"input_name and output_name are both {input_name!r}")
    return names


def _model(
    writer: Writer,
    network: Network,
    emitted: WrittenGraph,
    first: Sequence[str],
    entries: dict[str, str],
    preprocess: Preprocessing | None,
) -> ModelProto:
    """The nodes with everything around them."""
    inputs = [
        helper.make_tensor_value_info(name, CODES[value.dtype], _sizes(network.shape(value)))
        for name, value in zip(first, network.graph.inputs, strict=False)
    ]
    if preprocess is not None:
        batch = _sizes(network.shape(network.graph.inputs[0]))[0]
        size = [batch, preprocess.height, preprocess.width, preprocess.channels]
        inputs[0] = helper.make_tensor_value_info(first[0], CODES["uint8"], size)
    known = [
        helper.make_tensor_value_info(name, CODES[dtype], _sizes(shape))
        for name, (shape, dtype) in emitted.values.items()
    ]
    outputs = [info for info in known if info.name in emitted.outputs]
    outputs.sort(key=lambda info: emitted.outputs.index(info.name))
    model, graph = writer.model, writer.graph
    graph.name = "allconv"
    graph.input.extend(inputs)
    graph.output.extend(outputs)
    graph.value_info.extend(info for info in known if info.name not in emitted.outputs)
    model.opset_import.append(helper.make_opsetid("", OPSET))
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = PRODUCER, __version__
    helper.set_model_props(model, entries)
    return model


def _sizes(shape: Sequence[int | None]) -> list[int | str]:
    """A shape with the batch named N."""
    return ["N" if n is None else n for n in shape]
