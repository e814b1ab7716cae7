"""The suites: what `allconv bench` measures, row by row, with the results written as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from allconv.bench.engines import ENGINES, OURS, Engine
from allconv.bench.layers import layer_workloads
from allconv.bench.making import make_files
from allconv.bench.memory import check_system, memory_row, memory_workloads
from allconv.bench.networks import network_workloads
from allconv.bench.process import WorkerProcess, failing
from allconv.bench.results import SUITES, Results, WorkloadResult
from allconv.bench.startup import import_row, startup_rows, startup_workloads
from allconv.bench.training import training_workloads
from allconv.bench.turns import Pace, measure
from allconv.bench.workload import Workload, chosen
from allconv.errors import Error
from allconv.text import counted

LAYERS, NETWORKS, TRAINING, STARTUP, MEMORY, MODEL = SUITES
NAMES = (LAYERS, NETWORKS, TRAINING, STARTUP, MEMORY)
"""What a user can name; a file is the suite `model`."""

PACES = {  # blocks are as long as a few calls need, and as many as fit in some minutes
    LAYERS: Pace(rounds=5, seconds=0.05, warm=0.1),
    NETWORKS: Pace(rounds=5, seconds=0.25),
    TRAINING: Pace(rounds=5, seconds=0.5),
    STARTUP: Pace(rounds=3),
    MEMORY: Pace(rounds=1),
    MODEL: Pace(rounds=9, seconds=0.3),
}
PROFILE_REPEATS = 5
PREFIX = "allconv-bench-"  # of the folder of a workload


@dataclass(frozen=True)
class Request:
    """What is asked for.

    `models` are the workloads of the suite "model"; `words` choose workloads by name; `rounds` is
    how often engines have their turn (None: the suite's).
    """

    suite: str
    threads: tuple[int, ...]
    peers: tuple[Engine, ...]
    missing: tuple[Engine, ...] = ()
    models: tuple[Workload, ...] = ()
    batches: tuple[int, ...] = (1,)
    words: str | None = None
    rounds: int | None = None
    profile: bool = False

    @property
    def engines(self) -> list[Engine]:
        """Ours and the peers."""
        return [ENGINES[OURS], *self.peers]

    @property
    def pace(self) -> Pace:
        """How long to measure."""
        usual = PACES[self.suite]
        if self.rounds is None:
            return usual
        return Pace(self.rounds, usual.seconds, usual.warm, usual.silence)

    def workloads(self) -> list[Workload]:
        """What is measured."""
        if self.suite == MODEL:
            return list(self.models)
        made = {
            LAYERS: layer_workloads,
            NETWORKS: lambda: network_workloads(self.batches),
            TRAINING: training_workloads,
            STARTUP: startup_workloads,
            MEMORY: memory_workloads,
        }
        return chosen(made[self.suite](), self.words)


class Listener(Protocol):
    """Whoever wants to know how far a run is."""

    def progress(self, done: int, total: int, what: str) -> None:
        """Something is about to be measured."""

    def found(self, rows: Sequence[WorkloadResult], results: Results) -> None:
        """Rows were found, and are part of the results."""


def run(request: Request, results: Results, listener: Listener) -> Results:
    """Measure all of it into `results`, telling the listener after each workload."""
    workloads = request.workloads()
    if request.suite == MEMORY:
        check_system()
    for engine in request.missing:
        results.missing[engine.name] = f"pip install {engine.package}"
    total = len(workloads) * len(request.threads)
    done = 0
    for threads in request.threads:
        if request.suite != MEMORY:
            listener.progress(done, total, f"peaks of the machine, {counted(threads, 'thread')}")
            results.peaks[str(threads)] = _peaks(threads)
        with ExitStack() as running:
            workers = [
                running.enter_context(WorkerProcess(each, threads)) for each in request.engines
            ]
            if request.suite == STARTUP and not request.words and threads == request.threads[0]:
                listener.progress(done, total, "imports")
                rows = [import_row(request.engines, request.pace.rounds)]
                _keep(rows, results, listener)
            for workload in workloads:
                listener.progress(done, total, f"{workload.name}, {counted(threads, 'thread')}")
                with TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
                    try:
                        rows = _rows(request, workload, workers, Path(made), results)
                    except (Error, OSError) as error:  # its files: no room, or no such network
                        rows = [_failed(workload, threads, error)]
                _keep(rows, results, listener)
                done += 1
    return results


def _keep(rows: list[WorkloadResult], results: Results, listener: Listener) -> None:
    results.rows += rows
    listener.found(rows, results)


def _failed(workload: Workload, threads: int, error: Exception) -> WorkloadResult:
    """The row of a workload that could not be made."""
    why = f"the workload cannot be made: {' '.join(str(error).split())}"
    return WorkloadResult(
        workload.group, workload.name, threads, workload.layout, failures={OURS: why}
    )


def _rows(
    request: Request,
    workload: Workload,
    workers: list[WorkerProcess],
    folder: Path,
    results: Results,
) -> list[WorkloadResult]:
    """The rows of one workload; without its own folder in what is said."""
    threads = workers[0].threads
    engines = [e for e in request.engines if e.runs(workload)]
    rounds = request.pace.rounds
    if request.suite == STARTUP:
        rows = startup_rows(workload, engines, threads, folder, rounds, results)
    elif request.suite == MEMORY:
        rows = [memory_row(workload, engines, threads, folder, results)]
    else:
        taking_part = [w for w in workers if w.engine.runs(workload)]
        rows = [_timed(request, workload, taking_part, folder, results)]
    for row in rows:
        row.failures = {name: why.replace(f"{folder}/", "") for name, why in row.failures.items()}
    return rows


def _timed(
    request: Request,
    workload: Workload,
    workers: list[WorkerProcess],
    folder: Path,
    results: Results,
) -> WorkloadResult:
    told: dict[str, Any] = {**make_files(workload, folder), "cache": str(folder / "compiled")}
    found = measure(workers, told, folder, request.pace)
    row = WorkloadResult(
        workload.group, workload.name, workers[0].threads, workload.layout, workload.multiply_adds
    )
    row.figures = {name: timing.data() for name, timing in found.timings.items()}
    row.differences, row.failures = found.differences, found.failures
    for name, settings in found.settings.items():
        results.note(name, settings)
    if request.profile and OURS in found.timings:
        ours = next(w for w in workers if w.engine.name == OURS)
        with failing(row.failures, "profile"):
            row.profile = ours.ask("profile", repeats=PROFILE_REPEATS)["rows"]
    if request.suite != LAYERS:  # a network has processes of its own
        for worker in workers:
            worker.end()
    return row


def _peaks(threads: int) -> dict[str, Any]:
    """What the machine can do on so many threads."""
    with WorkerProcess(ENGINES[OURS], threads) as worker:
        return worker.ask("peaks", threads=threads)
