"""Files that break the rules: one sentence, the right error, nothing computed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx
from allconv import nn
from allconv.errors import Error, FileError, LimitError, UnsupportedError
from allconv.onnx import load, save
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


def branch() -> Any:
    """A graph inside a node."""
    inner = helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "b", [], [])
    return node("If", "x", then_branch=inner, else_branch=inner)


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
    "sizes whose product overflows": (set_tensor(dims=[2**62, 4]), FileError, "are in the file"),
    "a negative size": (set_tensor(dims=[-2, -9]), FileError, "impossible shape"),
    "a thousand axes": (set_tensor(dims=[1] * 1000), FileError, "impossible shape"),
    "float16": (set_tensor(data_type=TensorProto.FLOAT16), UnsupportedError, "FLOAT16; export"),
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
    "no nodes": (changed(lambda m: m.graph.ClearField("node")), FileError, "no ONNX model"),
    "no output": (changed(lambda m: m.graph.ClearField("output")), FileError, "no output"),
    "no input": (changed(lambda m: m.graph.ClearField("input")), UnsupportedError, "no array"),
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
        "32 and 2,147,483,648 are the most",
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
    "an input of integers": (
        changed(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 7)),
        UnsupportedError,
        "int64",
    ),
    "layers that do not fit": (set_tensor(dims=[2, 9, 1, 1]), FileError, "does not fit"),
    # operators
    "an operator that is not read": (
        lambda: chain(node("LRN", "x", size=3)),
        UnsupportedError,
        "unsupported: LRN, domain ai.onnx, opset 21",
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
    "control flow": (lambda: chain(branch()), UnsupportedError, "If.*is a graph or sparse"),
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
        "training_mode",
    ),
    # bombs
    "a constant of 2**40 cells": (
        lambda: chain(
            helper.make_node("ConstantOfShape", ["s"], ["c"]),
            node("Add", "x", "c"),
            arrays={"s": ints(2**20, 2**20)},
        ),
        LimitError,
        "constants",
    ),
    "an array repeated 2**40 times": (
        lambda: chain(node("Expand", "x", "s"), arrays={"s": ints(2**40, 1, 1, 1)}),
        UnsupportedError,
        "Expand",
    ),
    "a padding of 2**40 cells": (
        lambda: chain(node("Pad", "x", "p"), arrays={"p": ints(2**40, *(0,) * 7)}),
        UnsupportedError,
        "Pad",
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
    # locally connected layers
    "cells other than the tag's": (local(move_cell), UnsupportedError, "Gather.*of data"),
    "a tag of 2**40 cells": (local(huge_tag), UnsupportedError, "Gather.*of data"),
    "a tag that is no JSON": (
        local(lambda m: setattr(m.graph.node[-1].metadata_props[0], "value", "[" * 10_000)),
        UnsupportedError,
        "Gather.*of data",
    ),
    # what is said beside the network
    "classes that are no names": (
        changed(lambda m: m.metadata_props.add(key="allconv.classes", value="[1]")),
        FileError,
        "no list of texts",
    ),
    "classes nested deeply": (
        changed(lambda m: m.metadata_props.add(key="allconv.classes", value="[" * 100_000)),
        FileError,
        "no list of texts",
    ),
    # outside tensors
    "a place above": (outside(("location", "../secret")), FileError, "no name below"),
    "a place through a folder": (outside(("location", "a/../../b")), FileError, "no name below"),
    "an absolute place": (outside(("location", "/etc/passwd")), FileError, "no name below"),
    "no place": (outside(("offset", "0")), FileError, "no name below"),
    "the folder itself": (outside(("location", ".")), FileError, "no name below"),
    "a NUL": (outside(("location", "a\0b")), FileError, "no name below"),
    "a backslash": (outside(("location", "..\\secret")), FileError, "no name below"),
    "a name of 5,000 letters": (outside(("location", "a" * 5000)), FileError, "no name below"),
    "a file that is not there": (outside(("location", "gone")), FileError, "cannot be opened"),
    "a link": (outside(("location", "link")), FileError, "cannot be opened"),
    "a link to a folder": (outside(("location", "up/decoy")), FileError, "cannot be opened"),
    "a file with two names": (outside(("location", "twin")), FileError, "no plain file"),
    "a pipe": (outside(("location", "pipe")), FileError, "no plain file"),
    "a folder": (outside(("location", "folder")), FileError, "no plain file"),
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with decoys beside and above it."""
    (tmp_path / "decoy").write_bytes(b"DECOYDECOY" * 100)
    below = tmp_path / "models"
    below.mkdir()
    (below / "good").write_bytes(np.arange(18, dtype="f").tobytes())
    (below / "link").symlink_to(tmp_path / "decoy")
    (below / "up").symlink_to(tmp_path)
    (below / "folder").mkdir()
    os.link(tmp_path / "decoy", below / "twin")
    os.mkfifo(below / "pipe")
    return below


