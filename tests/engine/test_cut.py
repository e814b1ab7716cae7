"""How correlations are cut into units: nothing is lost, all fits, many threads have work."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from allconv import nn
from allconv.engine.kernels import direct_convolution
from allconv.engine.kernels.chunk_sizes import MOST
from allconv.engine.kernels.cut import CELL_BYTES, LARGEST, Cut, WorkToCut, cut
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.four_axes import AxisPhases
from allconv.engine.kernels.planes import Planes
from allconv.engine.phases import Phase
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import names
from allconv.operators.base import Spec


def axis(cells: int, taps: int, stride: int, dilation: int) -> AxisPhases:
    """An axis of one phase."""
    return AxisPhases((Phase(0, 1, cells, 0, 1, taps, 0, stride, dilation),))


def drawn(draw: np.random.Generator) -> WorkToCut:
    """The work of a correlation."""
    rows, columns = (int(n) for n in draw.integers(1, int(draw.choice([6, 20, 200])), 2))
    taps, stride, dilation = (int(n) for n in draw.integers(1, 6, 3))
    channels, blocks, vectors = (int(draw.integers(1, n)) for n in (600, 80, 4))
    heights = [(1, 0), (2, 1), (4, 2), (6, 4), (7, 4), (8, 4), (14, 8)][draw.integers(7)]
    alone = bool(draw.random() < 0.2)
    return WorkToCut(
        axis(rows, taps, stride, dilation), axis(columns, taps, stride, dilation),
        int(draw.integers(1, 5)), heights, vectors, alone, channels * taps * taps,
        8 * vectors, blocks, 4 * channels, 4, float(draw.choice([0.0, 0.3, 1.0])),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_cuts_are_possible_and_fit(seed: int) -> None:
    """No unit of any cut is empty or smaller than a tile must be; the chosen one fits if the whole
    does."""
    draw = np.random.default_rng(seed)
    for _ in range(25):
        work = drawn(draw)
        chosen = cut(work)
        every = list(work.cuts())
        assert chosen in every
        for each in every:
            assert 1 <= each.rows <= work.row.least
            assert 1 <= each.columns <= work.column.least
            assert 1 <= each.channels <= work.blocks
            rows, columns = work.row.least // each.rows, work.column.least // each.columns
            whole = work.column.least * (1 if work.alone else work.row.least)
            cells = columns if work.alone else rows * columns
            assert cells >= min(work.heights[0], whole), (work, each)
        if work.fits(Cut(1, 1, 1)):
            assert work.fits(chosen)
        for each in every:
            if work.fits(each):
                assert work.possible(chosen)
                assert work.time(chosen) <= work.time(each)


def test_what_fits() -> None:
    """A band, with what is written down of its cells, and the multiply-adds of a unit."""
    hundred = axis(100, 3, 1, 1)
    work = WorkToCut(hundred, hundred, 1, (6, 4), 2, False, 9 * 64, 16, 4, 4 * 64, 4, 0.3)
    for rows in (1, 10, 20, 50, 100):
        taken, columns = work.cells(Cut(rows, 1, 1))
        band = (taken + 2) * (columns + 2) * 4 * 64
        within = band + taken * columns * CELL_BYTES <= LARGEST
        few = taken * columns * 9 * 64 * 64 <= MOST
        assert work.fits(Cut(rows, 1, 1)) == (within and few)


def test_few_cells_do_not_read_many_weights() -> None:
    """Of sums of many terms more cells are taken than fit, if that takes far less time."""
    for size in (14, 33, 65):
        side = axis(size, 3, 1, 1)
        for channels in (64, 256, 512, 2048):
            work = WorkToCut(
                side, side, 1, (14, 8), 2, False, 9 * channels, 32, 8, 4 * channels, 4, 0.3
            )
            chosen = cut(work)
            assert work.possible(chosen)
            if channels < 2048:
                assert work.fits(chosen)
            rows, columns = work.cells(chosen)
            assert rows * columns >= 2 * work.heights[0], (size, channels, chosen)


LAYERS = [
    (nn.Conv2d(64, 64, 3, padding=1), (1, 64, 56, 56)),
    (nn.Conv2d(64, 256, 1), (1, 64, 56, 56)),
    (nn.Conv2d(256, 512, 1, stride=2), (1, 256, 56, 56)),
    (nn.Conv2d(1024, 256, 1), (1, 1024, 14, 14)),
    (nn.Conv2d(512, 2048, 1), (1, 512, 7, 7)),
    (nn.Conv2d(256, 256, 3, stride=2, padding=1), (1, 256, 28, 28)),
    (nn.Conv2d(3, 64, 7, stride=2, padding=3), (1, 3, 224, 224)),
    (nn.Conv2d(96, 128, 5, padding=2), (1, 96, 27, 27)),
    (nn.Conv3d(32, 32, 3, padding=1), (1, 32, 8, 28, 28)),
    (nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1), (1, 64, 28, 28)),
]


def direct_steps(layer: nn.Module, shape: tuple[int, ...]) -> Iterator[KernelStep]:
    program = Program(layer.traced(Spec(shape)).graph, exact=True)
    for step in program.steps():
        if isinstance(step, KernelStep) and isinstance(step.kernel, Direct | Planes):
            yield step


@pytest.mark.parametrize("target", names())
def test_threads_share_the_work(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal chunks claimed in turn by 1 to 64 threads: which share of their time they work.

    With vectors of 512 bits the chunks of these layers take some 50 microseconds, so that fewer are
    worth it: nothing is said of more than 16 threads there. More than half as many threads as there
    are chunks work at least half of their time.
    """
    monkeypatch.setenv("ALLCONV_TARGET", target)
    most, least = (16, 0.75) if target == "avx512" else (64, 0.85)
    for layer, shape in LAYERS:
        for step in direct_steps(layer, shape):
            for threads in range(1, most + 1):
                turns = -(-step.chunks // threads)
                busy = step.chunks / (turns * threads)
                few = threads <= min(8, step.chunks // 2)
                assert busy >= (least if few else 0.5), (step.chunks, threads, shape)


@pytest.mark.parametrize("target", names())
def test_small_steps_are_shared_by_two(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three million multiply-adds, 30 microseconds or more, are two chunks at least."""
    monkeypatch.setenv("ALLCONV_TARGET", target)
    for channels, outputs, side in ((16, 64, 55), (32, 128, 27), (48, 192, 13), (384, 48, 13)):
        for step in direct_steps(nn.Conv2d(channels, outputs, 1), (1, channels, side, side)):
            assert step.chunks >= 2, (channels, outputs, side)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (nn.Conv2d(70, 40, 3, padding=1), (20, 21)),
        (nn.Conv2d(300, 50, 1), (20, 21)),
        (nn.Conv2d(12, 16, 3), (11, 9)),
        (nn.Conv2d(8, 16, 3), (50, 49)),
    ],
)
def test_a_cut_changes_no_bit(
    layer: nn.Module, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However cells and channels are cut, sums are the same."""
    draw = np.random.default_rng(5)
    parameters = list(layer.parameters().values())
    x = draw.standard_normal((1, parameters[0].shape[1], *size)).astype(np.float32)
    graph = layer.traced(Spec(x.shape)).graph
    counts: set[int] = set()
    results = []
    for number in range(40):

        def choose(work: WorkToCut, number: int = number) -> Cut:
            possible = list(work.cuts())
            chosen = possible[number % len(possible)]
            counts.add(work.units(chosen))
            return chosen

        monkeypatch.setattr(direct_convolution, "cut", choose)
        results += Program(graph, exact=True)(x, *parameters)
    assert len(counts) > 1
    assert all(np.array_equal(result, results[0]) for result in results)
