"""Files made hostile at random: a network, and a few of its parts changed to what breaks rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx_nodes import draw_case, opsets

from allconv.onnx.names import NAMES
from onnx import AttributeProto, TensorProto, helper

Draw = np.random.Generator
Model = Any

NUMBERS = (
    0, 1, -1, 2, 3, 7, 33, 65, 1000, 2**16, 2**20, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1,
    -(2**31), -(2**63),
)  # fmt: skip
TEXTS = (
    "", "x", "y", "c0", ".", "..", "/", "../x", "a\nb", "\x1b[2J", "\u202eabc", "%s{}",
    "a" * 100_000, "SAME_UPPER", "constant", "ai.onnx", "weight", "__class__", "Ünïcode", "\0",
)  # fmt: skip
PLACES = (
    "data", "link", "up/data", "deep/data", "pipe", "gone", "/dev/zero", "../data", "deep/../data",
    "loop", "deep", "", ".", "a" * 300, "data\0", "/etc/passwd", "deep//data", "inside",
)  # fmt: skip


def one(draw: Draw, several: Any) -> Any:
    """One of several."""
    return several[int(draw.integers(len(several)))]


def integer(draw: Draw) -> int:
    """A number of any size."""
    return int(one(draw, NUMBERS))


def dims(draw: Draw) -> list[int]:
    """Sizes, few of them sensible."""
    return [integer(draw) for _ in range(int(one(draw, (0, 1, 2, 3, 4, 5, 33, 64, 65))))]


def tensor_of(draw: Draw, model: Model) -> Any:
    """A tensor of the model: an initializer, or that of an attribute."""
    tensors = list(model.graph.initializer)
    for node in model.graph.node:
        tensors += [each.t for each in node.attribute if each.HasField("t")]
    return one(draw, tensors) if tensors else model.graph.initializer.add(name="c9")


def change_dims(draw: Draw, model: Model) -> None:
    """Other sizes of a tensor."""
    tensor = tensor_of(draw, model)
    del tensor.dims[:]
    tensor.dims.extend(dims(draw))


def change_data(draw: Draw, model: Model) -> None:
    """Other bytes, too many, too few, or in two places."""
    tensor = tensor_of(draw, model)
    kind = int(draw.integers(5))
    if kind == 0:
        tensor.raw_data = bytes(draw.integers(0, 256, int(draw.integers(64)), np.uint8))
    elif kind == 1:
        tensor.float_data.extend([1.0] * int(draw.integers(1, 9)))
    elif kind == 2:
        tensor.int64_data.extend([integer(draw)])
    elif kind == 3:
        tensor.ClearField("raw_data")
        tensor.int32_data.extend([int(n) for n in draw.integers(-300, 300, 4)])
    else:
        tensor.segment.begin = 1


def change_type(draw: Draw, model: Model) -> None:
    """Another dtype of a tensor or of the input."""
    code = int(draw.integers(-1, 30))
    if draw.integers(3) and len(model.graph.input):
        model.graph.input[0].type.tensor_type.elem_type = code
    else:
        tensor_of(draw, model).data_type = code


def move_outside(draw: Draw, model: Model) -> None:
    """A tensor beside the file, where there may be anything."""
    tensor = tensor_of(draw, model)
    if draw.integers(4):
        tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=one(draw, PLACES))
    for key in ("offset", "length", "checksum", "other"):
        if draw.integers(3) == 0:
            value = one(draw, (str(integer(draw)), "1.5", "0x1", "", "-0", "９", "1" * 30))
            tensor.external_data.add(key=key, value=value)


def change_attribute(draw: Draw, model: Model) -> None:
    """Another value of an attribute, or one more."""
    node = one(draw, model.graph.node)
    attributes = list(node.attribute)
    if not attributes or draw.integers(4) == 0:
        name = one(draw, ("axis", "axes", "pads", "group", "kernel_shape", "mode", *TEXTS))
        node.attribute.append(helper.make_attribute(name, one(draw, (1, 1.5, "text", [1, 2]))))
        return
    attribute, kind = one(draw, attributes), int(draw.integers(4))
    if kind == 0:
        attribute.type = int(draw.integers(0, 15))
    elif kind == 1:
        attribute.i, attribute.type = integer(draw), AttributeProto.INT
    elif kind == 2:
        attribute.f = float(one(draw, (np.nan, np.inf, -np.inf, 1e38, 0.0)))
    else:
        numbers = [integer(draw) for _ in range(int(one(draw, (0, 1, 2, 3, 4, 6, 1000))))]
        attribute.type = AttributeProto.INTS
        del attribute.ints[:]
        attribute.ints.extend(numbers)


def change_integers(draw: Draw, model: Model) -> None:
    """Other numbers in a tensor of integers: a shape, axes, pads."""
    tensor = tensor_of(draw, model)
    count = int(np.prod([max(n, 0) for n in tensor.dims][:4], dtype=float))
    if tensor.data_type == TensorProto.INT64 and count < 100:
        numbers = [integer(draw) for _ in range(count)]
        tensor.raw_data = np.array(numbers, np.int64).tobytes()


def change_input(draw: Draw, model: Model) -> None:
    """Other sizes of the network's input."""
    given = one(draw, model.graph.input).type.tensor_type.shape
    kind = int(draw.integers(3))
    if kind == 0:
        del given.dim[:]
        for n in dims(draw):
            given.dim.add(dim_value=n)
    elif kind == 1 and len(given.dim):
        one(draw, given.dim).dim_value = integer(draw)
    elif len(given.dim):
        one(draw, given.dim).dim_param = one(draw, TEXTS)


