"""Steps of which each needs all of the one before."""

from __future__ import annotations

from math import gcd

import numpy as np

from allconv.engine.emit.view import View
from allconv.engine.runner import (
    Column,
    Job,
    new_table,
)

from .calling import HOST, Written, address_of


def add_previous(code):
    """out[chunk] += 1 + chunk + the sum of the previous step; the slowest chunk is the first."""
    previous = View(code, code.arg("previous"), 8, dtype="int64")
    total = [code.value(0)]
    turns = code.select(code.compare("==", code.chunk, 0), 20, 1)
    with code.loop(turns):
        total[0] = code.value(0)
        with code.loop(code.arg("n"), carry=total) as i:
            total[0] = code.add(total[0], previous[i].scalar())
        View(code, code.scratch, dtype="int64").store_scalar(total[0])
    out = View(code, code.arg("out"), 8, dtype="int64")[code.chunk]
    total = View(code, code.scratch, dtype="int64").scalar()
    out.store_scalar(code.add(out.scalar(), total, code.chunk, 1))


class Chain:
    """Steps that each need all of the step before: a wrong order or a repeated chunk shows."""

    def __init__(self, sizes: list[int]) -> None:
        address = address_of(Written(HOST, "float32", ("previous", "n", "out"), add_previous))
        self.rows = [np.zeros(size, np.int64) for size in sizes]
        self.table = new_table(len(sizes))
        self.args = np.zeros((len(sizes), 3), np.int64)
        self.empty = np.zeros(1, np.int64)
        for step, (previous, row) in enumerate(
            zip([self.empty, *self.rows], self.rows, strict=False)
        ):
            self.args[step] = previous.ctypes.data, len(previous), row.ctypes.data
        self.table[:, Column.ADDRESS] = address
        self.table[:, Column.ARGS] = [row.ctypes.data for row in self.args]
        self.table[:, Column.CHUNKS] = sizes
        self.job = Job(self.table, scratch=64)

    def shuffle(self, seed: int) -> None:
        """Another order of the chunks of every step."""
        random = np.random.default_rng(seed)
        for row, array in zip(self.table, self.rows, strict=True):
            chunks = max(len(array), 1)
            row[Column.OFFSET] = random.integers(0, chunks)
            coprime = [k for k in range(1, chunks + 1) if gcd(k, chunks) == 1]
            row[Column.MULTIPLIER] = random.choice(coprime)

    def clear(self) -> None:
        for row in self.rows:
            row[:] = 0

    def check(self) -> None:
        """Every row is what one run leaves."""
        total = 0
        for row in self.rows:
            want = total + 1 + np.arange(len(row))
            np.testing.assert_array_equal(row, want)
            total = int(want.sum())
