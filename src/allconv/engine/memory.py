"""Memory between steps, lent to whatever runs: programs of many sizes share what one needs.

The list of idle blocks changes by single operations only, which no thread, signal handler or child
process can find half done; so no run waits for memory.
"""

from __future__ import annotations

from collections import deque

from allconv.engine.buffer import Block

IDLE = 256 * 1024 * 1024
"""Bytes that may lie idle beside the block that was used last, whatever its size."""

_idle: deque[Block] = deque()  # the one that was used last is the last


def borrow(size: int) -> Block:
    """At least `size` bytes on a cache line, of undefined content, for one run.

    Where none of the idle blocks is large enough, the one that was used last makes room for a
    larger one: there are never more blocks than runs at the same time.
    """
    small: list[Block] = []
    found = None
    while found is None:
        try:
            block = _idle.pop()
        except IndexError:
            break
        if block.memory.nbytes >= size:
            found = block
        else:
            small.append(block)
    _idle.extendleft(small if found is not None else small[1:])
    return Block.of(size) if found is None else found


def give_back(block: Block) -> None:
    """Lend a block again; what lies idle for too long is released."""
    if block.memory.nbytes:
        _idle.append(block)
    while len(_idle) > 1 and idle_bytes() - block.memory.nbytes > IDLE:
        try:
            _idle.popleft()
        except IndexError:
            break


def idle_bytes() -> int:
    """Bytes that are kept and not in use."""
    return sum(block.memory.nbytes for block in tuple(_idle))
