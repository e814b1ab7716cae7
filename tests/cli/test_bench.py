"""`allconv bench`: what it measures, what it refuses, and what is left after Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import onnx
from allconv import nn
from allconv.bench.results import Results
from allconv.bench.suites import NAMES
from allconv.onnx import save
from onnx import TensorProto, helper

from .running import done, run

NET = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 2))
QUICK = ("--rounds", "1", "--threads", "1")


def _model(folder: Path) -> None:
    save(NET, folder / "model.onnx", (None, 1, 8, 8))


def _takes(*inputs: tuple[int, list[int | str]]) -> Callable[[Path], None]:
    """A model that takes arrays of these dtypes and shapes, and gives the first one."""

    def make(folder: Path) -> None:
        values = [
            helper.make_tensor_value_info(f"x{n}", dtype, shape)
            for n, (dtype, shape) in enumerate(inputs)
        ]
        dtype, shape = inputs[0] if inputs else (TensorProto.FLOAT, [1])
        y = helper.make_tensor_value_info("y", dtype, shape)
        nodes = [helper.make_node("Identity", ["x0"], ["y"])]
        if not inputs:
            zero = helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0])
            nodes = [helper.make_node("Constant", [], ["y"], value=zero)]
        if len(inputs) > 1:
            nodes = [helper.make_node("Add", ["x0", "x1"], ["y"])]
        model = helper.make_model(
            helper.make_graph(nodes, "g", values, [y]),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
        )
        onnx.save(model, folder / "model.onnx")

    return make


@dataclass(frozen=True)
class Row:
    """A mistake: what is called, the exit status, what is said; files are made before."""

    name: str
    arguments: str
    status: int
    says: tuple[str, ...]
    files: Callable[[Path], object] = lambda folder: None


FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
ROWS = [
    Row("nothing", "bench", 2, ("MODEL|SUITE", "bench --help")),
    Row("no such suite", "bench speed", 2, ("speed", *NAMES)),
    Row("no such file", "bench no.onnx", 1, ("no.onnx",)),
    Row("no ONNX file", "bench model.onnx", 1, ("model.onnx", "not an ONNX model"),
        lambda f: (f / "model.onnx").write_bytes(b"a letter")),
    Row("a folder", "bench .", 1, ("not a file",)),
    Row("whole numbers", "bench model.onnx", 1, ("model.onnx", "int64"),
        _takes((INT64, [1, 4]))),
    Row("two arrays", "bench model.onnx", 1, ("model.onnx", "2 arrays"),
        _takes((FLOAT, [1, 4]), (FLOAT, [1, 4]))),
    Row("no array", "bench model.onnx", 1, ("model.onnx", "no array"), _takes()),
    Row("images of any size", "bench model.onnx", 2, ("model.onnx", "--size"),
        _takes((FLOAT, [1, 3, "H", "W"]))),
    Row("sequences of any length", "bench model.onnx", 1, ("model.onnx", "images"),
        _takes((FLOAT, [1, "L", 3]))),
    Row("another size than the file's", "bench model.onnx --size 9", 2, ("--size",), _model),
    Row("another batch than the file's", "bench model.onnx --batch 4", 2, ("batches of 1",),
        _takes((FLOAT, [1, 3, 8, 8]))),
    Row("threads 0", "bench layers --threads 0", 2, ("--threads is 0", "1 to 1024")),
    Row("threads in words", "bench layers --threads abc", 2, ("--threads is abc", "1,2")),
    Row("threads with a gap", "bench layers --threads 1,,2", 2, ("--threads is 1,,2",)),
    Row("threads below 0", "bench layers --threads 1,-2", 2, ("--threads is 1,-2",)),
    Row("too many threads", "bench layers --threads 2000", 2, ("--threads is 2000",)),
    Row("an endless number", f"bench layers --threads {'9' * 5000}", 2, ("--threads is 9",)),
    Row("no such peer", "bench layers --peers torch,jax", 2, ("--peers is torch,jax", "'jax'")),
    Row("no peer named", "bench layers --peers ,", 2, ("--peers is ,", "none")),
    Row("rounds 0", "bench layers --rounds 0", 2, ("--rounds is 0",)),
    Row("batch 0", "bench networks --batch 0", 2, ("--batch is 0",)),
    Row("a batch of layers", "bench layers --batch 2", 2, ("--batch", "layers")),
    Row("a size of a suite", "bench networks --size 64", 2, ("--size", "networks")),
    Row("only of a file", "bench model.onnx --only conv", 2, ("--only",), _model),
    Row("only what is not there", "bench layers --only transformer", 2, ("--only is transformer",)),
    Row("a profile of memory", "bench memory --profile", 2, ("--profile", "memory")),
    Row("results in no folder", "bench layers --peers none --json no/r.json", 1,
        ("no/r.json cannot be written", "folder")),
    Row("results in a folder", "bench layers --peers none --json .", 1, ("is a folder",)),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_mistakes_are_told_in_a_sentence(row: Row, tmp_path: Path) -> None:
    """The right status, one line that names the thing, and nothing written."""
    row.files(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = run(*row.arguments.split())
    assert result.status == row.status
    (said,) = result.said
    assert said.startswith("allconv bench: ")
    assert "fault of allconv" not in said
    for words in row.says:
        assert words in said
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_a_file_is_measured_and_kept(tmp_path: Path) -> None:
    """With the batches asked for, a profile, and the differences from ONNX Runtime."""
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")
    _model(tmp_path)
    result = done(
        "bench", "model.onnx", *QUICK, "--peers", "onnxruntime", "--batch", "1,3", "--profile",
        "--json", "r.json",
    )  # fmt: skip
    found = Results.load("r.json")
    assert found.suite == "model"
    assert [(row.group, row.name) for row in found.rows] == [
        ("batch 1", "model.onnx"), ("batch 3", "model.onnx"),
    ]  # fmt: skip
    for row, batch in zip(found.rows, (1, 3), strict=True):
        assert row.failures == {}
        assert set(row.figures) == {"allconv", "onnxruntime"}
        assert row.differences["onnxruntime"] < 1e-5
        assert row.multiply_adds == batch * (64 * 27 + 192 * 2)
        steps = [part for part in row.profile if part["steps"]]
        assert sum(part["multiply_adds"] for part in steps) == row.multiply_adds
        assert {part["what"] for part in row.profile} >= {"Correlate", "whole call"}
    for words in ("ratio to the fastest peer", "profile of model.onnx", "intra_op_num_threads=1"):
        assert words in result.out
    assert "result: r.json" in result.out


@pytest.mark.slow
def test_a_classifier_of_ours_takes_bytes(trained: Path) -> None:
    """As `allconv train` writes it: preprocessing is a part of it, and is measured with it."""
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")
    done("bench", trained / "model.onnx", *QUICK, "--peers", "onnxruntime", "--json", "r.json")
    (row,) = Results.load("r.json").rows
    assert row.failures == {}
    assert row.differences["onnxruntime"] < 1e-5


@pytest.mark.slow
def test_a_peer_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line that installs it; we are measured all the same."""
    monkeypatch.setattr("allconv.bench.engines.find_spec", lambda name: None)
    _model(tmp_path)
    result = done("bench", "model.onnx", *QUICK, "--json", "r.json")
    for name in ("torch", "onnxruntime", "openvino"):
        assert result.out.count(f"pip install {name}\n") == 2  # at once, and with the results
    assert set(Results.load("r.json").missing) == {"torch", "onnxruntime", "openvino"}


