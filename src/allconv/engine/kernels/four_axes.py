"""The one form as kernels see it: four axes, the last of which runs along the tile.

A kernel knows batch, groups, channels and four axes a0 ... a3 whose cells meet as
`source = offset + stride*m + dilation*t` (see `engine.phases`). Convolutions of one to three axes
fill the last ones. Where every output is a single cell (a linear layer) or every cell has weights
of its own (locally connected), the batch itself becomes the last axis: images fill the tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.phases import Phase
from allconv.engine.place import Place

AXES = 4
UNIT = Phase(0, 1, 1, 0, 1, 1, 0, 1, 1)


@dataclass(frozen=True, slots=True)
class AxisPhases:
    """The phases of one axis, which differ in their counts and starts alone.

    Those of a convolution are the product of those of its axes: kernels look up each by itself.
    Cells of a band lie `pace` source cells apart, or each tap has cells of its own (`apart`), those
    that it meets.
    """

    phases: tuple[Phase, ...]
    pace: int = 1
    apart: bool = False

    @property
    def common(self) -> Phase:
        """A phase, for the steps, the stride and the dilation that all share."""
        return self.phases[0]

    @property
    def cells(self) -> int:
        """Outputs of all phases."""
        return sum(phase.out_count for phase in self.phases)

    @property
    def most(self) -> int:
        """Outputs of the largest phase."""
        return max(phase.out_count for phase in self.phases)

    @property
    def least(self) -> int:
        """Outputs of the smallest phase."""
        return min(phase.out_count for phase in self.phases)

    @property
    def taps(self) -> int:
        """The most taps of a phase."""
        return max(phase.tap_count for phase in self.phases)

    @property
    def fewest(self) -> int:
        """The fewest taps of a phase."""
        return min(phase.tap_count for phase in self.phases)

    @property
    def pairs(self) -> int:
        """Pairs of output and tap, all phases together."""
        return sum(phase.out_count * phase.tap_count for phase in self.phases)

    def reach(self, cells: int) -> int:
        """Source cells over which the taps of so many adjacent outputs reach; 0 without taps."""
        if not self.taps:
            return 0
        return self.common.stride * (cells - 1) + self.common.dilation * (self.taps - 1) + 1

    def packed(self, cells: int) -> int:
        """Source cells that a band holds for so many adjacent outputs."""
        return self.taps * cells if self.apart else -(-self.reach(cells) // self.pace)

    @property
    def by_cell(self) -> int:
        """By how many cells of a band the next output is further."""
        return self.common.stride // self.pace

    def leaves(self, size: int) -> bool:
        """Whether the window of any cell leaves an input of so many cells."""
        return any(
            phase.offset < 0
            or phase.offset
            + phase.stride * (phase.out_count - 1)
            + phase.dilation * (phase.tap_count - 1)
            >= size
            for phase in self.phases
            if phase.tap_count
        )


@dataclass(frozen=True, slots=True)
class Image:
    """An array (N, G*C, *S) as a kernel addresses it: counts, and strides in bytes."""

    place: Place
    images: int
    channels: int  # of a group
    image_stride: int
    group_stride: int
    channel_stride: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, place: Place, groups: int, *, batch: bool) -> Image:
        """The image at a place; with `batch` its images are the last axis."""
        n, channels = place.shape[:2]
        sizes, strides = place.shape[2:], place.strides[2:]
        if batch:
            sizes, strides = (*sizes, n), (*strides, place.strides[0])
        lead = AXES - len(sizes)
        step = place.item if channels == 1 else place.strides[1]
        return cls(
            place,
            images=1 if batch else n,
            channels=channels // groups,
            image_stride=0 if batch else place.strides[0],
            group_stride=step * (channels // groups),
            channel_stride=step,
            sizes=(1,) * lead + sizes,
            strides=(0,) * lead + strides,
        )


@dataclass(frozen=True, kw_only=True)
class OutputArguments(Arguments[T]):
    """The output y of a correlation, or its gradient, with its strides by image and by group of
    channels, which follow each other, and from cell to cell of a phase."""

    y: T
    y_image: T
    y_group: T
    y_axis: tuple[T, ...] = several(AXES)


def four(axes: Sequence[AxisPhases], batch: int | None) -> tuple[AxisPhases, ...]:
    """The phases of four axes; `batch` is its size where the batch is the last of them."""
    own = () if batch is None else (AxisPhases((Phase(0, 1, batch, 0, 1, 1, 0, 1, 1),)),)
    return (AxisPhases((UNIT,)),) * (AXES - len(axes) - len(own)) + (*axes, *own)


def split_evenly(total: int, at_most: int) -> int:
    """The least block that covers `total` in as few blocks as blocks of `at_most` do."""
    return -(-total // -(-total // max(1, min(at_most, total))))
