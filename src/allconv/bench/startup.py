"""How long it takes until there is a result: imports, loading, the first call; new sizes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from allconv.bench.engines import OURS, Engine
from allconv.bench.making import make_files
from allconv.bench.networks import LIGHT
from allconv.bench.process import WorkerProcess, failing
from allconv.bench.results import Results, WorkloadResult
from allconv.bench.timing import Timing
from allconv.bench.training import training_workloads
from allconv.bench.workload import FUNCTION_SIZES, NETWORK, STEP, Workload

IMPORTS = {
    "numpy": "numpy",
    OURS: "allconv, allconv.nn, allconv.functional",
    "torch": "torch",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
}
_TIMED = (
    "import json, sys, time; sys.path[:] = json.loads(sys.argv[1]); start = time.perf_counter(); "
    "import {}; print(time.perf_counter() - start)"
)
TIMEOUT = 300.0
WARM, COLD = "warm cache", "cold cache"
NEW_SIZE = {"channels": 3, "sides": [16, 220], "count": 200}


def startup_workloads() -> list[Workload]:
    """What is loaded: some networks, and a step of training."""
    made = [
        Workload(name, "load and first result", NETWORK, {"light": LIGHT[name], "batch": 1})
        for name in ("vgg19", "resnet50", "squeezenet")
    ]
    step = next(w for w in training_workloads() if w.kind == STEP)
    made.append(Workload(step.name, "first step of training", STEP, step.source))
    made.append(
        Workload("conv2d, 3x3, 16 filters", "a size not seen before", FUNCTION_SIZES, NEW_SIZE)
    )
    return made


def import_row(engines: Sequence[Engine], rounds: int) -> WorkloadResult:
    """Seconds of importing NumPy and each engine, in fresh processes, the first dropped."""
    row = WorkloadResult("import", "import", 1)
    for name in ("numpy", *(e.name for e in engines if e.name in IMPORTS)):
        try:
            taken = [_import_seconds(IMPORTS[name]) for _ in range(rounds + 1)][1:]
            row.figures[name] = Timing.of(taken).data()
        except (subprocess.SubprocessError, ValueError) as error:
            row.failures[name] = type(error).__name__
    return row


def _import_seconds(modules: str) -> float:
    command = [sys.executable, "-P", "-c", _TIMED.format(modules), json.dumps(sys.path)]
    done = subprocess.run(  # noqa: S603 (our own text)
        command, capture_output=True, text=True, timeout=TIMEOUT, check=True
    )
    return float(done.stdout.split()[-1])


def startup_rows(
    workload: Workload,
    engines: Sequence[Engine],
    threads: int,
    folder: Path,
    rounds: int,
    results: Results,
) -> list[WorkloadResult]:
    """Rows of one workload, each repeat in a fresh process.

    Compiled code is kept in a folder of this run: for a cold cache it is empty, for a warm one an
    earlier process filled it.
    """
    told = make_files(workload, folder)
    if workload.kind == FUNCTION_SIZES:
        return [_new_sizes(workload, told, engines, threads, results)]
    failures: dict[str, str] = {}
    rows = {
        state: WorkloadResult(
            workload.group, f"{workload.name}, {state}", threads, failures=failures
        )
        for state in (COLD, WARM)
    }
    for engine in engines:
        samples: dict[str, list[dict[str, float]]] = {COLD: [], WARM: []}
        with failing(failures, engine.name):
            for turn in range(rounds):
                cache = folder / f"cache-{engine.name}-{turn}"
                for state in (COLD, WARM):
                    samples[state].append(_first_result(engine, threads, told, cache, results))
        for state, found in samples.items() if engine.name not in failures else ():
            parts = {part: median(each[part] for each in found) for part in found[0]}
            totals = [sum(each.values()) for each in found]
            rows[state].figures[engine.name] = {**Timing.of(totals).data(), **parts}
    return list(rows.values())


def _first_result(
    engine: Engine, threads: int, told: dict[str, object], cache: Path, results: Results
) -> dict[str, float]:
    """Seconds of a fresh process's loading, imports included, and of its first call."""
    variables = {"ALLCONV_CACHE": str(cache)}
    cache.mkdir(mode=0o700, exist_ok=True)
    with WorkerProcess(engine, threads, variables=variables) as worker:
        answer = worker.prepare({**told, "cache": str(cache)})
        results.note(engine.name, answer["settings"])
        first = worker.ask("block", calls=1, dropped=0)["times"][0] * 1e-9
    return {"load": answer["load"], "first": first}


def _new_sizes(
    workload: Workload,
    told: dict[str, object],
    engines: Sequence[Engine],
    threads: int,
    results: Results,
) -> WorkloadResult:
    """Calls on many sizes: the first of each, and another one."""
    row = WorkloadResult(workload.group, workload.name, threads)
    count = int(workload.source["count"])
    for engine in engines:
        with failing(row.failures, engine.name), WorkerProcess(engine, threads) as worker:
            results.note(engine.name, worker.prepare(told)["settings"])
            first, again = (
                [1e-9 * t for t in worker.ask("block", calls=count, dropped=0)["times"]]
                for _ in range(2)
            )
            # Without the very first call, which loads what all sizes share.
            row.figures[engine.name] = {**Timing.of(first[1:]).data(), "again": median(again[1:])}
    return row
