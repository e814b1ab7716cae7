"""The register tile of the direct algorithm: how many cells and how many vectors of channels."""

from __future__ import annotations

from allconv.engine.target import Target


def cycles_of(cells: int, vectors: int) -> float:
    """Cycles of a step of a tile: its multiplications at two a cycle, at least four cycles (two
    units of latency four) and at least its loads at two a cycle, and one for the loop."""
    return max(cells * vectors / 2, (cells + vectors) / 2, 4.0) + 1


def widths(target: Target, vectors: int) -> list[int]:
    """The numbers of cells of tiles of so many vectors that are offered; few, so that few kernels
    are compiled. The largest one fills the registers, beside a row of weights and what a step
    needs besides; addresses of cells have 16 registers of their own."""
    most = 14 if target.registers >= 32 else 8
    largest = min((target.registers - vectors - 1 - (not target.fma)) // vectors, most)
    return [largest, *(width for width in (7, 4, 2, 1) if width < largest)]


def choose_vectors(target: Target, vectors: int) -> int:
    """Vectors of a tile for so many vectors of output channels: what takes the least work on many
    cells, and of equals the fewest, for two of them fill a cache line.

    This is the width of a block of packed weights, so no size of an image may decide it.
    """
    costs = [
        (-(-vectors // v) * cycles_of(widths(target, v)[0], v) / widths(target, v)[0], v)
        for v in range(1, min(vectors, 3) + 1)
    ]
    return min(costs)[1]


def choose_cells(target: Target, cells: int, vectors: int) -> int:
    """The number of cells of the register tile that covers a line of `cells` with the least work;
    the last tile begins where it ends with the line."""
    offered = [width for width in widths(target, vectors) if width <= cells]
    return min(offered, key=lambda width: -(-cells // width) * cycles_of(width, vectors))


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
