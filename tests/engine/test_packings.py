"""However bands are packed: they hold what is met, and every sum is that of the definition."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import nn
from allconv.engine.kernels import direct_convolution, weight_steps
from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.four_axes import AxisPhases
from allconv.engine.kernels.packing import packings, packings_by_tap
from allconv.engine.kernels.weight import Weight
from allconv.engine.phases import Phase
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.trace import Builder
from allconv.window import Axis, Window
from tiers import shares

from .comparing import channels_last, check_equal, graph_of, plan_of
from .geometries import VIEWS, Geometry, draw_geometry

WAYS = 6  # to pack a band, at most
SHARE, SHARES = 9, 4
KINDS = ("stride", "dilation", "stride and dilation", "groups", "phases", "ragged")


def force(monkeypatch: pytest.MonkeyPatch, way: int) -> set[tuple[bool, ...]]:
    """Have all bands packed in one way, of those that there are; which ones that were."""
    taken: set[tuple[bool, ...]] = set()

    def forced(every):
        def one(axes, *, close):
            ways = list(every(axes, close=close))
            chosen = ways[way % len(ways)]
            split = len(chosen[2].phases) > len(axes[2].phases)
            taken.add((split, *(axis.apart for axis in chosen[2:])))
            return [chosen]

        return one

    monkeypatch.setattr(direct_convolution, "packings", forced(packings))
    monkeypatch.setattr(weight_steps, "packings_by_tap", forced(packings_by_tap))
    return taken


def wide(draw: np.random.Generator) -> Geometry:
    """A geometry of few cells that taps meet, far from each other."""
    count = int(draw.choice([1, 2, 2, 3]))
    most = {1: 60, 2: 20, 3: 7}[count]
    axes = []
    while len(axes) < count:
        kernel, dilation = int(draw.integers(1, 5)), int(draw.integers(1, most))
        stride = int(draw.choice([1, 1, 2, 3, 6]))
        low, high = (int(n) for n in draw.integers(-1, max(dilation, 2), 2))
        size = int(draw.integers(1, most + 1))
        if size + low + high > dilation * (kernel - 1) and size + low + high > 0:
            axes.append(
                Axis.forward(
                    size, kernel, stride=stride, dilation=dilation, padding=(low, high)
                )
            )  # fmt: skip
    inputs, outputs = (int(n) for n in draw.choice([1, 2, 3, 5, 9, 17], 2))
    return Geometry(Window(tuple(axes)), int(draw.choice([1, 2])), inputs, outputs, 1, local=False)


@pytest.mark.parametrize("share", shares(SHARES, fast=1))
@pytest.mark.parametrize("way", range(WAYS))
def test_every_way_gives_the_sums_of_the_definition(way, share, monkeypatch):
    """Forward and both gradients, in either order of memory."""
    force(monkeypatch, way)
    for number in range(share * SHARE, (share + 1) * SHARE):
        draw = np.random.default_rng([31, number])
        kind = KINDS[number % len(KINDS)]
        geometry = wide(draw) if number % 3 else draw_geometry(draw, kind)
        for view in VIEWS:
            operator, operands = geometry.problem(view, draw, "float32")
            if draw.random() < 0.5:
                operands = tuple(map(channels_last, operands))
            check_equal(graph_of(operator, operands), operands)


LAYERS = [
    (nn.Conv2d(20, 40, 3, padding=4, dilation=4), (20, 21)),
    (nn.Conv2d(70, 33, 3, padding=9, dilation=9, stride=2), (20, 21)),
    (nn.Conv2d(12, 16, 3, stride=5), (30, 40)),
    (nn.Conv1d(12, 40, 3, padding=30, dilation=30), (200,)),
]


@pytest.mark.parametrize(("layer", "size"), LAYERS)
def test_no_way_changes_a_bit(layer, size, monkeypatch):
    """Of sums that are rounded; all ways are taken."""
    draw = np.random.default_rng(8)
    parameters = list(layer.parameters().values())
    x = draw.standard_normal((1, parameters[0].shape[1], *size)).astype(np.float32)
    graph = layer.traced(Spec(x.shape)).graph
    results, taken = [], set()
    for way in range(WAYS):
        ways = force(monkeypatch, way)
        for image in (x, channels_last(x)):
            results += Program(graph, exact=True)(image, *parameters)
        taken |= ways
    assert len(taken) >= 2
    assert all(np.array_equal(result, results[0]) for result in results)


def drawn_axis(draw: np.random.Generator) -> AxisPhases:
    cells, taps, stride, dilation = (int(n) for n in draw.integers(1, 9, 4))
    return AxisPhases((Phase(0, 1, cells, 0, 1, taps, -3, stride, dilation),))


def test_a_band_holds_what_is_met() -> None:
    """As many cells as there are between the first and the last one that is met, at its pace, or as
    pairs of tap and output; classes hold each pair once."""
    draw = np.random.default_rng(4)
    for _ in range(300):
        axes = tuple(drawn_axis(draw) for _ in range(4))
        for close in (False, True):
            for each in packings(axes, close=close):
                for own, axis in zip(axes[2:], each[2:], strict=True):
                    assert meetings(axis) == meetings(own)
                    for phase in axis.phases:
                        check_packed(AxisPhases((phase,), axis.pace, axis.apart), phase)


def meetings(axis: AxisPhases) -> list[tuple[int, int, int]]:
    """Outputs, taps and the source cells that they meet."""
    return sorted(
        (p.out_start + p.out_step * m, t, p.offset + p.stride * m + p.dilation * t)
        for p in axis.phases for m in range(p.out_count) for t in range(p.tap_count)
    )  # fmt: skip


def check_packed(axis: AxisPhases, phase: Phase) -> None:
    met = {phase.stride * m + phase.dilation * t
           for m in range(phase.out_count) for t in range(phase.tap_count)}  # fmt: skip
    packed = axis.packed(phase.out_count)
    if axis.apart:
        assert packed == phase.out_count * phase.tap_count
        assert axis.by_cell == 1
    else:
        assert all(cell % axis.pace == 0 for cell in met)
        assert packed == max(met) // axis.pace + 1


def packed_bytes(operator: Correlate | CorrelateTranspose | CorrelateWeight, *shapes) -> int:
    """Bytes of the bands of all units."""
    builder = Builder()
    y = builder.apply(operator, *(builder.input(Spec(shape)) for shape in shapes))
    (step,) = (
        step for step in plan_of(builder.graph([y])).steps
        if isinstance(step, KernelStep) and isinstance(step.kernel, Direct | Weight)
    )  # fmt: skip
    arguments = step.arguments
    band = "runs" if isinstance(step.kernel, Direct) else "band_bytes"
    return arguments["units"] * arguments[band]


@pytest.mark.parametrize("dilation", [2, 4, 12, 36, 128, 500])
@pytest.mark.parametrize("shape", [(512, 512), (64, 64), (33, 33), (16384,)])
@pytest.mark.parametrize("channels", [16, 64, 512])
def test_bands_stay_small(shape, dilation, channels):
    """However far taps lie apart, little more is packed than where they lie close."""
    count = len(shape)
    x, w, y = (1, channels, *shape), (64, channels, *[5] * count), (1, 64, *shape)

    def packed(dilation: int) -> list[int]:
        window = Window.forward(
            shape, (5,) * count, dilation=(dilation,) * count,
            padding=((2 * dilation, 2 * dilation),) * count,
        )  # fmt: skip
        problems = (
            (Correlate(window), x, w), (CorrelateTranspose(window), w, y),
            (CorrelateWeight(window), x, y),
        )  # fmt: skip
        return [packed_bytes(*each) for each in problems]

    for far, near in zip(packed(dilation), packed(1), strict=True):
        assert far <= 12 * near, far / near
