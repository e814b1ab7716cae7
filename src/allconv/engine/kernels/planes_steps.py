"""Which correlations are computed in planes, and how they are cut into units."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod

from allconv.engine.arguments import joined
from allconv.engine.buffer import LINE
from allconv.engine.kernels.chunk_sizes import BAND, COPY, MOST, units_of_chunk
from allconv.engine.kernels.correlation_arguments import CorrelationArguments
from allconv.engine.kernels.cut import BEGIN, TILE, Cut, WorkToCut
from allconv.engine.kernels.four_axes import AxisPhases, Image
from allconv.engine.kernels.pack import PackedFormat
from allconv.engine.kernels.phase_table import ITEM
from allconv.engine.kernels.planes import TERMS, PlanesArguments
from allconv.engine.kernels.planes_band import STEPS
from allconv.engine.kernels.register_tile import cycles_of
from allconv.engine.place import Place
from allconv.engine.step import Argument
from allconv.engine.target import Target
from allconv.operators.correlate import Correlate

CHANNELS = 8  # of a group at most, if they are packed
FILLED = 7 / 8  # of the lanes of all vectors of an image, at least
PACK = 0.35  # cycles to pack a number


def direct_in_planes(x: Place, y: Place, operator: Correlate, target: Target) -> bool:
    """Whether a correlation whose result lies in rows is computed in planes. The image must lie in
    rows, too: all of it where windows are single cells, else each row by itself."""
    axes = operator.window.axes
    cells, lanes = prod(axis.output for axis in axes), target.lanes(y.spec.dtype)
    filled = cells >= FILLED * lanes * -(-cells // lanes)
    if not filled or any(axis.input_dilation != 1 for axis in axes):
        return False
    if all((a.kernel, a.stride, a.padding) == (1, 1, 0) and a.input == a.output for a in axes):
        pixels = y.strides[2:]
        return x.strides[2:] == pixels
    few = x.shape[1] // operator.groups <= CHANNELS and axes[-1].stride in STEPS
    return few and x.strides[-1] == x.item and prod(axis.kernel for axis in axes[:-1]) > 1


def tile_of(target: Target, width: int) -> tuple[int, int]:
    """Output channels and vectors of cells of the register tile, for weights in blocks of so many
    channels: it fills the registers, beside a vector of cells each and a weight."""
    rows = gcd(width, 8 if target.registers >= 32 else 4)
    return rows, min(3, (target.registers - 1 - (not target.fma)) // (rows + 1))


@dataclass(frozen=True, slots=True)
class PlanesWork(WorkToCut):
    """All that decides a cut into planes. Vectors hold cells; `planes` counts the planes of a unit,
    one for each channel and each tap but those of axis 2."""

    tile: tuple[int, int]
    lanes: int
    planes: int
    runs: int  # taps of axes 0 to 2

    @property
    def inplace(self) -> bool:
        """Whether the source is read where it lies."""
        return not self.copy

    def cells(self, cut: Cut) -> tuple[int, int]:
        """Rows and columns of the largest unit; columns are cut between vectors."""
        vectors = -(-self.column.most // self.lanes)
        columns = min(-(-vectors // cut.columns) * self.lanes, self.column.most)
        return -(-self.row.most // cut.rows), columns

    def plane(self, rows: int, columns: int) -> tuple[int, int]:
        """Bytes of a plane, an odd number of cache lines so that tiles find room for all planes in
        the first-level cache, and of a phase of its rows."""
        stride = self.row.common.stride
        phase = -(-self.row.reach(rows) // stride) * columns * self.item
        return (-(-phase * stride // LINE) + 1 | 1) * LINE, phase

    def strips(self, rows: int, columns: int) -> tuple[int, int]:
        """Bytes of a strip, and of all those of a channel."""
        common = self.column.common
        columns += common.dilation * (self.column.taps - 1) // common.stride
        strip = (-(-columns * self.item // LINE) + 1) * LINE
        return strip, self.row.reach(rows) * common.stride * strip

    def band(self, rows: int, columns: int) -> int:
        """Bytes of all planes of a unit of so many cells."""
        return 0 if self.inplace else self.planes * self.plane(rows, columns)[0]

    def fits(self, cut: Cut) -> bool:
        """Whether the planes of a unit stay in the cache, its work is not too much, and its cells
        follow each other."""
        rows, columns = self.cells(cut)
        work = rows * columns * self.terms * -(-self.blocks // cut.channels) * self.width
        follow = cut.columns == 1 or rows == 1
        return follow and work <= MOST and self.band(rows, columns) <= BAND

    def possible(self, cut: Cut) -> bool:
        """The same: what does not fit is computed by `direct`."""
        return self.fits(cut)

    def cycles(self, cut: Cut) -> float:
        """Of the largest unit."""
        rows, columns = self.cells(cut)
        height, width = self.tile
        whole, rest = divmod(-(-rows * columns // self.lanes), width)
        groups = -(-self.blocks // cut.channels) * self.width / height
        step = whole * cycles_of(height, width) + rest * cycles_of(height, 1)
        tiles = groups * (self.terms * step + TILE * (whole + rest))
        return tiles + self.copy * self.band(rows, columns) / self.item + BEGIN


def planes_work(
    x: Image, axes: tuple[AxisPhases, ...], form: PackedFormat, target: Target, groups: int
) -> PlanesWork:
    """All that decides how a correlation in planes is cut."""
    lanes, taps = target.lanes(form.dtype), prod(axis.taps for axis in axes)
    tile = tile_of(target, form.width)
    beside = axes[3].common.stride == 1 and axes[2].most == 1
    leaves = any(map(AxisPhases.leaves, axes, x.sizes))
    return PlanesWork(
        row=axes[2],
        column=axes[3],
        outer=x.images * groups * axes[0].most * axes[1].most,
        heights=(tile[1] * lanes, 0),
        vectors=tile[1],
        alone=False,
        terms=form.rows * taps,
        width=form.width,
        blocks=form.columnblocks,
        pixel=0,
        item=x.place.item,
        copy=0.0 if taps == 1 and beside and not leaves else PACK,
        tile=tile,
        lanes=lanes,
        planes=axes[0].taps * axes[1].taps * axes[3].taps * form.rows,
        runs=axes[0].taps * axes[1].taps * axes[2].taps,
    )


def planes_arguments(
    common: CorrelationArguments[Argument], work: PlanesWork, pieces: Cut, pairs: int
) -> tuple[PlanesArguments[Argument], int, int]:
    """What the kernel is given for a cut of so many multiply-adds in all, its chunks and the bytes
    of its scratch memory, in which planes, strips and terms follow each other."""
    split = -(-work.blocks // pieces.channels)
    pieces = pieces._replace(channels=-(-work.blocks // split))
    units, cells, band = (work.units(pieces), work.cells(pieces), work.band(*work.cells(pieces)))
    (plane, phase), (strip, strips) = work.plane(*cells), work.strips(*cells)
    terms = 0 if work.inplace else band + strips
    block = units_of_chunk(units, pairs, int(work.copy * band) // work.item // COPY)
    arguments = PlanesArguments[Argument](
        **joined(common),
        plane=common.x_channel if work.inplace else plane,
        phase=phase,
        strip=strip,
        strips=band,
        row_taps=work.column.taps,
        units=units,
        chunk_units=block,
        row_blocks=pieces.rows,
        column_blocks=pieces.columns,
        splits=pieces.channels,
        split_blocks=split,
        inplace=int(work.inplace),
        width=work.width,
        terms=terms,
    )
    return arguments, -(-units // block), terms + work.runs * len(TERMS) * ITEM