def change_text(draw: Draw, model: Model) -> None:
    """Another name of something."""
    node, text = one(draw, model.graph.node), one(draw, TEXTS)
    kind = int(draw.integers(7))
    if kind == 0:
        node.name = text
    elif kind == 1 and len(node.input):
        node.input[int(draw.integers(len(node.input)))] = text
    elif kind == 2:
        node.output[int(draw.integers(len(node.output)))] = text
    elif kind == 3:
        node.domain = text
    elif kind == 4:
        tensor_of(draw, model).name = text
    elif kind == 5:
        model.metadata_props.add(key=one(draw, ("allconv.classes", text)), value=text)
    else:
        node.op_type = one(draw, (*sorted(NAMES), "If", "Loop", "LSTM", text))


def change_structure(draw: Draw, model: Model) -> None:
    """Nodes, inputs or outputs twice, fewer or in another order, graphs in graphs, functions."""
    graph, kind = model.graph, int(draw.integers(9))
    node = one(draw, graph.node)
    if kind == 0:
        graph.node.append(node)
    elif kind == 1:
        node.input.append(one(draw, node.output))
    elif kind == 2:
        del node.input[int(draw.integers(len(node.input) + 1)) :]
    elif kind == 3:
        node.output.extend([f"more{n}" for n in range(int(draw.integers(1, 9)))])
    elif kind == 4:
        model.functions.add(name=node.op_type, domain=one(draw, ("", "other")))
    elif kind == 5:
        inner = helper.make_graph([node], "inner", [], [])
        node.attribute.append(helper.make_attribute("body", inner))
    elif kind == 6:
        model.opset_import[0].version = int(one(draw, (0, 1, 6, 7, 9, 13, 18, 28, 29, 2**40)))
    elif kind == 7:
        graph.output.add(name=one(draw, ("x", "c0", "gone", *TEXTS)))
    else:
        graph.sparse_initializer.add()


def messages(message: Any) -> list[Any]:
    """A message and all those inside it."""
    found, ahead = [], [message]
    while ahead:
        each = ahead.pop()
        found.append(each)
        for kind, value in each.ListFields():
            if kind.message_type is not None:
                ahead += value if kind.is_repeated else [value]
    return found


def scalar(draw: Draw, kind: Any) -> Any:
    """Any value of a field that holds no message."""
    if kind.type == kind.TYPE_BYTES:
        return one(draw, (b"", b"\0", b"\xff" * 8, b"SAME_UPPER", b"linear"))
    if kind.cpp_type == kind.CPPTYPE_STRING:
        return one(draw, TEXTS)
    if kind.cpp_type in (kind.CPPTYPE_FLOAT, kind.CPPTYPE_DOUBLE):
        return float(one(draw, (0, -0.0, 1, -1, 0.5, 1e38, np.nan, np.inf, -np.inf)))
    if kind.cpp_type == kind.CPPTYPE_ENUM:
        return int(draw.integers(0, 15))
    number = integer(draw) if draw.integers(2) else int(draw.integers(-3, 9))
    wide = kind.cpp_type == kind.CPPTYPE_INT64
    return number if wide else abs(number) % 2**31


def change_several(draw: Draw, values: Any, kind: Any) -> None:
    """One value fewer, more often, elsewhere, or another one more."""
    which, count = int(draw.integers(4)), len(values)
    at = int(draw.integers(count)) if count else 0
    if which == 0 and count:
        del values[at]
    elif which == 1 and count:
        values.extend([values[at]] * int(one(draw, (1, 2, 40))))
    elif kind.message_type is not None:
        values.add()
    elif which == 2 and count:
        values[at] = scalar(draw, kind)
    else:
        values.append(scalar(draw, kind))


def change_field(draw: Draw, model: Model) -> None:
    """Any field of any message, whatever it means."""
    everything = messages(model)
    message = one(draw, everything)
    there = [kind for kind, _ in message.ListFields()]
    kind = one(draw, there if there and draw.integers(4) else list(message.DESCRIPTOR.fields))
    try:
        if kind.is_repeated:
            change_several(draw, getattr(message, kind.name), kind)
        elif draw.integers(5) == 0:
            message.ClearField(kind.name)
        elif kind.message_type is None:
            setattr(message, kind.name, scalar(draw, kind))
        else:
            same = [each for each in everything if each.DESCRIPTOR is kind.message_type]
            other = type(getattr(message, kind.name))()
            other.CopyFrom(one(draw, same) if same else other)
            getattr(message, kind.name).CopyFrom(other)
    except (TypeError, ValueError):
        return  # an enumeration has no such number


CHANGES: tuple[Callable[[Draw, Model], None], ...] = (
    change_attribute, change_data, change_dims, change_input, change_integers, change_structure,
    change_text, change_type, move_outside,
)  # fmt: skip


def draw_file(draw: Draw) -> bytes:
    """The bytes of a file with one to three parts changed, and now and then some bytes."""
    op = one(draw, sorted(NAMES))
    model = draw_case(draw, op, one(draw, opsets(op))).model
    for _ in range(int(draw.integers(1, 4))):
        if len(model.graph.node):
            one(draw, CHANGES)(draw, model)
    for _ in range(int(one(draw, (0, 0, 1, 2)))):
        change_field(draw, model)
    data = bytearray(model.SerializeToString())
    if len(data) and draw.integers(4) == 0:
        data[int(draw.integers(len(data)))] = int(draw.integers(256))
    return bytes(data)
