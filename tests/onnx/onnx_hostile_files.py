"""Files that break the rules: how each is made, the error it gives and what the error says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import onnx
from allconv import nn
from allconv.errors import Error, FileError, LimitError, UnsupportedError
from allconv.onnx.write import to_proto
from onnx import TensorProto, helper, numpy_helper

Model = onnx.ModelProto


def base() -> Model:
    """A small network: Conv, BatchNormalization, Relu, Flatten, Gemm."""
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)
    )
    return to_proto(net, (None, 1, 4, 4))


def chain(*nodes: Any, output: str = "y", arrays: dict[str, Any] | None = None) -> Model:
    """A network of these nodes from x (1, 2, 3, 3) to an output."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 3, 3])
    y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(a, name) for name, a in (arrays or {}).items()]
    graph = helper.make_graph(list(nodes), "g", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def changed(change: Callable[[Model], Any]) -> Callable[[], Model]:
    """The base network after a change."""

    def make() -> Model:
        model = base()
        change(model)
        return model

    return make


def ints(*numbers: int) -> Any:
    """Whole numbers as the format keeps sizes."""
    return np.array(numbers, np.int64)


def node(op: str, *inputs: str, **attributes: Any) -> Any:
    """A node whose result is y."""
    return helper.make_node(op, list(inputs), ["y"], **attributes)


def set_tensor(**fields: Any) -> Callable[[], Model]:
    """The base network with fields of its first tensor overwritten."""

    def change(model: Model) -> None:
        tensor = model.graph.initializer[0]
        for name, value in fields.items():
            if isinstance(value, list):
                del getattr(tensor, name)[:]
                getattr(tensor, name).extend(value)
            else:
                setattr(tensor, name, value)

    return changed(change)


def outside(*entries: tuple[str, str]) -> Callable[[], Model]:
    """The base network whose first tensor, 72 bytes, is said to lie outside."""

    def change(model: Model) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries:
            tensor.external_data.add(key=key, value=value)

    return changed(change)


def branch(name: str = "x") -> Any:
    """A graph inside a node."""
    z = [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]
    inner = helper.make_graph([helper.make_node("Relu", [name], ["z"])], "b", [], z)
    return node("If", "x", then_branch=inner, else_branch=inner)


def nested(depth: int) -> Any:
    """Graphs inside each other."""
    made = branch()
    for _ in range(depth):
        y = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
        inner = helper.make_graph([made], "b", [], y)
        made = node("If", "x", then_branch=inner, else_branch=onnx.GraphProto())
    return made


BOMBS = {
    "one": np.array([1], np.int64),
    "sizes": np.array([2**20, 2**20], np.int64),
    "row": np.array([1, 0], np.int64),
    "many": np.array([2**40], np.int64),
    "many2": np.array([2**40, 0], np.int64),
    "much": np.array(2**40, np.int64),
    "pair": np.array([0, 1], np.int64),
    "zero": np.array(0, np.int64),
    "large": np.array(2**40, np.int64),
    "step": np.array(1, np.int64),
    "true": np.ones((1, 1), bool),
    "column": np.ones((2**14, 1), np.int64),
    "wide": np.ones((1, 2**14), np.int64),
    "huge": np.array([2**27], np.int64),
}
"""Known numbers that ask for much."""


def bomb(op: str, names: list[str]) -> Callable[[], Model]:
    """A node of known numbers that asks for more cells than are made."""
    mode = {"mode": "constant"} if op == "Pad" else {}
    return lambda: chain(
        helper.make_node(op, names, ["c"], **mode),
        helper.make_node("Cast", ["c"], ["f"], to=1),
        node("Add", "x", "f"),
        arrays=BOMBS,
    )


def local(change: Callable[[Model], Any]) -> Callable[[], Model]:
    """A locally connected layer as we write it, changed."""

    def make() -> Model:
        model = to_proto(nn.LocallyConnected1d(1, 1, 2, 4), (None, 1, 4))
        change(model)
        return model

    return make


def move_cell(model: Model) -> None:
    """Another cell in the constant that says which cells meet."""
    cells = next(each for each in model.graph.node if each.name.endswith("/cells"))
    other = numpy_helper.to_array(cells.attribute[0].t).copy()
    other[0, 0] = 3
    cells.attribute[0].t.CopyFrom(numpy_helper.from_array(other))


def huge_tag(model: Model) -> None:
    """A tag that speaks of 2**40 cells."""
    prop = model.graph.node[-1].metadata_props[0]
    prop.value = prop.value.replace("[4, 2, 3, 1", f"[{2**40}, 2, {2**40 - 1}, 1")
    assert str(2**40) in prop.value


def double_names(model: Model) -> None:
    """Two tensors of one name."""
    model.graph.initializer[1].name = model.graph.initializer[0].name


ROWS: dict[str, tuple[Callable[[], Model], type[Error], str]] = {
    # tensors
    "too few bytes": (set_tensor(raw_data=b"1234"), FileError, "18 values; 1 are in the file"),
    "half a number": (set_tensor(raw_data=b"12345"), FileError, "18 values"),
    "sizes whose product overflows": (set_tensor(dims=[2**62, 4]), FileError, "impossible shape"),
    "sizes beside a size of 0": (
        set_tensor(dims=[0, 2**62, 2**62], raw_data=b""),
        FileError,
        "impossible shape",
    ),
    "a negative size": (set_tensor(dims=[-2, -9]), FileError, "impossible shape"),
    "a thousand axes": (set_tensor(dims=[1] * 1000), FileError, "impossible shape"),
    "float16 of half the bytes": (
        set_tensor(data_type=TensorProto.FLOAT16),
        FileError,
        "18 values; 36 are in the file",
    ),
    "float16 that overflowed": (
        set_tensor(data_type=TensorProto.FLOAT16, raw_data=b"\x00\x7c" * 18),
        FileError,
        "holds infinities: it overflowed",
    ),
    "a dtype that is none": (set_tensor(data_type=99), UnsupportedError, "is 99"),
    "text": (set_tensor(data_type=TensorProto.STRING), UnsupportedError, "STRING"),
    "numbers twice": (set_tensor(float_data=[1.0]), FileError, "twice or as another dtype"),
    "two tensors of one name": (changed(double_names), FileError, "two initializers are named"),
    "a tensor in segments": (
        changed(lambda m: m.graph.initializer[0].segment.SetInParent()),
        UnsupportedError,
        "in segments",
    ),
    "sparse tensors": (
        changed(lambda m: m.graph.sparse_initializer.add()),
        UnsupportedError,
        "sparse",
    ),
    # graph
    "no nodes": (changed(lambda m: m.graph.ClearField("node")), FileError, "not an ONNX model"),
    "no output": (changed(lambda m: m.graph.ClearField("output")), FileError, "no output"),
    "no input": (changed(lambda m: m.graph.ClearField("input")), FileError, "needs 'input'"),
    "a cycle": (
        lambda: chain(node("Add", "x", "z"), helper.make_node("Relu", ["y"], ["z"])),
        FileError,
        "needs 'z', which nothing before it makes",
    ),
    "a missing value": (lambda: chain(node("Relu", "q")), FileError, "needs 'q'"),
    "a value made twice": (
        lambda: chain(node("Relu", "x"), node("Exp", "x")),
        FileError,
        "'y' is made twice",
    ),
    "an output that is never made": (
        lambda: chain(node("Relu", "x"), output="z"),
        FileError,
        "'z' is never made",
    ),
    "a node without inputs": (lambda: chain(node("Relu")), UnsupportedError, "it has 0 inputs"),
    "a thousand axes, one by one": (
        lambda: chain(node("Unsqueeze", "x", "a"), arrays={"a": ints(*range(1000))}),
        LimitError,
        "1004 axes; 32 are the most",
    ),
    "an input of a thousand axes": (
        changed(
            lambda m: m.graph.input[0].type.tensor_type.shape.dim.extend(
                [m.graph.input[0].type.tensor_type.shape.dim[0]] * 1000
            )
        ),
        FileError,
        "1004 axes",
    ),
    "an input of complex numbers": (
        changed(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 14)),
        UnsupportedError,
        "COMPLEX64",
    ),
    "layers that do not fit": (set_tensor(dims=[2, 9, 1, 1]), FileError, "does not fit"),
    # operators
    "an operator that is not read": (
        lambda: chain(node("Det", "x")),
        UnsupportedError,
        "unsupported: Det, domain ai.onnx, opset 21",
    ),
    "a domain that is unknown": (
        lambda: chain(node("Conv", "x", domain="com.evil")),
        UnsupportedError,
        "unsupported: Conv, domain com.evil, opset 21",
    ),
    "our own name for a group": (
        lambda: chain(node("LocallyConnected", "x", domain="allconv")),
        UnsupportedError,
        "domain allconv",
    ),
    "an operator set of the future": (
        changed(lambda m: setattr(m.opset_import[0], "version", 999)),
        UnsupportedError,
        "operator set 999",
    ),
    "an operator set of the past": (
        changed(lambda m: setattr(m.opset_import[0], "version", 1)),
        UnsupportedError,
        "operator set 1 ",
    ),
    "a format of the future": (
        changed(lambda m: setattr(m, "ir_version", 999)),
        UnsupportedError,
        "IR version 999",
    ),
    "no operator set": (changed(lambda m: m.ClearField("opset_import")), FileError, "one version"),
    "an attribute that is unknown": (
        lambda: chain(node("Relu", "x", __class__="x")),
        UnsupportedError,
        "attribute '__class__'",
    ),
    "an attribute of another type": (
        lambda: chain(node("LeakyRelu", "x", alpha="a")),
        FileError,
        "alpha is str, not float",
    ),
    "an attribute that refers to a function": (
        changed(lambda m: setattr(m.graph.node[0].attribute[0], "ref_attr_name", "f")),
        FileError,
        "refers to a function",
    ),
    "control flow by data": (lambda: chain(branch()), UnsupportedError, "If.*from the data"),
    "a loop": (
        lambda: chain(node("Loop", "x", "x", body=branch().attribute[0].g)),
        UnsupportedError,
        "Loop.*is a graph",
    ),
    "graphs in graphs in graphs": (lambda: chain(nested(20)), LimitError, "8 deep"),
    "a branch that uses what is nowhere": (
        lambda: chain(branch("nowhere")),
        FileError,
        "needs 'nowhere', which nothing before it makes",
    ),
    **{
        f"a {op} of 2**40 cells": (bomb(op, names), LimitError, f"{op} makes")
        for op, names in (
            ("Expand", ["one", "sizes"]),
            ("Tile", ["row", "many"]),
            ("OneHot", ["row", "much", "pair"]),
            ("Range", ["zero", "large", "step"]),
            ("Where", ["true", "column", "wide"]),
            ("Pad", ["row", "many2"]),
        )
    },
    "an index outside of two": (
        lambda: chain(
            helper.make_node("Gather", ["row", "many"], ["c"]),
            node("Reshape", "x", "c"),
            arrays=BOMBS,
        ),
        FileError,
        "an index is outside an axis of 2",
    ),
    "filled cells that are gathered": (
        lambda: chain(
            helper.make_node(
                "ConstantOfShape", ["huge"], ["z"], value=numpy_helper.from_array(ints(1), "v")
            ),
            helper.make_node("Gather", ["z", "row"], ["c"]),
            node("Reshape", "x", "c"),
            arrays=BOMBS,
        ),
        LimitError,
        "known numbers",
    ),
    "a stride of 0": (
        lambda: chain(node("MaxPool", "x", kernel_shape=[2, 2], strides=[0, 1])),
        FileError,
        "strides",
    ),
    "a dilation that overflows": (
        lambda: chain(node("MaxPool", "x", kernel_shape=[2, 2], dilations=[2**62, 1])),
        UnsupportedError,
        "overflow",
    ),
    "groups of 0": (
        lambda: chain(node("Conv", "x", "w", group=0), arrays={"w": np.ones((2, 2, 1, 1), "f")}),
        UnsupportedError,
        "groups is 0",
    ),
    "a training node": (
        changed(lambda m: m.graph.node[1].attribute.add(name="training_mode", type=2, i=1)),
        UnsupportedError,
        "in training form",
    ),
    # bombs
    "a constant of 2**40 cells": (
        lambda: chain(
            helper.make_node("ConstantOfShape", ["s"], ["c"]),
            node("Add", "x", "c"),
            arrays={"s": ints(2**20, 2**20)},
        ),
        LimitError,
        "makes an array of 1,099,511,627,776 cells",
    ),
    "an array repeated 2**40 times": (
        lambda: chain(node("Expand", "x", "s"), arrays={"s": ints(2**40, 1, 1, 1)}),
        LimitError,
        "Expand: it gives 4 axes and 19,791,209,299,968 values; 32 and 268,435,456",
    ),
    "a padding of 2**40 cells": (
        lambda: chain(node("Pad", "x", "p"), arrays={"p": ints(2**40, *(0,) * 7)}),
        LimitError,
        "Pad: pads .* is the most",
    ),
    "a convolution of 2**47 multiply-adds": (
        lambda: chain(
            helper.make_node("ConstantOfShape", ["s"], ["w"]),
            node("Conv", "x", "w", pads=[4000] * 4),
            arrays={"s": ints(1, 2, 2000, 2000)},
        ),
        LimitError,
        "Conv brings the network to 288,[0-9,]* multiply-adds",
    ),
    "a wide pooling": (
        lambda: chain(
            helper.make_node("Pad", ["x", "p"], ["e"]),
            node("MaxPool", "e", kernel_shape=[4000, 4000]),
            arrays={"p": ints(0, 0, 0, 0, 0, 0, 9000, 9000)},
        ),
        LimitError,
        "MaxPool brings the network to",
    ),
    "a shape of ten million sizes": (
        lambda: chain(
            *(
                helper.make_node("Constant", [], [name], value_int=n)
                for name, n in (("a", 1), ("b", 9_000_000), ("c", 1))
            ),
            helper.make_node("Range", ["a", "b", "c"], ["r"]),
            node("Reshape", "x", "r"),
        ),
        LimitError,
        "Reshape: input 1 lists 8,999,999 numbers",
    ),
    "constants without end": (
        lambda: chain(
            helper.make_node(
                "ConstantOfShape", ["s"], ["c0"], value=numpy_helper.from_array(ints(1))
            ),
            *(helper.make_node("Add", [f"c{n}", f"c{n}"], [f"c{n + 1}"]) for n in range(100)),
            node("Reshape", "x", "c100"),
            arrays={"s": ints(3_000_000)},
        ),
        LimitError,
        "Add makes 3,000,000 constants; .* 100,000,000 for a network",
    ),
    "an array doubled forty times": (
        lambda: chain(
            helper.make_node("Relu", ["x"], ["v0"]),
            *(helper.make_node("Concat", [f"v{n}"] * 2, [f"v{n + 1}"], axis=0) for n in range(40)),
            node("Neg", "v40"),
        ),
        LimitError,
        "Concat: it gives 4 axes and 301,989,888 values",
    ),
    "an input of 2**124 values": (
        changed(
            lambda m: [
                setattr(dim, "dim_value", 2**62)
                for dim in m.graph.input[0].type.tensor_type.shape.dim[2:]
            ]
        ),
        LimitError,
        "too many values",
    ),
    "a range of 2**40 numbers": (
        lambda: chain(
            helper.make_node("Range", ["a", "b", "c"], ["r"]),
            node("Reshape", "x", "r"),
            arrays={"a": np.array(0), "b": np.array(2**40), "c": np.array(1)},
        ),
        LimitError,
        "constants",
    ),
    "an index outside": (
        lambda: chain(
            helper.make_node("Gather", ["a", "b"], ["r"]),
            node("Reshape", "x", "r"),
            arrays={"a": ints(1, 2), "b": ints(5)},
        ),
        FileError,
        "an index is outside",
    ),
    "a shape that does not hold x": (
        lambda: chain(node("Reshape", "x", "s"), arrays={"s": ints(-1, 7)}),
        FileError,
        "18 values have no shape",
    ),
    # what is said beside the network
    "classes that are no names": (
        changed(lambda m: m.metadata_props.add(key="allconv.classes", value="[1]")),
        FileError,
        "not a list of texts",
    ),
    "classes nested deeply": (
        changed(lambda m: m.metadata_props.add(key="allconv.classes", value="[" * 100_000)),
        FileError,
        "not a list of texts",
    ),
    # outside tensors
    "a place above": (outside(("location", "../secret")), FileError, "not a name below"),
    "a place through a folder": (outside(("location", "a/../../b")), FileError, "not a name below"),
    "an absolute place": (outside(("location", "/etc/passwd")), FileError, "not a name below"),
    "no place": (outside(("offset", "0")), FileError, "not a name below"),
    "the folder itself": (outside(("location", ".")), FileError, "not a name below"),
    "a NUL": (outside(("location", "a\0b")), FileError, "not a name below"),
    "a backslash": (outside(("location", "..\\secret")), FileError, "not a name below"),
    "a name of 5,000 letters": (outside(("location", "a" * 5000)), FileError, "not a name below"),
    "a file that is not there": (outside(("location", "gone")), FileError, "cannot be opened"),
    "a link": (outside(("location", "link")), FileError, "a link that leaves"),
    "a link to a folder": (outside(("location", "up/decoy")), FileError, "a link that leaves"),
    "a link to itself": (outside(("location", "loop")), FileError, "without end"),
    "a link that goes up": (outside(("location", "around")), FileError, "a link that leaves"),
    "a file with two names": (outside(("location", "twin")), FileError, "not a plain file"),
    "a pipe": (outside(("location", "pipe")), FileError, "not a plain file"),
    "a folder": (outside(("location", "folder")), FileError, "not a plain file"),
    "a negative offset": (
        outside(("location", "good"), ("offset", "-1")),
        FileError,
        "the offset '-1'",
    ),
    "an offset past the end": (
        outside(("location", "good"), ("offset", "4096")),
        FileError,
        "ends before",
    ),
    "a length of -1": (outside(("location", "good"), ("length", "-1")), FileError, "length '-1'"),
    "another length": (outside(("location", "good"), ("length", "71")), FileError, "given as 71"),
    "a key twice": (
        outside(("location", "good"), ("location", "good")),
        FileError,
        "'location' has no place",
    ),
    "a key of the class": (
        outside(("location", "good"), ("__class__", "x")),
        FileError,
        "'__class__' has no place",
    ),
}


DAMAGED_TAGS: dict[str, Callable[[Model], Any]] = {
    "cells other than the tag's": move_cell,
    "2**40 cells": huge_tag,
    "no JSON": lambda m: setattr(m.graph.node[-1].metadata_props[0], "value", "[" * 10_000),
}
"""What is wrong with the tag of a locally connected layer: its nodes mean what they say."""
