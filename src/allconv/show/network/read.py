"""An ONNX file as a network to be drawn, from its messages alone: it may be one that cannot run.

Names and operators are the file's. Shapes are those that the file and `onnx.shape_inference` give,
as far as they go. Weights are not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from math import prod
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types

from allconv.errors import Error, FileError
from allconv.files import open_file
from allconv.onnx.model import OnnxNode
from allconv.onnx.names.call import unsupported
from allconv.onnx.read.file import naming_file
from allconv.onnx.read.validate import check_node
from allconv.onnx.read.wire import without_arrays
from allconv.show.network.layers import (
    INPUT,
    OUTPUT,
    Drawn,
    DrawnLayer,
    DrawnNetwork,
    Shape,
    shown_note,
)
from allconv.text import encodable, printable
from onnx import AttributeProto, ModelProto

MOST_DRAWN = 20_000  # layers
_DOMAINS = ("", "ai.onnx")
_CONSTANT = "Constant"
_SHOWN_KINDS = (
    AttributeProto.INT, AttributeProto.FLOAT, AttributeProto.STRING,
    AttributeProto.INTS, AttributeProto.FLOATS,
)  # fmt: skip
_MOST_NUMBERS = 8


def read_messages(path: str | os.PathLike[str]) -> Any:
    """The messages of an ONNX file without its large arrays; FileError for other files."""
    file = Path(path)
    with open_file(file, "an ONNX model") as opened, naming_file(file):
        size = os.fstat(opened.fileno()).st_size
        messages, _ = without_arrays(opened, size)
        try:
            proto = ModelProto.FromString(messages)
        except DecodeError:
            raise FileError("this is not an ONNX model; give an .onnx file") from None
        if not len(proto.graph.node):
            raise FileError(
                "this is not an ONNX model, or one without a network; give an .onnx file"
            )
        if len(proto.graph.node) > MOST_DRAWN:
            raise FileError(
                f"the network has {len(proto.graph.node):,} nodes; {MOST_DRAWN:,} are drawn"
            )
    return proto


def notes(proto: Any) -> dict[str, str]:
    """What the file says in words of the nodes that make each name."""
    return {
        encodable(name): shown_note(encodable(node.doc_string))
        for node in proto.graph.node
        if node.doc_string
        for name in node.output
    }


def model_note(proto: Any) -> str:
    """What the file says of itself in words."""
    texts = (proto.doc_string, proto.graph.doc_string)
    return shown_note(" ".join(dict.fromkeys(encodable(each) for each in texts if each)))


def network_of_file(proto: Any, title: str, refusal: str) -> DrawnNetwork:
    """The nodes of a file in an order in which they could be computed, as far as there is one."""
    graph = proto.graph
    shapes = _shapes(proto)
    sizes = {encodable(each.name): prod(each.dims) for each in graph.initializer}
    drawn = Drawn()
    drawn.shapes.update(shapes)
    for each in graph.input:
        name = encodable(each.name)
        if name not in sizes:
            drawn.add(DrawnLayer(0, name, INPUT, outputs=(shapes.get(name),)), (), (name,))
    constants = {"", *sizes}
    opset = next((each.version for each in proto.opset_import if each.domain in _DOMAINS), 0)
    for node in ordered(graph.node):
        taken, made = tuple(map(encodable, node.input)), tuple(map(encodable, node.output))
        why = _refusal(node, opset)
        if constants.issuperset(taken) and (node.op_type == _CONSTANT or not why):
            constants.update(made)  # the same for every image, as weights are
            continue
        named = [name for name in made if name]
        layer = DrawnLayer(
            0,
            encodable(node.name) or next(iter(named), ""),
            encodable(node.op_type),
            outputs=tuple(map(shapes.get, named)),
            parameters=sum(sizes.get(name, 0) for name in dict.fromkeys(taken)),
            note=shown_note(encodable(node.doc_string)),
            refusal=why,
            settings=_settings(node),
        )
        drawn.add(layer, taken, named)
    for each in graph.output:
        name = encodable(each.name)
        drawn.add(DrawnLayer(0, name, OUTPUT), (name,), ())
    return DrawnNetwork(title, tuple(drawn.layers), refusal, model_note(proto))


def ordered(nodes: Iterable[Any]) -> Iterator[Any]:
    """Nodes after those that make what they take, else as they come; a cycle is broken."""
    nodes = list(nodes)
    makers = {name: n for n, node in enumerate(nodes) for name in node.output if name}
    waiting: dict[int, int] = {}
    users: dict[int, list[int]] = {}
    for n, node in enumerate(nodes):
        needed = {makers[name] for name in node.input if name in makers} - {n}
        waiting[n] = len(needed)
        for maker in needed:
            users.setdefault(maker, []).append(n)
    ready = [n for n, count in waiting.items() if count == 0]  # sorted, which a heap may be
    while waiting:
        number = heappop(ready) if ready else next(iter(waiting))
        if waiting.pop(number, None) is None:
            continue
        yield nodes[number]
        for user in users.get(number, ()):
            if user in waiting:
                waiting[user] -= 1
                if waiting[user] == 0:
                    heappush(ready, user)


def _refusal(node: Any, opset: int) -> str:
    """Why a node cannot run here; empty where nothing is known against it."""
    given = OnnxNode(
        encodable(node.op_type),
        "" if node.domain in _DOMAINS else encodable(node.domain),
        opset,
        encodable(node.name),
        tuple(map(encodable, node.input)),
        tuple(map(encodable, node.output)),
        {encodable(each.name): None for each in node.attribute},
    )
    if given.domain:
        return str(unsupported(given))
    try:
        check_node(given)
    except Error as error:
        return str(error)
    return ""


def _settings(node: Any) -> dict[str, str]:
    """The attributes that are numbers or short texts."""
    found = {}
    for each in node.attribute:
        if each.type in _SHOWN_KINDS:
            found[printable(encodable(each.name), 40)] = _setting(each)
    return found


def _setting(attribute: Any) -> str:
    if attribute.type == AttributeProto.INT:
        return str(attribute.i)
    if attribute.type == AttributeProto.FLOAT:
        return f"{attribute.f:.4g}"
    if attribute.type == AttributeProto.STRING:
        return printable(attribute.s, 60)
    whole = attribute.type == AttributeProto.INTS
    numbers = list(attribute.ints if whole else attribute.floats)
    texts = [str(n) if whole else f"{n:.4g}" for n in numbers[:_MOST_NUMBERS]]
    return ", ".join(texts + ["…"] * (len(numbers) > _MOST_NUMBERS))


def _shapes(proto: Any) -> dict[str, Shape]:
    """The shape of every name, as far as the file and the format's own rules give it."""
    found = {encodable(each.name): tuple(each.dims) for each in proto.graph.initializer}
    for graph in (proto.graph, _inferred(proto)):
        for each in (*graph.input, *graph.value_info, *graph.output):
            shape = _shape(each)
            if shape is not None:
                found[encodable(each.name)] = shape
    return found


def _inferred(proto: Any) -> Any:
    """The graph with what shape inference adds; as it is where that fails."""
    from onnx import shape_inference

    try:
        return shape_inference.infer_shapes(proto).graph
    except Exception:  # of a file that breaks the rules; it is drawn without
        return proto.graph


def _shape(given: Any) -> Shape | None:
    kind = given.type.tensor_type
    if given.type.WhichOneof("value") != "tensor_type" or not kind.HasField("shape"):
        return None
    sizes: list[int | str | None] = []
    for n in kind.shape.dim[:_MOST_NUMBERS]:
        which = n.WhichOneof("value")
        named = encodable(n.dim_param) if which == "dim_param" else ""
        sizes.append(int(n.dim_value) if which == "dim_value" else named or None)
    return tuple(sizes)


@dataclass(frozen=True)
class Described:
    """What a node of a file is told and says, by the names of what it makes."""

    notes: Mapping[str, str]
    settings: Mapping[str, Mapping[str, str]]


def described(proto: Any) -> Described:
    """The notes and settings of all nodes."""
    settings = {
        encodable(name): _settings(node) for node in proto.graph.node for name in node.output
    }
    return Described(notes(proto), settings)
