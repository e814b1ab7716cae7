"""Files of weights: networks that go round, states of PyTorch, and files that nobody means well."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.errors import ArgumentError, Error, FileError, LimitError
from allconv.nn import networks
from allconv.nn.weights_file import load_weights, save_weights
from tiers import slowed

LAYERS: dict[str, tuple[Any, ...]] = {  # settings of the layers that need some
    "AdaptiveAvgPool": (3,), "AdaptiveMaxPool": (3,), "AvgPool": (3, 2), "BatchNorm": (4,),
    "CircularPad": (1,), "ConstantPad": (1, 0.5), "Conv": (2, 4, 3), "ConvTranspose": (2, 4, 3),
    "LPPool": (2.0, 3), "Linear": (3, 2), "LocalResponseNorm": (3,), "MaxPool": (3,),
    "LocallyConnected": (2, 4, 3, 7), "LocallyConnectedTranspose": (2, 4, 3, 4),
    "MaxUnpool": (2,), "ReflectionPad": (1,), "ReplicationPad": (1,), "ZeroPad": (1,),
    "Fold": ((8, 8), 2), "Unfold": (2,),
}  # fmt: skip


def raw(
    path: Path, arrays: dict[str, tuple[str, tuple[int, ...], bytes]], about: Any = None
) -> str:
    """A safetensors file, byte by byte."""
    header: dict[str, Any] = {} if about is None else {"__metadata__": {"allconv": about}}
    place, data = 0, b""
    for name, (dtype, shape, held) in arrays.items():
        offsets = [place, place + len(held)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        place, data = place + len(held), data + held
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return str(path)


@pytest.mark.parametrize("name", slowed(networks.names(), "convnet", "efficientnet-b0"))
def test_networks_by_name_go_round(name: str, tmp_path: Path) -> None:
    """Layers, names and bits."""
    net = networks.build(name, 3, (32, 40), 5).initialize(2)
    net.save(tmp_path / "net.safetensors")
    again = ac.load(tmp_path / "net.safetensors")
    assert repr(again) == repr(net)
    state, read = net.state_dict(), again.state_dict()
    assert list(state) == list(read)
    assert all(np.array_equal(state[n], a) and state[n].dtype == a.dtype for n, a in read.items())


def made(kind: type[nn.Module], given: tuple[Any, ...]) -> nn.Module:
    """A layer with the settings that are written, else with the first that do."""
    for settings in (given, (2,), (4,), (2, 4)):
        try:
            return kind(*settings)
        except (TypeError, Error):
            continue
    raise AssertionError(f"{kind.__name__} needs settings in LAYERS")


def test_every_layer_goes_round(tmp_path: Path) -> None:
    """All of nn, with settings."""
    for name in nn.__all__:
        kind = getattr(nn, name)
        if not isinstance(kind, type) or not issubclass(kind, nn.Module) or kind is nn.Module:
            continue
        given = LAYERS.get(name, LAYERS.get(re.sub(r"[123]d$", "", name), ()))
        net = nn.Sequential(made(kind, given)).astype(np.float64)
        net.save(tmp_path / "net.safetensors")
        again = ac.load(tmp_path / "net.safetensors")
        assert repr(again) == repr(net), name
        state, read = net.state_dict(), again.state_dict()
        assert {n: str(a.dtype) for n, a in state.items()} == {n: str(read[n].dtype) for n in read}
        assert all(np.array_equal(state[n], read[n]) for n in state)


def test_a_layer_in_two_places_stays_one(tmp_path: Path) -> None:
    """What is shared is shared again."""
    shared = nn.Conv2d(2, 2, 3, padding=1)
    net = nn.Sequential(shared, nn.ReLU(), nn.Sequential(shared, nn.ReLU()))
    net.save(tmp_path / "net.safetensors")
    again: Any = ac.load(tmp_path / "net.safetensors")
    assert again[0] is again[2][0]
    assert list(again.parameters()) == ["0.weight", "0.bias"]


def test_other_modules_are_saved_as_weights(tmp_path: Path) -> None:
    """A class of the user's is code: its arrays go round, and load says what to do."""

    class Own(nn.Module):
        def __init__(self) -> None:
            self.fc = nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.fc(x)

    one, other = Own().initialize(1), Own().initialize(2)
    path = tmp_path / "own.safetensors"
    one.save(path)
    with pytest.raises(
        FileError, match=r"not the layers of Own; make the network and call net\.lo"
    ):
        ac.load(path)
    assert other.load_state_dict(path) == ([], [])
    assert np.array_equal(one.parameters()["fc.weight"], other.parameters()["fc.weight"])
    with pytest.raises(ArgumentError, match=r"use allconv\.onnx\.save"):
        one.save(tmp_path / "own.onnx")


