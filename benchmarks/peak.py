"""The most multiply-adds one core does: independent chains in registers, nothing loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allconv.engine import compiler
from allconv.engine.emit.code import Code
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.target import host

TURNS = 2_000_000  # some ten milliseconds: shorter loops end before the core is at its speed
CHAINS = 24


@dataclass(frozen=True)
class Peak(Kernel):
    """Chains of multiply-adds, `turns` long; the sums are stored, so that they are needed."""

    slots: ClassVar[tuple[str, ...]] = ("turns", "out")

    def emit(self, code: Code) -> None:
        """Write the body."""
        chains = min(CHAINS, code.target.registers - 4)
        x = View(code, code.arg("out")).vector()
        sums = [code.fadd(x, float(n)) for n in range(chains)]
        with code.loop(code.arg("turns"), carry=sums, at_least_once=True):
            sums[:] = [code.fma(x, x, each) for each in sums]
        for each in sums:
            View(code, code.arg("out")).store(each)


def peak() -> tuple[Callable[[], object], float]:
    """A call that runs the loop on one core, and its multiplications and additions."""
    import ctypes

    kernel = Peak(host(), "float32")
    address = compiler.link(kernel.name, compiler.compile_object(kernel))
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(address)
    memory = np.zeros(64, np.float32)
    block = np.array([TURNS, memory.ctypes.data], np.int64)
    chains = min(CHAINS, kernel.target.registers - 4)

    def call(kept: tuple[object, ...] = (memory, block)) -> None:
        function(block.ctypes.data, 0, 0)

    return call, 2.0 * TURNS * chains * kernel.target.lanes("float32")
