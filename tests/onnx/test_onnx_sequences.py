"""Sequences of arrays, which are taken apart while a network is recorded, beside ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx_models import model_of, value

import allconv as ac
from allconv.errors import Error, FileError, LimitError, UnsupportedError
from onnx import helper

X = np.random.default_rng(0).standard_normal((2, 7, 3)).astype(np.float32)
INTEGERS = {"0": 0, "1": 1, "2": 2, "3": 3, "-1": -1, "-3": -3, "sizes": [2, 1, 4], "5": 5}
ARRAYS = {**{name: np.array(n, np.int64) for name, n in INTEGERS.items()}, "c": X[:, :1] * 3}


def model(nodes: Sequence[tuple[Any, ...]], result: str, shape: Any = (None, None, None)) -> bytes:
    """A network of nodes (op, inputs, output, settings)."""
    made = [helper.make_node(op, i.split(), [o], **settings) for op, i, o, settings in nodes]
    taken, given = value("x", [2, None, 3]), value(result, shape)
    return model_of(made, [taken], [given], ARRAYS).SerializeToString()


def split(inputs: str = "x", **settings: int) -> tuple[Any, ...]:
    return ("SplitToSequence", inputs, "s", settings)


CASES: dict[str, tuple[list[tuple[Any, ...]], str]] = {
    "of one size": ([split("x 3", axis=1), ("SequenceAt", "s 2", "y", {})], "y"),
    "from the end": ([split("x 2", axis=-2), ("SequenceAt", "s -3", "y", {})], "y"),
    "of given sizes": ([split("x sizes", axis=1), ("SequenceAt", "s 1", "y", {})], "y"),
    "one cell": ([split(axis=2), ("SequenceAt", "s 1", "y", {})], "y"),
    "without its axis": (
        [split(axis=1, keepdims=0), ("SequenceAt", "s 5", "y0", {}),
         ("Unsqueeze", "y0 axes", "y", {})], "y"),
    "joined": (
        [split("x 3", axis=1), ("SequenceInsert", "s c", "t", {}),
         ("SequenceErase", "t 0", "u", {}), ("ConcatFromSequence", "u", "y", {"axis": 1})], "y"),
    "inserted": (
        [split("x 3", axis=1), ("SequenceInsert", "s c 1", "t", {}),
         ("ConcatFromSequence", "t", "y", {"axis": -2})], "y"),
    "constructed": (
        [("Relu", "x", "r", {}), ("SequenceConstruct", "x r x", "s", {}),
         ("ConcatFromSequence", "s", "z", {"axis": 0, "new_axis": 1}),
         ("ReduceMax", "z", "y", {"axes": [0], "keepdims": 0})], "y"),
    "from nothing": (
        [("SequenceEmpty", "", "e", {"dtype": 1}), ("SequenceInsert", "e x", "s", {}),
         ("SequenceInsert", "s c 0", "t", {}), ("SequenceAt", "t 0", "y", {})], "y"),
    "inserted at the end": (
        [split("x 3", axis=1), ("SequenceInsert", "s c 3", "t", {}),
         ("ConcatFromSequence", "t", "y", {"axis": 1})], "y"),
    "under another name": (
        [split("x 3", axis=1), ("Identity", "s", "t", {}), ("SequenceAt", "t 2", "y", {})], "y"),
    "truth values": (
        [("Greater", "x c", "g", {}), ("Not", "g", "o", {}),
         ("SequenceConstruct", "g o yes", "s", {}), ("ConcatFromSequence", "s", "a", {"axis": 1}),
         ("Cast", "a", "y", {"to": 1})], "y"),
    "truth values beside each other": (
        [("Greater", "x c", "g", {}), ("Not", "g", "o", {}), ("SequenceConstruct", "g o", "s", {}),
         ("ConcatFromSequence", "s", "a", {"axis": 1, "new_axis": 1}),
         ("Cast", "a", "f", {"to": 1}), ("ReduceMean", "f", "y", {"axes": [2], "keepdims": 0})],
        "y"),
    "bytes": (
        [("QuantizeLinear", "x scale eight", "q", {}), ("SequenceConstruct", "q bytes", "s", {}),
         ("ConcatFromSequence", "s", "a", {"axis": 1}),
         ("DequantizeLinear", "a scale eight", "y", {})], "y"),
    "its length": (
        [split("x 2", axis=1), ("SequenceLength", "s", "n", {}), ("Cast", "n", "f", {"to": 1}),
         ("Mul", "x f", "y", {})], "y"),
    "of sizes": (
        [("Shape", "x", "h", {}), split("h 1"), ("SequenceAt", "s 1", "i", {}),
         ("Cast", "i", "f", {"to": 1}), ("Mul", "x f", "y", {})], "y"),
}  # fmt: skip
ARRAYS |= {
    "axes": np.array([1], np.int64),
    "yes": np.array([[[True, False, True]]] * 2),
    "scale": np.float32(0.25),
    "eight": np.int8(8),
    "bytes": np.full((2, 1, 3), -100, np.int8),
}


@pytest.mark.parametrize("name", CASES)
def test_equal_onnxruntime(name: str) -> None:
    """The same arrays, for the size that the network is recorded for and for another."""
    data = model(*CASES[name])
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    net = ac.onnx.load(data)
    for x in (X, X[:, :7] + 1):
        np.testing.assert_array_equal(net(x), session.run(None, {"x": x})[0])
    assert "BY DEFINITION" not in ac.compile(net, X.shape).plan()


REFUSED: dict[str, tuple[list[tuple[Any, ...]], str, type[Error], str]] = {
    "returned": ([split(axis=1)], "s", UnsupportedError, "output 's' is a sequence"),
    "taken as an array": (
        [split(axis=1), ("Relu", "s", "y", {})], "y", UnsupportedError, "of a sequence of arrays"),
    "no sequence": ([("SequenceAt", "x 1", "y", {})], "y", FileError, "input 0 is not a sequence"),
    "outside": (
        [split("x 3", axis=1), ("SequenceAt", "s 5", "y", {})], "y", FileError,
        r"place is \(5,\); the sequence has 3"),
    "inserted outside": (
        [("SequenceEmpty", "", "e", {"dtype": 1}), ("SequenceInsert", "e x 5", "s", {}),
         ("SequenceAt", "s 0", "y", {})], "y", FileError, r"place is \(5,\); the sequence has 0"),
    "of two dtypes": (
        [("Greater", "x c", "g", {}), ("SequenceConstruct", "g x", "s", {}),
         ("ConcatFromSequence", "s", "y", {"axis": 1})], "y", UnsupportedError, "several dtypes"),
    "by the data": (
        [split("x 3", axis=1), ("ArgMax", "x", "a", {"axis": 1}),
         ("SequenceAt", "s a", "y", {})], "y", UnsupportedError, "computed from the data"),
    "parts of nothing": (
        [split("x 0", axis=1), ("SequenceAt", "s 0", "y", {})], "y", FileError,
        "split is 0; at least 1"),
    "other sizes": (
        [split("x sizes", axis=2), ("SequenceAt", "s 0", "y", {})], "y", FileError, "do not make"),
    "empty": (
        [("SequenceEmpty", "", "s", {}), ("ConcatFromSequence", "s", "y", {"axis": 0})], "y",
        FileError, "an empty sequence"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    """By name, whatever is wrong."""
    nodes, result, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        ac.onnx.load(model(nodes, result))(X)


def test_bounded() -> None:
    """A sequence of too many arrays is refused before they are made."""
    data = model([split(axis=1), ("SequenceAt", "s 1", "y", {})], "y")
    with pytest.raises(LimitError, match="at most 1,024 are supported"):
        ac.onnx.load(data)(np.zeros((2, 5000, 3), np.float32))