def test_states_of_wrappers_and_of_old_files(tmp_path: Path) -> None:
    """`module.` before all names, no counters, lists and objects with __array__, half floats."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).initialize(5)

    class Tensor:
        def __init__(self, array: Any) -> None:
            self.array = array

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return self.array

    state = {n: a for n, a in net.state_dict().items() if "num_batches" not in n}
    for kind in (np.asarray, Tensor, np.ndarray.tolist):
        other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        given = {f"module.{name}": kind(np.array(array)) for name, array in state.items()}
        other.load_state_dict(given)
        assert np.array_equal(other.parameters()["0.weight"], state["0.weight"])
    halves = {
        "weight": ("BF16", (2, 2), np.array([0x3F80, 0xC000, 0, 0x7F80], "<u2").tobytes()),
        "bias": ("F16", (2,), np.array([0.5, -2], "<f2").tobytes()),
    }
    linear = nn.Linear(2, 2)
    linear.load_state_dict(raw(tmp_path / "half.safetensors", halves))
    assert linear.weight.tolist() == [[1.0, -2.0], [0.0, np.inf]]
    assert linear.bias.tolist() == [0.5, -2.0]


def test_files_of_pytorch_are_refused_with_what_converts_them(tmp_path: Path) -> None:
    """By what they hold, whatever their name."""
    for name, begin in (
        ("net.pth", b"PK\x03\x04"),
        ("net.pt", b"\x80\x02"),
        ("a.bin", b"\x80\x05"),
    ):
        (tmp_path / name).write_bytes(begin + bytes(20))
        for call in (ac.load, nn.Linear(2, 2).load_state_dict):
            with pytest.raises(FileError, match=r"torch\.load\('.*weights_only=True\) and .*save_"):
                call(tmp_path / name)


def test_bad_files(tmp_path: Path) -> None:
    """Each is one error that names the file."""
    path = tmp_path / "x.safetensors"
    nn.Linear(3, 2).save(path)
    good = path.read_bytes()
    for cut in (0, 4, 8, 50, len(good) - 1):
        path.write_bytes(good[:cut])
        with pytest.raises(FileError, match=r"x\.safetensors"):
            ac.load(path)
    with pytest.raises(FileError, match="no such file"):
        ac.load(tmp_path / "missing.safetensors")
    with pytest.raises(FileError, match="a folder"):
        ac.load(tmp_path)
    with pytest.raises(ArgumentError, match="path is 3"):
        ac.load(3)
    path.write_bytes(good)
    with pytest.raises(LimitError, match="the limit is 10"):
        ac.load(path, size_limit=10)
    (tmp_path / "a.onnx").write_bytes(bytes(100))
    with pytest.raises(FileError, match=r"use allconv\.onnx\.load"):
        ac.load(tmp_path / "a.onnx")


NESTED: Any = {"kind": "ReLU", "settings": {}}
for _ in range(150):
    NESTED = {"kind": "Sequential", "modules": {"0": NESTED}}
HUGE = {"kind": "Linear", "settings": {"in_features": 2**30, "out_features": 2**30}}
STRUCTURES = [
    NESTED, HUGE, [], 3, {"kind": "Module", "settings": {}}, {"kind": "os.system", "settings": {}},
    {"kind": "Linear", "settings": {"in_features": "a", "out_features": 2}},
    {"kind": "Linear", "settings": {"in_features": 3}}, {"kind": "Linear", "settings": []},
    {"kind": "Linear", "settings": {"in_features": {"a": 1}, "out_features": 2}},
    {"kind": "Sequential", "modules": {"forward": {"kind": "ReLU", "settings": {}}}},
    {"kind": "Sequential", "modules": {"_own_modules": {"kind": "ReLU", "settings": {}}}},
    {"kind": "Sequential", "modules": {"0": {"same": "5"}}}, {"same": []}, {"kind": ["Linear"]},
    {"kind": "Parameter", "settings": {"array": 3}}, {"kind": "Sequential", "modules": []},
    {"kind": "Bottleneck", "settings": {"in_channels": 2, "width": -3, "stride": 1}},
    {"kind": "Conv2d", "settings": {"in_channels": 3, "out_channels": 2, "kernel_size": [[[[1]]]]}},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(STRUCTURES)))
def test_structures_that_are_none(number: int, tmp_path: Path) -> None:
    """A description may say anything: one error of ours, little memory."""
    about = json.dumps({"version": 1, "text": "x", "structure": STRUCTURES[number]})
    held = {"weight": ("F32", (2,), bytes(8))}
    with pytest.raises(Error, match=r"x\.safetensors") as refused:
        ac.load(raw(tmp_path / "x.safetensors", held, about))
    assert isinstance(refused.value, FileError | LimitError)


def test_metadata_that_is_none(tmp_path: Path) -> None:
    """Broken JSON, other versions, dtypes that are not read."""
    for about in ("{", "[" * 100_000, '{"version": 2}', "null", '"text"'):
        with pytest.raises(FileError):
            ac.load(raw(tmp_path / "x.safetensors", {}, about))
    for kind in ("F8_E4M3", "C64"):
        size = 8 if kind == "C64" else 1
        with pytest.raises(FileError, match="weight"):
            load_weights(raw(tmp_path / "x.safetensors", {"weight": (kind, (1,), bytes(size))}))
    save_weights(tmp_path / "y.safetensors", {"a": np.zeros((0, 3), np.float32)}, {})
    assert load_weights(tmp_path / "y.safetensors")[0]["a"].shape == (0, 3)
