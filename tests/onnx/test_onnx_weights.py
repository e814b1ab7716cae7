"""Weights from a file to parameters: where they may stand, and that they are held once."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, value
from onnx_runs import run_defined, run_onnxruntime

import onnx
from allconv import nn
from allconv.errors import FileError, LimitError
from allconv.onnx import load, save
from allconv.onnx.read.file import read_model
from allconv.onnx.read.wire import LARGE, without_arrays
from onnx import helper, numpy_helper
from tiers import slow

SHAPE = (None, 1, 6, 6)


def small() -> nn.Module:
    """A network with a convolution, a normalisation and two linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2),
        nn.Flatten(), nn.Linear(50, 8), nn.Linear(8, 3, bias=False),
    )  # fmt: skip


def with_constants(model: Any) -> Any:
    """The same network by another program, its initializers as Constant nodes."""
    nodes = [
        helper.make_node("Constant", [], [each.name], value=each)
        for each in model.graph.initializer
    ]
    nodes += list(model.graph.node)
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.producer_name = "another"
    return model


def test_weights_in_constant_nodes(tmp_path: Path) -> None:
    """They are parameters as initializers are, and trained alike."""
    net, path = small(), tmp_path / "model.onnx"
    save(net, path, SHAPE)
    plain = load(path)
    onnx.save(with_constants(onnx.load(path)), path)
    constant = load(path)
    assert constant.parameters().keys() == plain.parameters().keys()
    assert constant.buffers().keys() == plain.buffers().keys()
    x = np.random.default_rng(0).standard_normal((2, 1, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(run_defined(constant, x)[0], run_defined(plain, x)[0])


def test_other_constants_stay() -> None:
    """A mean of pixels and a scale are no parameters; the bias added to a product is one."""
    make = helper.make_node
    arrays = {"mean": (2,), "w": (2, 3), "bias": (3,), "scale": (3,)}
    nodes = [
        make("Constant", [], [name], value=numpy_helper.from_array(np.ones(shape, np.float32)))
        for name, shape in arrays.items()
    ]
    nodes += [
        make("Sub", ["x", "mean"], ["a"]),
        make("MatMul", ["a", "w"], ["b"]),
        make("Add", ["bias", "b"], ["c"]),
        make("Mul", ["c", "scale"], ["y"]),
    ]
    model = model_of(nodes, [value("x", ["N", 2])])
    assert sorted(load(model).parameters()) == ["bias", "w"]


def test_our_constants_stay(tmp_path: Path) -> None:
    """In a file of ours what is a Constant was none of the network's parameters."""
    save(nn.LPPool2d(2, 2), tmp_path / "model.onnx", (None, 2, 4, 4))
    assert not load(tmp_path / "model.onnx").parameters()


@pytest.mark.parametrize("form", ["inside", "constants", "numbers", "outside"])
def test_large_weights(form: str, tmp_path: Path) -> None:
    """Arrays that are read straight into place come back to the bit, wherever they stand."""
    net, path = nn.Linear(200, 101), tmp_path / "model.onnx"
    assert net.parameters()["weight"].nbytes > LARGE > net.parameters()["bias"].nbytes
    save(net, path, (None, 200))
    model = onnx.load(path)
    if form == "constants":
        model = with_constants(model)
    if form == "numbers":
        tensor = next(each for each in model.graph.initializer if each.name == "weight")
        numbers = numpy_helper.to_array(tensor).ravel()
        tensor.ClearField("raw_data")
        tensor.float_data.extend(numbers)
    onnx.save_model(model, path, save_as_external_data=form == "outside", location="weights")
    back = load(path)
    for name, array in net.parameters().items():
        assert back.parameters()[name].tobytes() == array.tobytes()
        assert back.parameters()[name].flags.aligned
        assert not back.parameters()[name].flags.writeable
    x = np.ones((1, 200), np.float32)
    np.testing.assert_allclose(run_onnxruntime(path, x)[0], net(x), rtol=1e-4, atol=1e-4)


def test_a_graph_in_two_pieces() -> None:
    """Protobuf joins a message that is there twice: arrays are found in both pieces."""
    model = onnx.ModelProto()
    model.opset_import.add(version=17)
    weights = {n: np.full((200, 200), n, np.float32) for n in (1, 2)}
    pieces = []
    for n, array in weights.items():
        piece = onnx.ModelProto()
        piece.graph.node.add(op_type="MatMul", input=[f"v{n}", f"w{n}"], output=[f"v{n + 1}"])
        piece.graph.initializer.append(numpy_helper.from_array(array, f"w{n}"))
        pieces.append(piece)
    pieces[0].graph.input.append(value("v1", [1, 200]))
    pieces[1].graph.output.append(value("v3"))
    data = b"".join(each.SerializeToString() for each in (model, *pieces))
    found = read_model(data)
    for n, array in weights.items():
        np.testing.assert_array_equal(found.arrays[f"w{n}"], array)


def test_bytes_and_numbers_at_once() -> None:
    """A large array with another one beside it is refused, and so is one of another length."""
    product = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = model_of([product], [value("x", [1, 200])], ["y"], {"w": np.ones((200, 200), "f")})
    read_model(model)
    model.graph.initializer[0].float_data.append(1.0)
    with pytest.raises(FileError, match="holds its values twice"):
        read_model(model)
    model.graph.initializer[0].ClearField("float_data")
    model.graph.initializer[0].dims[0] = 199
    with pytest.raises(FileError, match="39800 values; 40000 are in the file"):
        read_model(model)


@pytest.mark.parametrize("keep", [0.2, 0.9])
def test_files_cut_off(keep: float, tmp_path: Path) -> None:
    """A file that ends early is refused, within an array and elsewhere."""
    path = tmp_path / "model.onnx"
    save(nn.Linear(200, 200), path, (None, 200))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FileError, match="not an ONNX model"):
        load(path)


def test_files_of_many_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of a file are counted before anything is made of them."""
    monkeypatch.setattr("allconv.onnx.read.wire.MOST_FIELDS", 3)
    monkeypatch.setattr("allconv.onnx.read.wire.LARGE", 0)  # smaller files hold no large array
    save(nn.Linear(3, 2), tmp_path / "model.onnx", (None, 3))
    with pytest.raises(LimitError, match="more than 3 parts"):
        load(tmp_path / "model.onnx")


MEASURED = """
import sys, tracemalloc
import allconv
net = allconv.onnx.load(sys.argv[1])  # imports what loading needs
del net
tracemalloc.start()
net = allconv.onnx.load(sys.argv[1])
held = sum(array.nbytes for array in net.parameters().values())
print(*(number / held for number in tracemalloc.get_traced_memory()))
"""


@slow
def test_weights_are_held_once(tmp_path: Path) -> None:
    """Loading takes the memory of the parameters, and hardly more while it reads."""
    path = tmp_path / "model.onnx"
    save(nn.Sequential(*(nn.Linear(1024, 1024) for _ in range(4))), path, (None, 1024))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True
    )
    now, peak = map(float, done.stdout.split())
    assert 1.0 <= now < 1.1
    assert peak < 1.2


@pytest.mark.parametrize("size", [4, 10**6])
def test_a_file_that_shrinks_while_it_is_read_is_refused(size: int) -> None:
    """Small files, which are read at once, and those that are walked through."""
    with pytest.raises(FileError, match="changed while it was read"):
        without_arrays(BytesIO(b"\x08\x08"), size)
