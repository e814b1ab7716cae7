"""Engines that do as they are told: workers import them by name."""

from __future__ import annotations

import os
import time

import numpy as np

from allconv.bench.engines.prepared_workload import CannotRunError, PreparedWorkload, Told


def prepare(told: Told, threads: int, variant: str) -> PreparedWorkload:
    """A workload whose "fail" says where the engine named by the variant goes wrong."""
    fail = told.get("fail", {}).get(variant)
    if fail == "prepare":
        raise CannotRunError("no translation here")
    print("engines talk on the standard output")
    calls = iter(range(2**62))

    def call() -> int:
        number = next(calls)
        if fail == "die" and number > 2:
            print("out of luck", file=__import__("sys").stderr, flush=True)
            os._exit(7)
        if fail == "hang" and number > 2:
            time.sleep(600)
        if fail == "raise":
            raise MemoryError("too\nlarge")
        return number

    def results() -> list[np.ndarray]:
        number = np.nan if fail == "nan" else float(next(calls))
        return [np.array([number, 8.0]), np.zeros((2, 0))]

    return PreparedWorkload(
        call, results, f"{variant}, {threads}", lambda repeats: [{"n": repeats}]
    )
