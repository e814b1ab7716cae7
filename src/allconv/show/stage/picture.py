"""A state made ready to be drawn: its model, values, panels; the scene of any of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from allconv.show.stage.layout import layout_of
from allconv.show.stage.model import StageModel, model_of
from allconv.show.stage.names import Panel, name_of, panels_of, shown_values
from allconv.show.stage.primitives import Scene
from allconv.show.stage.scene import Focus, SceneOptions, scene_of
from allconv.show.stage.settings import Role, StageSettings
from allconv.show.stage.values import Values, values_of

WIDTH = 900.0
"""Pixels of a picture, as a page has them that does not know how wide it is."""


@dataclass(frozen=True)
class StagePicture:
    """A state with its model and its values; `of` refuses geometries that cannot be."""

    state: StageSettings
    model: StageModel
    values: Values

    @classmethod
    def of(cls, state: StageSettings) -> StagePicture:
        """The picture of a state; errors are those of `model_of`."""
        model = model_of(state)
        return cls(state, model, values_of(state, model))

    @property
    def at(self) -> int:
        """The cell of the result that is looked at: the last one where there are fewer."""
        return min(self.state.at, self.count - 1)

    @property
    def count(self) -> int:
        """The cells of the array that is left out."""
        return self.model.count[self.state.leave]

    @property
    def result(self) -> list[float]:
        """The values of the array that is left out."""
        return shown_values(self.values, self.state.leave, self.state.leave)

    @cached_property
    def panels(self) -> dict[Role, Panel]:
        """What the three panels show."""
        return panels_of(self.model, self.values, self.state)

    def name(self, role: Role, cell: int) -> str:
        """A cell as it is written."""
        return name_of(self.model, self.state, role, cell)

    def place(self, cell: int) -> int:
        """The place whose kernels a local layer shows when a cell is looked at."""
        model, role = self.model, self.state.leave
        if not model.local:
            return 0
        if role == "w":
            return model.weight_parts(cell)[2]
        if role == "y":
            return cell % model.places
        numbers = model.meets[role][cell]
        return model.meetings[numbers[0]]["y"] % model.places if numbers else 0

    def scene(
        self, cell: int | None = None, width: float = WIDTH, *, upto: int | None = None
    ) -> Scene:
        """The scene of a cell of the result (the one of the state unless given)."""
        at = self.at if cell is None else cell
        layout = layout_of(self.model, self.place(at), width)
        options = SceneOptions(Focus(self.state.leave, at), upto=upto)
        return scene_of(self.model, self.panels, layout, options, self.values.best)
