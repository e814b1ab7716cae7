"""The register tiles of the direct algorithm: how many cells and how many vectors of channels.

A line of cells is covered by tiles of two heights, from its beginning on: large ones, then a small
one where few cells are left. The last tile of a line may have more rows than there are cells left.
Those rows repeat the last cell and are not written, so that every cell is written by one tile. A
tile for each number of cells that may be left would take no time for such rows, but far longer to
compile; the two heights leave few of them.
"""

from __future__ import annotations

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.target import Target

MENU = ((14, 8), (8, 4), (7, 4), (4, 2), (2, 1), (1, 0))
"""The pairs of heights that are offered, beside the one of the largest tile; few, so that few
kernels are compiled."""
WRITE = 4.0  # cycles of a step that the small tile costs more, for what it leaves is written alone
HARDLY = 1.03

Heights = tuple[int, int]
"""Cells of the large and of the small register tile; there is no small one if it has 0."""


def cycles_of(cells: int, vectors: int) -> float:
    """Cycles of a step of a tile: its multiplications at two a cycle, at least four cycles (two
    units of latency four) and at least its loads at two a cycle, and one for the loop."""
    return max(cells * vectors / 2, (cells + vectors) / 2, 4.0) + 1


def largest(target: Target, vectors: int) -> int:
    """Cells of the largest tile of so many vectors. It fills the registers, beside a row of weights
    and what a step needs besides; addresses of cells have 16 registers of their own."""
    most = 14 if target.registers >= 32 else 8
    return min((target.registers - vectors - 1 - (not target.fma)) // vectors, most)


def offered(target: Target, vectors: int) -> list[Heights]:
    """The pairs of heights for tiles of so many vectors, the largest tile first. A small tile has
    at most two thirds of the cells of the large one, so that it is worth having."""
    most = largest(target, vectors)
    small = max((each for each, _ in MENU if 3 * each <= 2 * most), default=0)
    return [(most, small), *(pair for pair in MENU if pair[0] < most)]


def choose_vectors(target: Target, vectors: int) -> int:
    """Vectors of a tile for so many vectors of output channels: what takes the least work on many
    cells; but two, which fill a cache line, if that is hardly more.

    This is the width of a block of packed weights, so no size of an image may decide it.
    """
    costs = {
        v: -(-vectors // v) * cycles_of(largest(target, v), v) / largest(target, v)
        for v in range(1, min(vectors, 3) + 1)
    }
    best = min(costs, key=costs.__getitem__)
    return 2 if 2 in costs and costs[2] <= HARDLY * costs[best] else best


def choose_heights(target: Target, cells: int, vectors: int, write: float = WRITE) -> Heights:
    """The heights of the register tiles that cover a line of `cells` with the least work, or hardly
    more: of those the largest, so that few kernels are compiled."""
    pairs = offered(target, vectors)
    costs = [line_cycles(pair, cells, vectors, write=write) for pair in pairs]
    return next(p for p, cost in zip(pairs, costs, strict=True) if cost <= HARDLY * min(costs))


def line_cycles(
    heights: Heights, cells: int, vectors: int, more: float = 0.0, write: float = WRITE
) -> float:
    """Cycles of a step of all the tiles of a line, `more` for each tile and `write` for a small
    one."""
    whole, _, covered = cover(heights, cells)
    large, small = heights
    cycles = whole * (cycles_of(large, vectors) + more)
    if covered > whole * large:
        cycles += cycles_of(small, vectors) + write + more
    return cycles


def cover(heights: Heights, cells: int) -> tuple[int, int, int]:
    """How many large tiles cover a line of `cells`, where the small one begins, if any are left,
    and how many cells all of them cover.

    >>> cover((14, 8), 64), cover((14, 8), 65), cover((14, 8), 49)
    ((4, 56, 64), (5, 70, 70), (3, 42, 50))
    """
    large, small = heights
    whole = -(-max(cells - small, 0) // large)
    begin = whole * large
    return whole, begin, begin + (small if begin < cells else 0)


def emit_cover(code: Code, heights: Heights, cells: Index) -> tuple[Index, Index, Index]:
    """The same in a kernel."""
    large, small = heights
    whole = code.ceil_div(code.max(code.sub(cells, small), 0), large)
    begin = code.mul(whole, large)
    rest = code.select(code.compare("<", begin, cells), small, 0)
    return whole, begin, code.add(begin, rest)


def choose_weight_tile(
    target: Target, taps: int, channels: int, vectors: int
) -> tuple[int, int, int]:
    """The register tile (taps along axis 2, channels, vectors) of least work."""
    best: tuple[float, int, tuple[int, int, int]] | None = None
    for v in range(1, min(vectors, 3) + 1):
        for width in (w for w in (14, 11, 8, 7, 4, 3, 2, 1) if w <= channels):
            for height in range(1, (min(taps, 4) if width == channels else 1) + 1):
                cells = height * width
                if cells * v + v + 1 + (not target.fma) > target.registers:
                    continue
                tiles = -(-taps // height) * -(-channels // width) * -(-vectors // v)
                candidate = (tiles * cycles_of(cells, v), -cells * v, (height, width, v))
                best = candidate if best is None else min(best, candidate)
    if best is None:
        raise ValueError(f"no tile for {channels} channels and {vectors} vectors")
    return best[2]
