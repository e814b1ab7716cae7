"""Networks as PyTorch's two exporters write them, beside ONNX Runtime.

The files in data/exports are 26 networks, each by both exporters, with fixed and with open sizes;
`against_torch/export_networks.py` has written them. Open sizes are tried as exported, and two
others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import allconv as ac

FOLDER = Path(__file__).parent / "data" / "exports"
FILES = sorted(FOLDER.glob("*.onnx"))
SIZES = json.loads((FOLDER / "sizes.json").read_text())
TOLERANCE = 1e-4  # of the largest value of an output
DEFINED = {"Sin", "Cos"}  # operators without a kernel


def drawn(shapes: list[list[int]]) -> list[Any]:
    """Inputs of size one."""
    rng = np.random.default_rng(len(shapes[0]))
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # it tells of shapes that an exporter has declared wrong
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def test_all_are_there() -> None:
    """Four files of each network, all small."""
    kinds = {f"{by}-{sizes}" for by in ("script", "dynamo") for sizes in ("static", "open")}
    assert {path.stem for path in FILES} == {f"{name}-{kind}" for name in SIZES for kind in kinds}
    assert len(FILES) == 104
    assert max(path.stat().st_size for path in FILES) < 200_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_equal_onnxruntime(path: Path) -> None:
    """Loaded, compiled and run: the same outputs, at each size that the file takes."""
    name, _, sizes = path.stem.rsplit("-", 2)
    net, theirs = ac.onnx.load(path), session(path)
    assert list(net.input_names) == [each.name for each in theirs.get_inputs()]
    for shapes in SIZES[name][: None if sizes == "open" else 1]:
        x = drawn(shapes)
        expected = theirs.run(None, dict(zip(net.input_names, x, strict=True)))
        program = ac.compile(net, *map(tuple, shapes))
        results = program(*x)
        results = results if isinstance(results, tuple) else (results,)
        for got, y in zip(results, expected, strict=True):
            np.testing.assert_allclose(got, y, rtol=0, atol=TOLERANCE * np.abs(y).max())
        slow = [line.split()[0] for line in program.plan().splitlines() if "BY DEF" in line]
        assert set(slow) <= DEFINED
