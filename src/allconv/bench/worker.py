"""A worker: one engine in a process of its own, told what to do line by line.

Each line on the standard input is a JSON object whose "do" is one of the words below; each is
answered by one line. An answer has "ok"; where that is false, "error" says what went wrong, and
the worker goes on. Whatever engines print goes to the standard error.

prepare   engine module, variant, threads, workload -> settings, seconds of import and loading
warm      seconds: call again and again -> seconds of the first call and of the usual one
block     calls, dropped: call -> nanoseconds of each call that was not dropped
results   path: write what a call gives as npz
memory    -> bytes held now, and at most so far
profile   repeats -> a row a step
peaks     threads -> what the machine can do, see `peaks`
end       -> and the process ends

It ends, too, when its standard input does: when the one who started it is gone.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Any, TypeAlias

Message: TypeAlias = dict[str, Any]
MOST_WARM_CALLS = 1000


def main() -> None:
    """Serve until told to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started it
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


def serve(lines: IO[str], answers: IO[str]) -> None:
    """Answer each line."""
    worker = Worker()
    for line in lines:
        message = json.loads(line)
        try:
            answer = {"ok": True, **worker.do(message)}
        except Exception as error:  # an engine may raise anything; the tables will show it
            answer = {"ok": False, "error": _sentence(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if message["do"] == "end":
            return


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    kind = type(error).__name__
    return text if kind == "CannotRunError" else f"{kind}: {text}" if text else kind


class Worker:
    """What a worker has prepared, and what it can do."""

    def __init__(self) -> None:
        self._prepared: Any = None

    def do(self, message: Message) -> Message:
        """Carry out a message; what to answer."""
        words: dict[str, Callable[..., Message]] = {
            "prepare": self.prepare,
            "warm": self.warm,
            "block": self.block,
            "results": self.results,
            "memory": self.memory,
            "profile": self.profile,
            "peaks": self.peaks,
            "end": dict,
        }
        settings = dict(message)
        return words[settings.pop("do")](**settings)

    def prepare(self, engine: str, variant: str, threads: int, workload: Message) -> Message:
        """Import an engine and make a workload ready; what was ready before is dropped."""
        self._prepared = None
        gc.collect()
        start = time.perf_counter()
        module = import_module(engine)
        self._prepared = module.prepare(workload, threads, variant)
        return {"settings": self._prepared.settings, "load": time.perf_counter() - start}

    def warm(self, seconds: float) -> Message:
        """Call at least twice."""
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while len(taken) < 2 or (time.perf_counter() < end and len(taken) < MOST_WARM_CALLS):
            start = time.perf_counter()
            self._prepared.call()
            taken.append(time.perf_counter() - start)
        return {"first": taken[0], "usual": statistics.median(taken[1:])}

    def block(self, calls: int, dropped: int) -> Message:
        """Time calls; no garbage is collected meanwhile."""
        call, clock = self._prepared.call, time.perf_counter_ns
        gc.collect()
        gc.disable()
        try:
            for _ in range(dropped):
                call()
            times = []
            for _ in range(calls):
                start = clock()
                call()
                times.append(clock() - start)
        finally:
            gc.enable()
        return {"times": times}

    def results(self, path: str) -> Message:
        """Write the results of a call."""
        import numpy as np

        arrays = {f"y{n}": np.asarray(a) for n, a in enumerate(self._prepared.results())}
        with Path(path).open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # arrays by name, no flag
        return {}

    def memory(self) -> Message:
        """The memory of this process."""
        return {"now": status_bytes("VmRSS"), "most": status_bytes("VmHWM")}

    def profile(self, repeats: int) -> Message:
        """The steps of a run."""
        if self._prepared.profile is None:
            raise ValueError("this engine does not time its steps")
        return {"rows": self._prepared.profile(repeats)}

    def peaks(self, threads: int) -> Message:
        """What the machine can do."""
        from allconv.bench.peaks import measure_peaks

        return measure_peaks(threads)


def status_bytes(name: str) -> int:
    """A line of Linux's account of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no line {name}")
