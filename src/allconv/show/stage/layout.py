"""Where the three panels and their cells stand, in pixels. Arrays never move: x, w, y from left to
right, or from top to bottom where there is little room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from allconv.show.page.shared import LAYOUT
from allconv.show.stage.model import StageModel
from allconv.show.stage.primitives import Box
from allconv.show.stage.settings import ROLES, Pair, Role
from allconv.window import Axis


@dataclass(frozen=True)
class GridCell:
    """A cell of a grid; `cell` is its place in the array, None of padding and of spread zeros."""

    row: int
    column: int
    cell: int | None


@dataclass(frozen=True)
class Grid:
    """A plane of an array, its corner at (x, y)."""

    plane: int
    rows: int
    columns: int
    cells: list[GridCell]
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class PanelPlace(Box):
    """The box of an array and its grids."""

    grids: list[Grid]


@dataclass(frozen=True)
class StageLayout:
    """The size of everything, and of a cell (`unit`)."""

    unit: float
    vertical: bool
    width: float
    height: float
    panels: dict[Role, PanelPlace]


@dataclass(frozen=True)
class _Side:
    """The grids of a panel, at places in cells."""

    rows: float
    columns: float
    grids: list[Grid]


def ghosts_of(axis: Axis, high: int, extra: int) -> Pair:
    """Cells of zeros before the first cell and behind the last one that a window can cover."""
    return max(axis.padding, 0), max(high - extra, axis.high, 0)


def first_window(axis: Axis) -> int:
    """Where the first window begins, in cells of the drawn axis."""
    return max(axis.padding, 0) - axis.padding


def layout_of(model: StageModel, place: int, room: float) -> StageLayout:
    """The layout in so many pixels; `place` is the one whose kernels a local layer shows."""
    vertical = room < LAYOUT["narrow"]
    sides = {role: _side(model, role, place, vertical) for role in ROLES}
    across = sum(side.columns for side in sides.values())
    tallest = max(side.rows for side in sides.values())
    widest = max(side.columns for side in sides.values())
    if vertical:
        gap, caption = LAYOUT["gapVertical"], LAYOUT["captionVertical"]
        unit = _unit_below(room, widest)
        width = max(widest * unit + LAYOUT["margin"], room)
        rows = sum(side.rows for side in sides.values())
        height = rows * unit + 3 * caption + 2 * gap + LAYOUT["foot"]
    else:
        free = (room - across * LAYOUT["gapUnit"]) / 3
        gap = max(LAYOUT["gapLeast"], min(LAYOUT["gapMost"], free))
        caption = LAYOUT["caption"]
        unit = _unit_beside(model, room, across, tallest, gap)
        width = across * unit + 2 * gap + LAYOUT["margin"]
        height = tallest * unit + caption + LAYOUT["foot"]
    panels: dict[Role, PanelPlace] = {}
    left, top = LAYOUT["margin"] / 2, caption + LAYOUT["head"]
    for role, side in sides.items():
        x = (width - side.columns * unit) / 2 if vertical else left
        y = top if vertical else caption + (tallest - side.rows) * unit / 2
        panels[role] = _placed(side, x, y, unit)
        left += side.columns * unit + gap
        top += side.rows * unit + caption + gap
    return StageLayout(unit, vertical, width, height, panels)


def _unit_below(room: float, widest: float) -> float:
    """The side of a cell where the panels stand below each other."""
    fitting = min(LAYOUT["unitVertical"], (room - LAYOUT["margin"]) / widest)
    return max(fitting, LAYOUT["unitLeast"])


def _unit_beside(
    model: StageModel, room: float, across: float, tallest: float, gap: float
) -> float:
    """The side of a cell where they stand beside each other."""
    is_line = model.sizes["x"][0] == model.sizes["y"][0] == model.kernel[0] == 1
    usual = LAYOUT["unitLine" if is_line else "unit"]
    height = max(LAYOUT["height"], tallest * LAYOUT["unitLeast"])
    fitting = min((room - LAYOUT["margin"] - 2 * gap) / across, height / tallest)
    return max(min(usual, fitting), LAYOUT["unitLeast"])


def _side(model: StageModel, role: Role, place: int, vertical: bool) -> _Side:
    """Channels below each other, or beside each other where panels stack; kernels by input and
    output channel."""
    gap = LAYOUT["planeGap"]
    grids = _kernels(model, place) if role == "w" else list(_planes(model, role))
    rows, columns = grids[0].rows, grids[0].columns
    across, down, placed = 1, 1, []
    for grid in grids:
        line, column = kernel_place(model, grid.plane) if role == "w" else (grid.plane, 0)
        if vertical:
            line, column = column, line
        placed.append(replace(grid, x=column * (columns + gap), y=line * (rows + gap)))
        down, across = max(down, line + 1), max(across, column + 1)
    return _Side(
        down * (rows + gap) - (0 if len(grids) > 1 else gap),  # tags stand below
        across * columns + (across - 1) * gap,
        placed,
    )


def kernel_place(model: StageModel, plane: int) -> Pair:
    """The line (input channel of its group) and column (output channel) of a kernel."""
    if model.pool:
        return 0, 0
    each, made = model.inputs // model.groups, model.outputs // model.groups
    if not model.swap:
        return plane % each, plane // each
    input = plane // made
    return input % each, input // each * made + plane % made


def _kernels(model: StageModel, place: int) -> list[Grid]:
    rows, columns = model.axes
    grids = []
    for plane in range(model.planes["w"]):
        cells = []
        for at in range(model.taps):
            k0, k1 = divmod(at, columns.kernel)
            tap = model.taps - 1 - at if model.flip else at
            cell = model.weight_at(plane, tap, place)
            cells.append(GridCell(rows.dilation * k0, columns.dilation * k1, cell))
        grids.append(Grid(plane, rows.reach, columns.reach, cells))
    return grids


def _planes(model: StageModel, role: Role) -> Iterator[Grid]:
    height, width = model.sizes[role]
    for plane in range(model.planes[role]):
        if role == model.big:
            yield _padded_grid(model, plane, height, width)
        else:
            cells = [
                GridCell(at // width, at % width, plane * height * width + at)
                for at in range(height * width)
            ]
            yield Grid(plane, height, width, cells)


def _padded_grid(model: StageModel, plane: int, height: int, width: int) -> Grid:
    """The side that windows slide over: with its padding and the zeros of its spread."""
    rows, columns = model.axes
    (top, bottom), (left, right) = map(ghosts_of, model.axes, model.high, model.extra)
    down, across = rows.spread + top + bottom, columns.spread + left + right
    cells = []
    for row in range(down):
        for column in range(across):
            j0, between0 = divmod(row - top, rows.input_dilation)
            j1, between1 = divmod(column - left, columns.input_dilation)
            is_real = not (between0 or between1) and 0 <= j0 < height and 0 <= j1 < width
            cell = (plane * height + j0) * width + j1 if is_real else None
            cells.append(GridCell(row, column, cell))
    return Grid(plane, down, across, cells)


def _placed(side: _Side, x: float, y: float, unit: float) -> PanelPlace:
    grids = [replace(grid, x=x + grid.x * unit, y=y + grid.y * unit) for grid in side.grids]
    return PanelPlace(x, y, side.columns * unit, side.rows * unit, grids)
