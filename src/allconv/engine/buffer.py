"""Memory that starts on a cache line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LINE = 64  # bytes; also the widest vector


class Block(NamedTuple):
    """Memory and its address, a multiple of 64."""

    memory: NDArray[np.uint8]
    address: int

    @classmethod
    def of(cls, size: int) -> Block:
        """`size` bytes of fresh memory."""
        memory = aligned(size)
        return cls(memory, memory.ctypes.data)


def aligned(size: int) -> NDArray[np.uint8]:
    """`size` bytes of fresh memory, of undefined content, whose address is a multiple of 64."""
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size]
