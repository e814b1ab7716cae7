"""What the machine can do, by loops that do nothing else: multiply-adds, reading, copying."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allconv.engine import cache
from allconv.engine.arguments import Arguments, T
from allconv.engine.buffer import aligned
from allconv.engine.emit.code import Code
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.llvm import processor
from allconv.engine.target import host

TURNS = 2_000_000  # some ten milliseconds: shorter loops end before the core is at its speed
CHAINS = 24  # of multiply-adds that do not wait for each other
STREAMS = 8  # vectors that are read, or copied, in one turn of a loop
BYTES = 64 * 1024 * 1024  # that each thread reads or copies: more than caches hold
REPEATS = 7


@dataclass(frozen=True, kw_only=True)
class AddsArguments(Arguments[T]):
    """How often to add, and where the sums go."""

    turns: T
    out: T


@dataclass(frozen=True, kw_only=True)
class MovesArguments(Arguments[T]):
    """How many bytes of the source are read, and where they, or their sums, go."""

    bytes: T
    source: T
    out: T


@dataclass(frozen=True)
class MultiplyAdds(Kernel):
    """Chains of multiply-adds, `turns` long; the sums are stored, so that they are needed."""

    takes: ClassVar = AddsArguments

    @property
    def chains(self) -> int:
        """How many chains fit in registers."""
        return min(CHAINS, self.target.registers - 4)

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(AddsArguments)
        x = View(code, a.out).vector()
        sums = [code.fadd(x, float(n)) for n in range(self.chains)]
        with code.loop(a.turns, carry=sums, at_least_once=True):
            sums[:] = [code.fma(x, x, each) for each in sums]
        for each in sums:
            View(code, a.out).store(each)


@dataclass(frozen=True)
class Reading(Kernel):
    """Sums of all vectors of `bytes` from `source` on; the sums are stored."""

    takes: ClassVar = MovesArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(MovesArguments)
        sums = [code.const(0.0)] * STREAMS
        turn = STREAMS * code.lanes * code.size
        with code.loop(a.bytes, step=turn, carry=sums, at_least_once=True) as i:
            here = View(code, code.add(a.source, i))
            sums[:] = [code.fadd(each, here.vector(v)) for v, each in enumerate(sums)]
        for each in sums:
            View(code, a.out).store(each)


@dataclass(frozen=True)
class Copying(Kernel):
    """All vectors of `bytes` from `source` on go to `out`."""

    takes: ClassVar = MovesArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(MovesArguments)
        turn = STREAMS * code.lanes * code.size
        with code.loop(a.bytes, step=turn, at_least_once=True) as i:
            source = View(code, code.add(a.source, i))
            out = View(code, code.add(a.out, i))
            for v in range(STREAMS):
                out.store(source.vector(v), v)


def measure_peaks(threads: int) -> dict[str, float | str]:
    """Of so many threads together: multiply-adds, bytes read and bytes copied per second.

    The best of some runs each. A copied byte is counted once, though it is read and written. Beside
    them "cpu", LLVM's name of the processor, and "bits" of a vector.
    """
    target = host()
    adds = MultiplyAdds(target, "float32")
    lanes = target.lanes("float32")
    sources = [aligned(BYTES) for _ in range(threads)]
    targets = [aligned(BYTES) for _ in range(threads)]
    for array in (*sources, *targets):
        array[...] = 0
    ends = [np.zeros(64, np.float32) for _ in range(threads)]

    def best(kernel: Kernel, blocks: list[list[int]]) -> float:
        return min(_together(kernel, blocks) for _ in range(REPEATS))

    multiplying = best(adds, [[TURNS, end.ctypes.data] for end in ends])
    reading = best(
        Reading(target, "float32"),
        [[BYTES, s.ctypes.data, e.ctypes.data] for s, e in zip(sources, ends, strict=True)],
    )
    copying = best(
        Copying(target, "float32"),
        [[BYTES, s.ctypes.data, t.ctypes.data] for s, t in zip(sources, targets, strict=True)],
    )
    return {
        "cpu": processor()[1],
        "bits": target.bits,
        "multiply_adds": threads * TURNS * adds.chains * lanes / multiplying,
        "read": threads * BYTES / reading,
        "copied": threads * BYTES / copying,
    }


def _together(kernel: Kernel, blocks: list[list[int]]) -> float:
    """Seconds from when the first thread begins, on a block each, until the last one ends."""
    function = _function(kernel)
    gate = threading.Barrier(len(blocks))
    spans: list[tuple[float, float]] = []

    def work(block: list[int]) -> None:
        arguments = np.array(block, np.int64)
        gate.wait()
        start = time.perf_counter()
        function(arguments.ctypes.data, 0, 0)
        spans.append((start, time.perf_counter()))

    workers = [threading.Thread(target=work, args=(block,)) for block in blocks[1:]]
    for each in workers:
        each.start()
    work(blocks[0])
    for each in workers:
        each.join()
    return max(end for _, end in spans) - min(start for start, _ in spans)


def _function(kernel: Kernel) -> Callable[..., None]:
    address = cache.load(kernel).address
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(address)
