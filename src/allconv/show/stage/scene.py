"""The stage as a list of primitives: three panels, two ribbons, the window, and what meets the cell
that is looked at. `js/scene.js` makes the same list; a test compares them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from allconv.show.page.shared import LAYOUT
from allconv.show.stage.layout import Grid, GridCell, StageLayout, first_window
from allconv.show.stage.model import StageModel
from allconv.show.stage.names import Panel, written
from allconv.show.stage.primitives import Box, Circle, Path, Primitive, Rect, Scene, Text
from allconv.show.stage.settings import ROLES, Pair, Role


@dataclass(frozen=True)
class Focus:
    """A cell that is looked at."""

    role: Role
    cell: int


@dataclass(frozen=True)
class SceneOptions:
    """What a scene shows besides the arrays.

    pair     the number of a meeting that is pointed at
    upto     while playing, the last cell of the result that is shown
    covered  results are covered, to be guessed
    still    without the numbers in corners and dots: a picture beside the stage
    """

    focus: Focus
    pair: int | None = None
    upto: int | None = None
    covered: bool = False
    still: bool = False


def scene_of(
    model: StageModel,
    panels: dict[Role, Panel],
    layout: StageLayout,
    options: SceneOptions,
    best: Sequence[int] = (),
) -> Scene:
    """The scene; `best` are the meetings that won, of a maximum (`Values.best`)."""
    items = list(_Painter(model, panels, layout, options, best).items())
    return Scene(layout.width, layout.height, layout.vertical, items)


@dataclass(frozen=True)
class _Painter:
    """Makes the primitives of one scene."""

    model: StageModel
    panels: dict[Role, Panel]
    layout: StageLayout
    options: SceneOptions
    best: Sequence[int]

    def items(self) -> Iterator[Primitive]:
        """All of them, from below."""
        yield from self._ribbons()
        for role in ROLES:
            yield from self._panel(role)
        yield from self._frames()
        if not self.options.still:
            yield from self._dots()
            yield from self._corners()

    @cached_property
    def _found(self) -> dict[tuple[Role, int], tuple[Grid, Box]]:
        """The grid and the box of every cell of an array that is drawn."""
        return {
            (role, at.cell): (grid, self._box(grid, at.row, at.column))
            for role in ROLES
            for grid in self.layout.panels[role].grids
            for at in grid.cells
            if at.cell is not None
        }

    def _box(self, grid: Grid, row: int, column: int, rows: int = 1, columns: int = 1) -> Box:
        """The box of a cell of a grid, or of so many rows and columns from it on."""
        unit = self.layout.unit
        return Box(grid.x + column * unit, grid.y + row * unit, columns * unit, rows * unit)

    @property
    def _is_window(self) -> bool:
        """Whether a window stands for the cell that is looked at."""
        return self.options.focus.role == self.model.small

    @cached_property
    def _meetings(self) -> list[int]:
        focus = self.options.focus
        cells = self.model.meets[focus.role]
        return cells[focus.cell] if focus.cell < len(cells) else []

    @cached_property
    def _partners(self) -> tuple[set[int], set[int]]:
        """The planes of the big side, and the kernels, that the plane of the window meets."""
        plane, _, _ = self.model.place_of(self.options.focus.role, self.options.focus.cell)
        swap = self.model.swap
        pairs = [
            (o if swap else i, kernel)
            for i, o, kernel in self.model.channel_pairs()
            if (i if swap else o) == plane
        ]
        return {big for big, _ in pairs}, {kernel for _, kernel in pairs}

    @cached_property
    def _window_start(self) -> Pair:
        """Where the window begins, in rows and columns of the big grid."""
        _, row, column = self.model.place_of(self.options.focus.role, self.options.focus.cell)
        rows, columns = self.model.axes
        return (
            rows.stride * row + first_window(rows),
            columns.stride * column + first_window(columns),
        )

    def _window_box(self, grid: Grid) -> Box:
        rows, columns = self.model.axes
        return self._box(grid, *self._window_start, rows.reach, columns.reach)

    @cached_property
    def _marked(self) -> dict[str, list[str]]:
        """The classes of cells that are more than they always are, by "role:cell" and, of padding,
        "role:plane/row,column"."""
        model, focus = self.model, self.options.focus
        lit = {
            f"{role}:{cell}"
            for number in self._meetings
            for role, cell in model.meetings[number].items()
            if role != focus.role
        }
        if self._is_window:
            lit |= self._lit_window()
        marked = {key: ["lit"] for key in lit}
        marked.setdefault(f"{focus.role}:{focus.cell}", []).append("chosen")
        if self._is_window and focus.cell < len(self.best) and self.best[focus.cell] >= 0:
            won = model.meetings[self.best[focus.cell]]["x"]
            marked.setdefault(f"x:{won}", []).append("won")
        if self.options.pair is not None:
            for role, cell in model.meetings[self.options.pair].items():
                marked.setdefault(f"{role}:{cell}", []).append("pair")
        return marked

    def _lit_window(self) -> set[str]:
        """The window: its padding too, and the whole kernels that it meets."""
        planes, kernels = self._partners
        top, left = self._window_start
        rows, columns = self.model.axes
        taps = [
            f"{self.model.big}:{plane}/{top + rows.dilation * k0},{left + columns.dilation * k1}"
            for plane in planes
            for k0 in range(rows.kernel)
            for k1 in range(columns.kernel)
        ]
        weights = [
            f"w:{at.cell}"
            for grid in self.layout.panels["w"].grids
            if grid.plane in kernels
            for at in grid.cells
        ]
        return {*taps, *weights}

    def _panel(self, role: Role) -> Iterator[Primitive]:
        """A panel: its plate (a dashed slot where the array is left out), caption, and cells."""
        panel, place = self.panels[role], self.layout.panels[role]
        edge = LAYOUT["plate"]
        width = len(panel.title) * LAYOUT["captionLetter"]
        is_wide = width > max(place.width, LAYOUT["captionLeast"])
        plate = f"{'slot' if panel.result else 'plate'} {panel.color}"
        yield Rect.of(f"plate:{role}", plate, place.grown(edge), edge + 1)
        yield Text(
            f"caption:{role}",
            f"caption {panel.color}",
            place.x + place.width / 2,
            place.y - LAYOUT["captionAbove"],
            LAYOUT["captionSize"],
            "middle",
            panel.short if is_wide else panel.title,
            panel.letter,
        )
        for grid in place.grids:
            if len(place.grids) > 1 and self.layout.unit >= LAYOUT["tagUnit"]:
                yield self._tag(role, grid)
            for at in grid.cells:
                yield from self._cell(role, grid, at)

    def _tag(self, role: Role, grid: Grid) -> Text:
        """The channel of a grid, below it; of a kernel "1 → 0": from channel 1 to channel 0."""
        unit, first = self.layout.unit, self.panels[role].first
        text = f"channel {grid.plane + first}"
        if role == "w":
            pairs = self.model.channel_pairs()
            pair = next(((i, o) for i, o, p in pairs if p == grid.plane), (0, 0))
            text = " → ".join(str(n + first) for n in pair)
        return Text(
            f"tag:{role}:{grid.plane}",
            "tag",
            grid.x + grid.columns * unit / 2,
            grid.y + grid.rows * unit + LAYOUT["tagBelow"] * unit,
            LAYOUT["tagSize"],
            "middle",
            text,
        )

    def _cell(self, role: Role, grid: Grid, at: GridCell) -> Iterator[Primitive]:
        """A cell and the number in it."""
        unit = self.layout.unit
        place = f"{role}:{grid.plane}/{at.row},{at.column}"
        # Of a local layer a kernel's cells keep their keys whatever place they are of.
        by_place = at.cell is None or (role == "w" and self.model.local)
        key = place if by_place else f"{role}:{at.cell}"
        classes = self._classes(role, at, place)
        is_round = "round" in classes
        text = self._cell_text(self.panels[role], at, classes)
        share = min(LAYOUT["number"], LAYOUT["numberWidth"] / max(len(text), 1))
        size = unit * share * (0.9 if is_round else 1)
        box, joined = self._box(grid, at.row, at.column), " ".join(classes)
        radius = unit * LAYOUT["round"] if is_round else min(3, unit * 0.1)
        cell = None if at.cell is None else f"{role}:{at.cell}"
        yield Rect.of(key, joined, box.grown(-0.5), radius, cell)
        yield Text(
            f"{key}:number",
            joined.replace("cell", "number", 1),
            box.x + unit / 2,
            box.y + unit / 2 + size * LAYOUT["baseline"],
            size,
            "middle",
            text,
        )

    def _classes(self, role: Role, at: GridCell, place: str) -> list[str]:
        panel = self.panels[role]
        if at.cell is None:
            return ["cell", panel.color, "ghost", *self._marked.get(place, [])]
        classes = ["cell", panel.color]
        if not self.model.meets[role][at.cell]:
            classes.append("dull")
        if panel.gradient:
            classes.append("round")
        if panel.editable:
            classes.append("editable")
        if self._is_hidden(panel, at.cell):
            classes.append("hidden")
        marks = [*self._marked.get(f"{role}:{at.cell}", []), *self._marked.get(place, [])]
        return classes + list(dict.fromkeys(marks))

    def _is_hidden(self, panel: Panel, cell: int) -> bool:
        if not panel.result:
            return False
        upto = self.options.upto
        later = upto is not None and cell > upto and cell != self.options.focus.cell
        return self.options.covered or later

    def _cell_text(self, panel: Panel, at: GridCell, classes: list[str]) -> str:
        if "hidden" in classes:
            return ""
        is_max = self.model.pool == "max"
        if at.cell is None:
            return "" if is_max or self.layout.unit < LAYOUT["ghostUnit"] else "0"
        return "" if is_max and panel.color == "w" else written(panel.values[at.cell])

    def _frames(self) -> Iterator[Primitive]:
        """The window in the kernel's colour, on every plane that it meets."""
        if not self._is_window:
            return
        planes, _ = self._partners
        met = (g for g in self.layout.panels[self.model.big].grids if g.plane in planes)
        for n, grid in enumerate(met):
            box = self._window_box(grid).grown(1)
            yield Rect.of(f"frame:{n}", f"frame {self.panels['w'].color}", box, 4)

    def _ribbons(self) -> Iterator[Primitive]:
        """Two ribbons for every three planes that meet: what is wide and what is narrow tells
        which array is left out."""
        colors = {role: self.panels[role].color for role in ROLES}
        for n, boxes in enumerate(self._joined_boxes()):
            for a, b in pairwise(ROLES):
                key, classes = f"ribbon:{n}:{a}{b}", f"ribbon {colors[a]}{colors[b]}"
                yield self._ribbon(key, classes, boxes[a], boxes[b])

    def _joined_boxes(self) -> list[dict[Role, Box]]:
        """For every three planes that meet, the box in each that takes part."""
        focus = self.options.focus
        groups: dict[tuple[int, ...], dict[Role, Box]] = {}
        for number in self._meetings:
            cells = self.model.meetings[number]
            if any((role, cells[role]) not in self._found for role in ROLES):
                continue  # a local layer draws the kernels of one place
            places = {role: self._found[role, cells[role]] for role in ROLES}
            key = tuple(grid.plane for grid, _ in places.values())
            boxes = {role: box for role, (_, box) in places.items()}
            if self._is_window:
                boxes[self.model.big] = self._window_box(places[self.model.big][0])
                kernel = places["w"][0]
                boxes["w"] = self._box(kernel, 0, 0, kernel.rows, kernel.columns)
            elif key in groups:
                boxes = {
                    role: box if role == focus.role else groups[key][role].joined(box)
                    for role, box in boxes.items()
                }
            groups[key] = boxes
        return list(groups.values())

    def _ribbon(self, key: str, classes: str, a: Box, b: Box) -> Path:
        if self.layout.vertical:
            return Path(key, classes, (a.x, a.bottom, b.x, b.y, b.right, a.right), "down")
        return Path(key, classes, (a.right, a.y, b.x, b.y, b.bottom, a.bottom), "across")

    def _dots(self) -> Iterator[Primitive]:
        """Where the window may stand, where that is not everywhere."""
        rows, columns = self.model.axes
        unit = self.layout.unit
        if unit < LAYOUT["dotUnit"] or rows.stride == columns.stride == 1:
            return
        for grid in self.layout.panels[self.model.big].grids:
            for place in range(self.model.places):
                i0, i1 = divmod(place, columns.output)
                row = rows.stride * i0 + first_window(rows)
                column = columns.stride * i1 + first_window(columns)
                yield Circle(
                    f"dot:{grid.plane}:{place}",
                    f"dot {self.panels[self.model.small].color}",
                    grid.x + column * unit + LAYOUT["dotInset"],
                    grid.y + row * unit + LAYOUT["dotInset"],
                    LAYOUT["dotRadius"],
                )

    def _corners(self) -> Iterator[Primitive]:
        """The partner's number in the corner of every cell that takes part."""
        unit, focus = self.layout.unit, self.options.focus
        if unit < LAYOUT["cornerUnit"] or self.model.pool == "max" or self.options.covered:
            return
        on: Role = "y" if focus.role == "x" else "x"
        partner = self.panels["y" if focus.role == "w" else "w"]
        if self.panels[on].result or partner.result:
            return
        role: Role = "y" if focus.role == "w" else "w"
        count = 0
        for number in self._meetings:
            cells = self.model.meetings[number]
            text = written(partner.values[cells[role]])
            place = self._found.get((on, cells[on]))
            if place is not None and len(text) <= LAYOUT["cornerLetters"]:
                yield from self._corner(f"corner:{count}", place[1], text, partner.color)
                count += 2

    def _corner(self, key: str, box: Box, text: str, color: Role) -> Iterator[Primitive]:
        unit = self.layout.unit
        width = min(len(text) * 0.15, 0.5) * unit + 5
        yield Rect(key, "corner", box.right - width - 1, box.y + 1.5, width, unit * 0.28, 2)
        yield Text(
            f"{key}:number",
            f"partner {color}",
            box.right - 3.5,
            box.y + unit * 0.25 + 1,
            unit * min(0.25, 0.8 / len(text)),
            "end",
            text,
        )
