"""Every meeting of an input cell, a weight and an output cell as one list: all views, sums and
tables are lookups in it. No numbers here: see `values.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod

from allconv.errors import ArgumentError, LimitError
from allconv.functional.correlate import transpose_window
from allconv.functional.settings import pairs
from allconv.intake.refusals import refusal
from allconv.show.page.shared import LIMITS
from allconv.show.stage.settings import ROLES, Pair, Role, StageSettings
from allconv.window import Axis, reach_of

FLAT = Axis(1, 1, 1)
"""The rows of what has one axis."""


@dataclass(frozen=True)
class StageModel:
    """Some axes and channels, and what meets along them.

    axes    rows and columns
    high    the padding of each axis' high side as it was asked for
    extra   the cells that output padding adds there
    swap    a transposed layer: y is the side that windows slide over
    flip    the taps run backwards
    local   every place has weights of its own
    pool    "max", "mean" or None
    """

    axes: tuple[Axis, Axis]
    high: Pair
    extra: Pair = (0, 0)
    inputs: int = 1
    outputs: int = 1
    groups: int = 1
    swap: bool = False
    flip: bool = False
    local: bool = False
    pool: str | None = None
    dim: int = 2

    @property
    def big(self) -> Role:
        """The side that windows slide over."""
        return "y" if self.swap else "x"

    @property
    def small(self) -> Role:
        """The side with a cell for each window."""
        return "x" if self.swap else "y"

    @property
    def kernel(self) -> Pair:
        """The sizes of the kernel."""
        return self.axes[0].kernel, self.axes[1].kernel

    @property
    def taps(self) -> int:
        """The cells of a kernel."""
        return prod(self.kernel)

    @property
    def places(self) -> int:
        """Where a window may stand."""
        return self.axes[0].output * self.axes[1].output

    @cached_property
    def sizes(self) -> dict[Role, Pair]:
        """Rows and columns of a plane of each array."""
        big = self.axes[0].input, self.axes[1].input
        small = self.axes[0].output, self.axes[1].output
        return {
            "x": small if self.swap else big,
            "w": self.kernel,
            "y": big if self.swap else small,
        }

    @cached_property
    def planes(self) -> dict[Role, int]:
        """Planes of each array: channels, or kernels."""
        kernels = 1 if self.pool else self.inputs * self.outputs // self.groups
        return {"x": self.inputs, "w": kernels, "y": self.outputs}

    @cached_property
    def count(self) -> dict[Role, int]:
        """Cells of each array."""
        found = {role: self.planes[role] * prod(self.sizes[role]) for role in ROLES}
        return found | {"w": found["w"] * (self.places if self.local else 1)}

    @cached_property
    def meetings(self) -> list[dict[Role, int]]:
        """Every meeting, by its cells: output channels, then places, then taps."""
        rows, columns = (list(_meetings(axis)) for axis in self.axes)
        area = {role: prod(size) for role, size in self.sizes.items()}
        (_, width), (_, across) = self.sizes[self.big], self.sizes[self.small]
        found: list[dict[Role, int]] = []
        for input, output, plane in self.channel_pairs():
            for j0, k0, i0 in rows:
                for j1, k1, i1 in columns:
                    at = {self.big: j0 * width + j1, self.small: i0 * across + i1}
                    tap = k0 * self.kernel[1] + k1
                    tap = self.taps - 1 - tap if self.flip else tap
                    weight = self.weight_at(plane, tap, at[self.small])
                    x, y = input * area["x"] + at["x"], output * area["y"] + at["y"]
                    found.append({"x": x, "w": weight, "y": y})
        return found

    @cached_property
    def meets(self) -> dict[Role, list[list[int]]]:
        """The numbers of the meetings of every cell of each array."""
        found: dict[Role, list[list[int]]] = {
            role: [[] for _ in range(self.count[role])] for role in ROLES
        }
        for number, meeting in enumerate(self.meetings):
            for role, cell in meeting.items():
                found[role][cell].append(number)
        return found

    def weight_at(self, plane: int, tap: int, place: int) -> int:
        """The flat place of a weight: (planes, taps), of a local layer (planes, taps, places)."""
        at = plane * self.taps + tap
        return at * self.places + place if self.local else at

    def weight_parts(self, cell: int) -> tuple[int, int, int]:
        """Plane, tap and place of a weight; the place is 0 where all places share it."""
        at, place = divmod(cell, self.places) if self.local else (cell, 0)
        return at // self.taps, at % self.taps, place

    def channel_pairs(self) -> Iterator[tuple[int, int, int]]:
        """The channels that meet: (input, output, plane of the weights).

        Weights are (outputs, inputs of a group), of a transposed layer (inputs, outputs of one).
        """
        each, made = self.inputs // self.groups, self.outputs // self.groups
        for output in range(self.outputs):
            if self.pool:
                yield output, output, 0
                continue
            for c in range(each):
                input = output // made * each + c
                yield (
                    input,
                    output,
                    input * made + output % made if self.swap else output * each + c,
                )

    def place_of(self, role: Role, cell: int) -> tuple[int, int, int]:
        """Plane, row and column of a cell; of a weight its tap, whatever its place."""
        height, width = self.sizes[role]
        if role == "w" and not self.pool:
            plane, at, _ = self.weight_parts(cell)
        else:
            plane, at = divmod(cell, height * width)
        return plane, at // width, at % width


def model_of(settings: StageSettings) -> StageModel:
    """The model of a layer.

    ArgumentError and ShapeError where its geometry cannot be, LimitError where it is too large to
    draw.
    """
    inputs, outputs = settings.channels
    if inputs % settings.groups or outputs % settings.groups:
        raise ArgumentError(
            refusal("groups", groups=settings.groups, inputs=inputs, outputs=outputs)
        )
    found = [(FLAT, 0)] * (2 - settings.dim) + _axes(settings)
    (rows, top), (columns, left) = found
    most = LIMITS["line" if settings.dim == 1 else "plane"]["span"]
    for axis, high in found:
        _check_drawable(axis, high, most)
    transposed = settings.op == "conv_transpose"
    return StageModel(
        (rows, columns),
        (top, left),
        (top - rows.high, left - columns.high) if transposed else (0, 0),
        inputs,
        outputs,
        settings.groups,
        swap=transposed,
        flip=settings.op == "true_conv",
        local=settings.op == "local",
        pool={"max_pool": "max", "avg_pool": "mean"}.get(settings.op),
        dim=settings.dim,
    )


def _axes(settings: StageSettings) -> list[tuple[Axis, int]]:
    """The axes that the window slides over, each with the padding of its high side."""

    def own(name: str) -> tuple[int, ...]:
        pair: Pair = getattr(settings, name)
        return pair[2 - settings.dim :]

    input, kernel, stride, dilation = map(own, ("input", "kernel", "stride", "dilation"))
    padding = settings.padding
    given = padding if isinstance(padding, str) else padding[2 - settings.dim :]
    if settings.op == "conv_transpose":
        extra = own("output_padding")
        window = transpose_window(input, kernel, stride, given, extra, dilation, None)
        by_size = given in ("same", "same_lower")
        size = [p * s for p, s in zip(input, stride, strict=True)] if by_size else input
        ends = pairs(given, size, kernel, stride, dilation)
        return [(axis, high) for axis, (_, high) in zip(window.axes, ends, strict=True)]
    spread = own("spread")
    ends = pairs(given, list(map(reach_of, input, spread)), kernel, stride, dilation)
    rows = zip(input, kernel, stride, dilation, spread, ends, strict=True)
    if settings.is_pool:
        return [(_pool_axis(i, k, s, d, end, settings.ceil), end[1]) for i, k, s, d, _, end in rows]
    return [
        (Axis.forward(i, k, stride=s, dilation=d, input_dilation=b, padding=end), end[1])
        for i, k, s, d, b, end in rows
    ]


def _pool_axis(input: int, kernel: int, stride: int, dilation: int, ends: Pair, ceil: bool) -> Axis:
    if 2 * ends[0] > kernel:
        raise ArgumentError(refusal("pool padding", padding=ends[0], kernel=kernel))
    make = Axis.ceiled if ceil else Axis.forward
    return make(input, kernel, stride=stride, dilation=dilation, padding=ends)


def _check_drawable(axis: Axis, high: int, most: int) -> None:
    padded = axis.spread + max(axis.padding, 0) + max(high, 0)
    longest = max(padded, axis.reach, axis.output)
    if longest > most:
        what = "the longest side"
        raise LimitError(refusal("too large to draw", what=what, given=longest, most=most))


def _meetings(axis: Axis) -> Iterator[tuple[int, int, int]]:
    """Every (input, tap, output) that meets along an axis, by output and then by tap."""
    for i in range(axis.output):
        for j, k in axis.meetings(i):
            yield j, k, i
