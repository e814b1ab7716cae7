"""Made-up results, and engines whose behaviour tests choose."""

from __future__ import annotations

from allconv.bench.engines import OURS, Engine
from allconv.bench.results import Results, WorkloadResult
from allconv.bench.timing import Timing

KINDS = frozenset({"fake"})
LAYOUTS = frozenset({"any"})


def fake_engine(name: str) -> Engine:
    """An engine that `fake_engine.prepare` makes; its variant is its name."""
    return Engine(name, name, f"{__package__}.fake_engine", None, KINDS, LAYOUTS, name)


def timing(milliseconds: float) -> dict[str, float]:
    """Figures of calls that spread by 10 % to either side."""
    seconds = milliseconds / 1e3
    return Timing(seconds, 0.9 * seconds, 1.1 * seconds, 0.8 * seconds, 10).data()


def results(suite: str = "networks") -> Results:
    """Two networks; on one of them a peer fails and another is as fast as we are."""
    machine = {
        "processor": "A Processor", "processors": 2, "memory": 2**33, "system": "Linux",
        "load": 0.0,
    }  # fmt: skip
    peaks = {"1": {"cpu": "cpu", "bits": 256, "multiply_adds": 50e9, "read": 20e9, "copied": 10e9}}
    good = WorkloadResult("batch 1", "resnet50", 1, "any", 4_000_000_000)
    good.figures = {OURS: timing(100), "torch": timing(250), "onnxruntime": timing(150)}
    good.differences = {"torch": 1e-6, "onnxruntime": 2e-6}
    bad = WorkloadResult("batch 1", "squeeze|net", 1, "any")
    bad.figures = {OURS: timing(10), "onnxruntime": timing(5)}
    bad.failures = {"torch": "RuntimeError: no compiler"}
    versions = {"allconv": "1.0", "torch": "2.0"}
    return Results(
        suite, "2026-01-02 03:04 UTC", machine, versions, peaks, {OURS: "threads=1"},
        {"openvino": "pip install openvino"}, [good, bad],
    )  # fmt: skip


def memory_results() -> Results:
    """What a suite of memory finds."""
    found = results("memory")
    held = {"loaded": 2**20, "peak": 3 * 2**20, "steady": 2 * 2**20}
    found.rows = [WorkloadResult("load and run", "vgg19", 1, figures={OURS: dict(held)})]
    found.rows[0].failures = {"onnxruntime": "the process ended with signal 9"}
    return found
