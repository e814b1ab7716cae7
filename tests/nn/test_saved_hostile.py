"""Files of weights that nobody means well with: crafted by hand, and changed at random."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.errors import Error, FileError, LimitError
from allconv.text import printable

NUMBERS: tuple[Any, ...] = (
    0, 1, -1, 7, 2**16, 2**31, 2**62, 2**64, 10**30, 1.5, 1e308, "", None, True, [], {}, "F32",
    "I64", [1], [[1]], {"a": 1}, "Sequential", "Linear", "\x1b[2J", "x" * 5000,
)  # fmt: skip
DRAWS = 400
Draw = np.random.Generator


def packed(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A file of this header: text, or what JSON is made of."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(begin: Any, end: Any, shape: Any = (1,), dtype: Any = "F32") -> dict[str, Any]:
    """What a header says of one array."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def told(structure: Any, **more: Any) -> dict[str, Any]:
    """The metadata of a network of this structure."""
    about = {"version": 1, "text": "x", "structure": structure, **more}
    return {"__metadata__": {"allconv": json.dumps(about)}}


RELU = {"kind": "ReLU", "settings": {}}
TWICE = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],'
CRAFTED: dict[str, bytes] = {
    "a header of 2**62 bytes": packed({}, length=2**62),
    "a header beyond the file": packed({}, length=100),
    "a header of no bytes": packed(b""),
    "no JSON": packed(b"{"),
    "JSON that is deep": packed(b"[" * 100_000),
    "a list": packed([]),
    "no UTF-8": packed(b'{"\xff":1}'),
    "arrays over each other": packed({"a": entry(0, 8, [2]), "b": entry(4, 12, [2])}, bytes(12)),
    "a hole": packed({"a": entry(0, 4), "b": entry(8, 12)}, bytes(12)),
    "an end before the begin": packed({"a": entry(4, 0)}, bytes(4)),
    "an end behind the file": packed({"a": entry(0, 8, [2])}, bytes(4)),
    "bytes that are nobody's": packed({"a": entry(0, 4)}, bytes(400)),
    "offsets of 2**62": packed({"a": entry(2**62, 2**62 + 4)}, bytes(4)),
    "offsets below 0": packed({"a": entry(-4, 0)}, bytes(4)),
    "sizes of 2**62": packed({"a": entry(0, 4, [2**62, 4])}, bytes(4)),
    "sizes that overflow to the right number": packed({"a": entry(0, 4, [2**63, 2])}, bytes(4)),
    "sizes below 0": packed({"a": entry(0, 4, [-1])}, bytes(4)),
    "sizes that are texts": packed({"a": entry(0, 4, ["1"])}, bytes(4)),
    "a hundred axes": packed({"a": entry(0, 4, [1] * 100)}, bytes(4)),
    "half a number": packed({"a": entry(0, 3)}, bytes(3)),
    "another dtype": packed({"a": entry(0, 4, [1], "F64")}, bytes(4)),
    "a dtype that is none": packed({"a": entry(0, 4, [1], "F99")}, bytes(4)),
    "a name twice": packed(TWICE + b'"data_offsets":[4,8]}}', bytes(8)),
    "metadata that is a number": packed({"__metadata__": 3}),
    "metadata of numbers": packed({"__metadata__": {"allconv": 3}}),
    "metadata that is no JSON": packed({"__metadata__": {"allconv": "{"}}),
    "metadata of another": packed({"__metadata__": {"format": "pt"}}),
    "a future version": packed(told(RELU, version=2)),
    "a layer of the future": packed(told({"kind": "Sorting", "settings": {}})),
    "a setting of the future": packed(told({"kind": "ReLU", "settings": {"slope": 1}})),
    "a million modules": packed(
        told({"kind": "Sequential", "modules": {str(n): RELU for n in range(100_001)}})
    ),
    "layers of many weights": packed(
        told({"kind": "Linear", "settings": {"in_features": 2**40, "out_features": 2**40}})
    ),
    "a kernel of 2**40": packed(
        told({"kind": "Conv2d",
              "settings": {"in_channels": 1, "out_channels": 1, "kernel_size": 2**40}})
    ),
    "weights of another layer": packed(
        {**told({"kind": "Linear", "settings": {"in_features": 1, "out_features": 1}}),
         "weight": entry(0, 8, [1, 2]), "bias": entry(8, 12)}, bytes(12)
    ),
    "weights that are missing": packed(
        told({"kind": "Linear", "settings": {"in_features": 1, "out_features": 1}})
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_files(name: str, tmp_path: Path) -> None:
    """Each is one error on one line that names the file, of a network and of its weights alike."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(CRAFTED[name])
    with pytest.raises((FileError, LimitError)) as refused:
        ac.load(path)
    text = str(refused.value)
    assert text.startswith(str(path))
    assert text == printable(text)
    assert len(text) < 1200 + len(str(path))
    with pytest.raises(Error):
        nn.Linear(2, 2).load_state_dict(path)


def inside(value: Any) -> list[Any]:
    """A value of JSON and all lists and objects in it that are not empty."""
    found, ahead = [], [value]
    while ahead:
        each = ahead.pop()
        if isinstance(each, dict | list) and each:
            found.append(each)
            ahead += each.values() if isinstance(each, dict) else each
    return found


def change(draw: Draw, value: Any) -> None:
    """Another value somewhere, fewer, or one that stood elsewhere."""
    found = inside(value)
    there = found[int(draw.integers(len(found)))]
    keys = list(there) if isinstance(there, dict) else list(range(len(there)))
    key = keys[int(draw.integers(len(keys)))]
    kind = int(draw.integers(4))
    if kind == 0:
        del there[key]
    elif kind == 1:
        there[key] = copy.deepcopy(found[int(draw.integers(len(found)))])
    elif kind == 2 and isinstance(there[key], int):
        there[key] = int(there[key]) + int(draw.integers(-3, 4))
    else:
        there[key] = copy.deepcopy(NUMBERS[int(draw.integers(len(NUMBERS)))])


def changed(draw: Draw, data: bytes) -> bytes:
    """A file with some bytes, or parts of its header or of its structure, changed."""
    length = int.from_bytes(data[:8], "little")
    kind = int(draw.integers(4))
    if kind == 0:
        return data[: int(draw.integers(len(data)))]
    if kind == 1:
        made = bytearray(data)
        for _ in range(int(draw.integers(1, 5))):
            made[int(draw.integers(length + 8))] = int(draw.integers(256))
        return bytes(made)
    header = json.loads(data[8 : 8 + length])
    about = json.loads(header["__metadata__"]["allconv"])
    if kind == 2:
        change(draw, about)
        header["__metadata__"]["allconv"] = json.dumps(about)
    else:
        change(draw, header)
    return packed(header, data[8 + length :])


def test_changed_files(tmp_path: Path) -> None:
    """Files changed at random give a network, or an error of ours."""
    path, counts = tmp_path / "x.safetensors", Counter[str]()
    nets = [
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2)),
        nn.networks.build("convnet", 1, 8, 3),
        nn.Sequential(nn.LocallyConnected1d(1, 2, 3, 6), nn.PReLU(2), nn.GroupNorm(1, 2)),
    ]
    files = []
    for net in nets:
        net.save(path)
        files.append(path.read_bytes())
    for number in range(DRAWS):
        draw = np.random.default_rng([9, number])
        path.write_bytes(changed(draw, files[int(draw.integers(len(files)))]))
        try:
            repr(ac.load(path))
            counts["loaded"] += 1
        except (FileError, LimitError) as error:
            text = str(error)
            assert text == printable(text)
            counts[type(error).__name__] += 1
    print(f"{DRAWS} files of weights: {dict(counts)}")
    assert counts["FileError"] > DRAWS // 2
    assert counts["loaded"] > DRAWS // 100