@pytest.mark.slow
def test_a_workload_that_cannot_be_made_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And said in the table; the others are measured."""
    from allconv.bench import suites

    _model(tmp_path)
    made = suites.make_files

    def full(workload: object, *arguments: object) -> object:
        if workload.group == "batch 1":
            raise OSError(28, "No space left on device")
        return made(workload, *arguments)

    monkeypatch.setattr(suites, "make_files", full)
    result = done(
        "bench", "model.onnx", *QUICK, "--batch", "1,2", "--peers", "none", "--json", "r.json"
    )
    one, two = Results.load("r.json").rows
    assert "No space left" in one.failures["allconv"]
    assert two.failures == {}
    assert "No space left" in result.out


@pytest.mark.slow
def test_nothing_is_lost_when_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured before Ctrl-C is in the file, and on the screen."""
    from allconv.bench import suites

    _model(tmp_path)
    made = suites.make_files
    calls = []

    def stopped(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return made(*arguments)

    monkeypatch.setattr(suites, "make_files", stopped)
    result = run(
        "bench", "model.onnx", *QUICK, "--batch", "1,2", "--peers", "none", "--json", "r.json"
    )
    assert result.status == 130
    assert result.said == ["allconv bench: stopped; what was measured is in r.json"]
    assert [row.group for row in Results.load("r.json").rows] == ["batch 1"]
    assert "batch 1, 1 thread" in result.out


@pytest.mark.slow
def test_results_are_plain_json(tmp_path: Path) -> None:
    """Anyone can read them: a format, a suite, rows."""
    _model(tmp_path)
    done("bench", "model.onnx", *QUICK, "--peers", "none", "--json", "r.json")
    data = json.loads(Path("r.json").read_text(), parse_constant=pytest.fail)
    assert data["format"] == 1
    assert str(tmp_path) not in json.dumps(data)
