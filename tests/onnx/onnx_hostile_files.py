"""Files that break the rules: the error that each gives and what the error says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx_hostile_large import BOMBS, LARGE
from onnx_hostile_models import Model, Row, branch, chain, changed, ints, nested, node, set_tensor
from onnx_hostile_outside import OUTSIDE

from allconv import nn
from allconv.errors import FileError, LimitError, UnsupportedError
from allconv.onnx.write.file import to_proto
from onnx import TensorProto, helper, numpy_helper


def local(change: Callable[[Model], Any]) -> Callable[[], Model]:
    """A locally connected layer as we write it, changed."""

    def make() -> Model:
        model = to_proto(nn.LocallyConnected1d(1, 1, 2, 4), (None, 1, 4))
        change(model)
        return model

    return make


def move_cell(model: Model) -> None:
    """Another cell in the constant that says which cells meet."""
    cells = next(each for each in model.functions[0].node if each.name == "cells")
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


ROWS: dict[str, Row] = {
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
        "1004 axes; at most 32 are supported",
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
        "Loop.*cut the file before it",
    ),
    "graphs in graphs in graphs": (lambda: chain(nested(20)), LimitError, "8 deep"),
    "a branch that uses what is nowhere": (
        lambda: chain(branch("nowhere")),
        FileError,
        "needs 'nowhere', which nothing before it makes",
    ),
    "an index outside of two": (
        lambda: chain(
            helper.make_node("Gather", ["row", "many"], ["c"]),
            node("Reshape", "x", "c"),
            arrays=BOMBS,
        ),
        FileError,
        "an index is outside an axis of 2",
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
    **LARGE,
    **OUTSIDE,
}


DAMAGED_TAGS: dict[str, Callable[[Model], Any]] = {
    "cells other than the tag's": move_cell,
    "2**40 cells": huge_tag,
    "no JSON": lambda m: setattr(m.graph.node[-1].metadata_props[0], "value", "[" * 10_000),
}
"""What is wrong with the tag of a locally connected layer: its nodes mean what they say."""