@pytest.mark.parametrize("name", ROWS)
def test_hostile_files(name: str, folder: Path) -> None:
    """Each is refused in one sentence that names the file and the fault, and shows no decoy."""
    make, kind, message = ROWS[name]
    path = folder / "model.onnx"
    path.write_bytes(make().SerializeToString())
    with pytest.raises(kind, match=message) as raised:
        load(path)
    told = str(raised.value)
    assert told.startswith(f"{path}: ")
    assert "\n" not in told
    assert "DECOY" not in told
    assert len(told) < 600 + len(str(path))


def test_tensors_beside_the_file(folder: Path) -> None:
    """A plain file below the folder is read, from an offset too."""
    path = folder / "model.onnx"
    path.write_bytes(outside(("location", "good"), ("length", "72"))().SerializeToString())
    np.testing.assert_array_equal(load(path).parameters()["0.weight"].ravel(), np.arange(18))
    (folder / "folder" / "deep").write_bytes(bytes(8) + np.arange(18, dtype="f").tobytes())
    entries = (("location", "folder/deep"), ("offset", "8"))
    path.write_bytes(outside(*entries)().SerializeToString())
    np.testing.assert_array_equal(load(path).parameters()["0.weight"].ravel(), np.arange(18))
    with pytest.raises(LimitError, match="size_limit"):
        load(path, size_limit=71)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no ONNX model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no ONNX model"),
        (b"hello, this is text\n" * 20, "no ONNX model"),
        (base().SerializeToString()[:-40], "no ONNX model"),
        (bytes(1000), "no ONNX model"),
    ],
)
def test_files_of_another_kind(content: bytes, message: str, tmp_path: Path) -> None:
    """What is no ONNX file is refused."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message):
        load(path)


def test_paths_that_are_no_files(folder: Path) -> None:
    """A missing path, a folder, a pipe and a file above the limit are refused."""
    rows = [
        ("gone", "cannot be opened"),
        ("folder", "this is no file"),
        ("pipe", "this is no file"),
    ]
    for name, message in rows:
        with pytest.raises(FileError, match=message):
            load(folder / name)
    with pytest.raises(FileError, match="no legal name"):
        load("a\0b")
    with pytest.raises(LimitError, match="72 bytes, the limit is 10"):
        load(folder / "good", size_limit=10)


def test_long_chains(tmp_path: Path) -> None:
    """A chain of ten thousand nodes is read without recursion; above the limit it is refused."""
    links = [helper.make_node("Relu", [f"v{n}"], [f"v{n + 1}"]) for n in range(10_000)]
    first, last = helper.make_node("Neg", ["x"], ["v0"]), node("Neg", "v10000")
    path = tmp_path / "model.onnx"
    path.write_bytes(chain(first, *links, last).SerializeToString())
    assert len(load(path).model.nodes) == 10_002
    model = chain(node("Relu", "x"))
    model.graph.node.extend([model.graph.node[0]] * 100_000)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(LimitError, match="100,001 nodes"):
        load(path)


def test_mutations(tmp_path: Path) -> None:
    """Bytes changed at random give a network or an error of ours, never anything else."""
    draw = np.random.default_rng(0)
    seeds = [base().SerializeToString(), local(lambda m: None)().SerializeToString()]
    path, refused = tmp_path / "model.onnx", 0
    for _ in range(600):
        data = bytearray(seeds[draw.integers(2)])
        for _ in range(draw.integers(1, 7)):
            where, kind = draw.integers(len(data)), draw.integers(3)
            if kind == 0:
                data[where] = draw.integers(256)
            elif kind == 1:
                del data[where : where + draw.integers(1, 9)]
            else:
                data[where:where] = (b"\xff\xff\xff\xff\x0f", b"\0", data[:16])[draw.integers(3)]
        path.write_bytes(data)
        told = ""
        try:
            load(path)
        except Error as error:
            told = str(error)
        refused += bool(told)
        assert not re.search(r"[\x00-\x1f\x7f]", told)
    assert refused > 300


def test_saving_refuses(tmp_path: Path) -> None:
    """What cannot be written is refused by name, and no file is left."""
    path = tmp_path / "model.onnx"
    net = nn.Linear(3, 2)
    rows: list[tuple[Any, dict[str, Any], str]] = [
        ((None, None), {}, "only the batch"),
        ((), {}, "shape is"),
        ((None, 3), {"input_name": "weight"}, "a parameter's"),
        ((None, 3), {"output_name": "input"}, "are both"),
        ((None, 4), {}, "in_features is 3"),
    ]
    for shape, names, message in rows:
        with pytest.raises(Error, match=message):
            save(net, path, shape, **names)
    with pytest.raises(UnsupportedError, match="Log1p cannot be written"):
        save(lambda x: np.log1p(x), path, (None, 3))
    with pytest.raises(FileError, match="cannot be written"):
        save(net, tmp_path / "gone" / "model.onnx", (None, 3))
    assert list(tmp_path.iterdir()) == []


def test_saving_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old file stays and nothing is left beside it."""
    path, net = tmp_path / "model.onnx", nn.Linear(3, 2)
    save(net, path, (None, 3))
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left on device"):
        save(nn.Linear(3, 5), path, (None, 3))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_imports() -> None:
    """The package and its networks load without onnx."""
    code = "import sys, allconv, allconv.nn; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
