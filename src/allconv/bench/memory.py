"""Memory of a process that loads and runs one thing, and how it grows with the sizes it meets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from allconv.bench.engines import Engine
from allconv.bench.making import make_files
from allconv.bench.networks import LIGHT
from allconv.bench.process import WorkerProcess, failing
from allconv.bench.results import Results, WorkloadResult
from allconv.bench.workload import FUNCTION_SIZES, NETWORK, NETWORK_SIZES, Workload
from allconv.errors import UnsupportedError

RUNS = 5  # after which the memory is steady
COUNT, PARTS = 200, 4
GROWTH = f"growth over {COUNT} sizes"


def memory_workloads() -> list[Workload]:
    """Networks to load and run; one function and one network on many sizes of image."""
    made = [
        Workload(name, "load and run", NETWORK, {"light": LIGHT[name], "batch": 1})
        for name in ("vgg19", "resnet50", "squeezenet")
    ]
    function = {"channels": 3, "sides": [16, 220], "count": COUNT}
    network = {"channels": 3, "sides": [32, 160], "count": COUNT, "network": "all-cnn", "side": 32}
    made.append(Workload("conv2d, 3x3, 16 filters", GROWTH, FUNCTION_SIZES, function))
    made.append(Workload("all-cnn", GROWTH, NETWORK_SIZES, network))
    return made


def check_system() -> None:
    """Refuse systems that do not tell the memory of a process as Linux does."""
    if not sys.platform.startswith("linux"):
        raise UnsupportedError("the suite memory reads /proc, which only Linux has")


def memory_row(
    workload: Workload, engines: Sequence[Engine], threads: int, folder: Path, results: Results
) -> WorkloadResult:
    """Bytes of a process of its own for each engine."""
    told = make_files(workload, folder)
    row = WorkloadResult(workload.group, workload.name, threads)
    measured = _held if workload.kind == NETWORK else _grown
    for engine in engines:
        with failing(row.failures, engine.name), WorkerProcess(engine, threads) as worker:
            results.note(engine.name, worker.prepare(told)["settings"])
            row.figures[engine.name] = measured(worker)
    return row


def _held(worker: WorkerProcess) -> dict[str, float]:
    """After loading and some runs: the most so far, and what is held."""
    loaded = worker.ask("memory")["now"]
    worker.ask("block", calls=RUNS, dropped=0)
    found = worker.ask("memory")
    return {"loaded": loaded, "peak": found["most"], "steady": found["now"]}


def _grown(worker: WorkerProcess) -> dict[str, float]:
    """After the first size, and after each quarter of all of them."""
    worker.ask("block", calls=1, dropped=0)
    found = {"1": worker.ask("memory")["now"]}
    done = 1
    for part in range(1, PARTS + 1):
        upto = COUNT * part // PARTS
        worker.ask("block", calls=upto - done, dropped=0)
        done = upto
        found[str(done)] = worker.ask("memory")["now"]
    return found
