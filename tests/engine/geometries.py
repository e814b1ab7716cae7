"""Draw geometries of a correlation, each of a wanted kind, and the three problems of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod

import numpy as np

from allconv.engine.kernels.direct import Direct
from allconv.engine.kernels.weight import Weight
from allconv.engine.phases import input_phases, output_phases
from allconv.engine.step import KernelStep
from allconv.errors import Error
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.window import Axis, Window

from .comparing import graph_of, phase_column

# What a tenth of all geometries, or more, must have. The last three are told by the plan.
DRAWN = (
    "stride", "dilation", "stride and dilation", "groups", "depthwise", "lopsided", "ragged",
    "phases",
)  # fmt: skip
PLANNED = ("tiles", "chunks", "channel blocks", "parts of sums", "bands in place")
WANTED = (*DRAWN, "large")
SIMPLE = {"matrix": 1, "three": 3}  # kernels without stride or dilation, by the name of the kind
MANY = 12  # phases
EMPTY = 60  # one geometry in so many may be of any sparseness
VIEWS = ("correlate", "transpose", "weight")


@dataclass(frozen=True)
class Geometry:
    """The sizes of a correlation: a window, a batch, channels, groups; weights shared or not."""

    window: Window
    batch: int
    inputs: int
    outputs: int
    groups: int
    local: bool

    def features(self) -> set[str]:
        """What it has of `DRAWN`."""
        axes, groups = self.window.axes, self.groups
        strided = any(axis.stride > 1 for axis in axes)
        dilated = any(axis.dilation > 1 for axis in axes)
        channels = (self.inputs // groups, self.outputs // groups)
        found = {
            "stride": strided,
            "dilation": dilated,
            "stride and dilation": strided and dilated,
            "groups": groups > 1 and channels[0] > 1,
            "depthwise": groups > 1 and channels[0] == 1,
            "lopsided": any(_is_lopsided(axis) for axis in axes),
            "ragged": all(n % 2 for n in channels) and max(channels) > 1,
            "phases": max(_phases(axes, output_phases), _phases(axes, input_phases)) >= MANY,
        }
        return {name for name, true in found.items() if true}

    def work(self) -> int:
        """Multiply-adds, if every meeting counts."""
        cells = prod(self.window.output) * prod(self.window.kernel)
        return self.batch * cells * self.inputs * self.outputs // self.groups

    def problem(self, view, draw, dtype):
        """The operator of a view, with operands of small integers other than 0."""
        window, groups = self.window, self.groups
        where = window.output if self.local else ()
        back = window.input if self.local else ()

        def integers(*shape):
            """Small, so that sums are exact in every order; not 0, so that each term counts."""
            return (draw.integers(1, 4, shape) * draw.choice([-1, 1], shape)).astype(dtype)

        x = integers(self.batch, self.inputs, *window.input)
        y = integers(self.batch, self.outputs, *window.output)
        w = integers(self.outputs, self.inputs // groups, *window.kernel, *where)
        if view == "correlate":
            bias = [integers(self.outputs, *where)] if draw.random() < 0.5 else []
            return (Local if self.local else Correlate)(window, groups), (x, w, *bias)
        if view == "transpose":
            bias = [integers(self.inputs, *back)] if draw.random() < 0.5 else []
            kind = LocalTranspose if self.local else CorrelateTranspose
            return kind(window, groups), (w, y, *bias)
        return (LocalWeight if self.local else CorrelateWeight)(window, groups), (x, y)


def _phases(axes, which):
    """How many phases a window has, or its transpose."""
    return prod(len(which(axis)) for axis in axes)


def _is_lopsided(axis):
    """Whether it crops, or both sides cannot have been padded alike: `high` is the least padding
    of the high side, which may be as much as the stride less one below what was asked for."""
    low, high = axis.padding, axis.high
    return low < 0 or high > low or high <= low - axis.stride


def draw_geometry(draw, wanted):
    """A geometry that has what is expected."""
    while True:
        geometry = _attempt(draw, wanted)
        small = geometry.work() <= (3_000_000 if wanted == "large" else 400_000)
        has = wanted in ("large", *SIMPLE) or wanted in geometry.features()
        if small and has and (draw.integers(EMPTY) == 0 or _is_dense(geometry)):
            return geometry


def draw_problem(draw, view):
    """An operator of a view, with operands, of a geometry of any kind in either dtype."""
    geometry = draw_geometry(draw, str(draw.choice(WANTED)))
    return geometry.problem(view, draw, str(draw.choice(["float32", "float64"])))


def draw_fitting(draw, kind, fits):
    """An operator of a kind that an algorithm fits, with operands, of a geometry of any kind."""
    view = VIEWS[(Correlate, CorrelateTranspose, CorrelateWeight).index(kind)]
    dtype = str(draw.choice(["float32", "float64"]))
    while True:
        geometry = draw_geometry(draw, str(draw.choice([*WANTED, *SIMPLE])))
        if not geometry.local:
            operator, operands = geometry.problem(view, draw, dtype)
            if fits(graph_of(operator, operands).nodes[0]):
                return operator, operands


def _attempt(draw, wanted):
    one = draw.choice
    shared = ("large", "groups", "depthwise", *SIMPLE)
    local = wanted not in shared and draw.random() < 0.25
    if wanted == "phases":
        return _many_phases(draw, local)
    count = int(one([1, 2, 2, 2, 3] if wanted in DRAWN[:3] or local else [0, 1, 2, 2, 2, 3]))
    if wanted == "large":
        count = int(one([1, 2, 2]))
        size = 40 if count == 1 else 14
    else:
        size = {0: 1, 1: 30, 2: 15, 3: 7}[count]
    if wanted in SIMPLE:
        window = _simple(draw, SIMPLE[wanted])
    else:
        window = Window(tuple(_axis(draw, size, wanted) for _ in range(count)))
    batch = int(one([1, 1, 2, 3, 9]))
    if wanted == "large":
        inputs, outputs = int(one([65, 70, 96])), int(one([65, 66, 80, 130]))
        return Geometry(window, batch, inputs, outputs, 1, local=False)
    some = [1, 2, 3, 5, 8, 17] if local or count == 3 else [1, 2, 3, 5, 8, 17, 33, 70]
    odd = [n for n in some if n % 2]
    if wanted == "depthwise":
        groups = int(one([2, 3, 5, 8, 17, 33]))
        return Geometry(window, batch, groups, groups * int(one([1, 1, 2])), groups, local=False)
    groups = int(one([2, 3, 4] if wanted == "groups" else [1, 1, 1, 1, 2, 3]))
    inputs, outputs = (int(one(odd if wanted == "ragged" else some)) for _ in range(2))
    return Geometry(window, batch, groups * inputs, groups * outputs, groups, local)


def _simple(draw, kernel):
    """A window over images of two axes that moves by one."""
    sizes = tuple(int(n) for n in draw.integers(kernel, 16, 2))
    padding = tuple((int(draw.integers(-1, 3)), int(draw.integers(0, 3))) for _ in sizes)
    if kernel == 1 or min(sizes) == kernel:
        padding = ((0, 0), (0, 0))
    return Window.forward(sizes, (kernel, kernel), padding=padding)


def _many_phases(draw, local):
    """A geometry of long strides under long kernels, or of long dilations of the input."""
    count = int(draw.choice([1, 1, 2, 2, 3]))
    most = {1: 40, 2: 9, 3: 5}[count]
    axes = []
    while len(axes) < count:
        step = int(draw.integers(2, most + 1))
        kernel = int(draw.integers(max(1, step - 2), 2 * step + 2))
        low, high = (int(draw.integers(-1, 4)) for _ in range(2))
        back = draw.random() < 0.3  # the input is dilated: the phases are those of the forward pass
        try:
            axes.append(
                Axis.forward(
                    int(draw.integers(1, 8 if back else 3 * most)), kernel,
                    stride=int(draw.choice([1, 1, 2, 3])) if back else step,
                    dilation=int(draw.choice([1, 1, 1, 2, 3])),
                    input_dilation=step if back else int(draw.choice([1, 1, 1, 2])),
                    padding=(low, high),
                )
            )  # fmt: skip
        except Error:
            continue
    inputs, outputs = (int(draw.choice([1, 2, 3, 5, 8, 17])) for _ in range(2))
    groups = int(draw.choice([1, 1, 2]))
    batch = int(draw.choice([1, 1, 2, 5]))
    return Geometry(Window(tuple(axes)), batch, groups * inputs, groups * outputs, groups, local)


def _axis(draw, size, wanted):
    """An axis of any geometry that fits."""
    least = size // 2 if wanted == "large" else 1
    while True:
        low = int(draw.integers(-1, 4))
        high = low if draw.random() < 0.5 else int(draw.integers(-1, 4))
        try:
            return Axis.forward(
                int(draw.integers(least, size + 1)),
                int(draw.choice([1, 2, 3, 3, 4, 5])),
                stride=int(draw.choice([1, 1, 2, 3])),
                dilation=int(draw.choice([1, 1, 2, 3])),
                input_dilation=int(draw.choice([1, 1, 1, 1, 2])),
                padding=(low, high),
            )
        except Error:
            continue


def _is_dense(geometry):
    """Whether most cells of the output, of the input and of the kernel meet something; where
    weights are not shared, most pairs of cell and tap."""
    shares, pairs = np.ones(3), 1.0
    for axis in geometry.window.axes:
        i, k = np.mgrid[: axis.output, : axis.kernel]
        spread = i * axis.stride + k * axis.dilation - axis.padding
        met = (spread >= 0) & (spread % axis.input_dilation == 0)
        met &= spread // axis.input_dilation < axis.input
        inputs = np.unique(spread[met] // axis.input_dilation)
        shares *= met.any(1).mean(), len(inputs) / axis.input, met.any(0).mean()
        pairs *= met.mean()
    return shares.min() > 0.7 and (pairs > 0.55 or not geometry.local)


def planned_features(planner):
    """What a plan has of `PLANNED`."""
    found = Counter()
    for step in planner.steps:
        if isinstance(step, KernelStep) and isinstance(step.kernel, Direct | Weight):
            slot = step.arguments
            if isinstance(step.kernel, Direct):
                rows, columns = (phase_column(planner, step, f"cells{a}").max() for a in (2, 3))
                cells = -(-rows // slot["row_blocks"]) * -(-columns // slot["column_blocks"])
                tiles = cells > step.kernel.heights[0]
                found["parts of sums"] += slot["parts"] > 1
                found["bands in place"] += slot["inplace"]
            else:
                height, width, _ = step.kernel.tile
                taps = phase_column(planner, step, "taps2").max()
                tiles = taps > height * slot["tap_blocks0"] or slot["channels"] > width
            found["tiles"] += tiles
            found["chunks"] += step.chunks > 1
            found["channel blocks"] += slot["blocks"] > 1 or slot["out_blocks"] > 1
    return {name for name in found if found[name]}
