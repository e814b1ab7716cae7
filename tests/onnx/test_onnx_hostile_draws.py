"""Thousands of files that break rules: each is a network, or one sentence of ours."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from onnx_hostile_draws import draw_file
from onnx_runs import run_defined

from allconv.errors import Error
from allconv.nn.tracing import trace_module
from allconv.onnx import load
from allconv.onnx.module import OnnxModule
from allconv.operators.base import Spec
from allconv.text import printable

FILES = int(os.environ.get("ALLCONV_ONNX_FILES", "300"))
SEED = int(os.environ.get("ALLCONV_ONNX_SEED", "0"))
SMALL = 10_000  # values and multiply-adds of a network that is also run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files and links for tensors that lie outside, and one above it."""
    above = tmp_path_factory.mktemp("above")
    (above / "data").write_bytes(b"DECOY" * 100)
    below = above / "models"
    (below / "deep").mkdir(parents=True)
    for name in ("data", "deep/data"):
        (below / name).write_bytes(bytes(400))
    (below / "link").symlink_to(above / "data")
    (below / "inside").symlink_to("deep/data")
    (below / "up").symlink_to(above)
    (below / "loop").symlink_to("loop")
    os.mkfifo(below / "pipe")
    return below


def run_small(net: OnnxModule) -> str:
    """Record a network for its sizes, any of which is 2, and run it where it is small."""
    specs = []
    for each in net.model.inputs:
        shape = tuple(2 if n is None else n for n in each.shape or (2, 2))
        specs.append(Spec(shape, "float32" if each.dtype == "uint8" else each.dtype))
    traced = trace_module(net, *specs)
    values = sum(value.spec.size for value in traced.graph.numbers())
    windows = [getattr(node.operator, "window", None) for node in traced.graph.nodes]
    taps = max([window.taps for window in windows if window], default=0)
    if max(values, taps, traced.graph.cost()) > SMALL:
        return "loaded"
    run_defined(net, *(np.ones(spec.shape, spec.dtype) for spec in specs))
    return "ran"


def outcome(path: Path) -> str:
    """What becomes of a file."""
    try:
        return run_small(load(path))
    except Error as error:
        told = str(error)
        assert told == printable(told)
        assert "DECOY" not in told
        assert len(told) < 1200 + len(str(path))
        return type(error).__name__


@pytest.mark.slow
def test_hostile_draws(folder: Path) -> None:
    """A file is loaded and runs, or is refused with an error of ours on one line."""
    counts: Counter[str] = Counter()
    path = folder / "model.onnx"
    for number in range(FILES):
        path.write_bytes(draw_file(np.random.default_rng([SEED, number])))
        try:
            counts[outcome(path)] += 1
        except Exception as error:
            pytest.fail(f"file {number} of seed {SEED}: {type(error).__name__}: {error}")
    print(f"{FILES} files of seed {SEED}: {dict(counts)}")
    assert counts.total() == FILES
    assert counts["ran"] > FILES // 50
    assert counts["FileError"] > FILES // 10
