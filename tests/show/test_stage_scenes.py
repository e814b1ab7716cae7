"""The primitives that Python draws are those of the pages' JavaScript, for hundreds of states."""

from __future__ import annotations

import dataclasses
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_node import asked, needs_node
from stage_states import drawn_state

from allconv.errors import Error
from allconv.show.page.shared import OPERATORS, shared_data
from allconv.show.stage.layout import layout_of
from allconv.show.stage.model import model_of
from allconv.show.stage.names import panels_of
from allconv.show.stage.primitives import Scene
from allconv.show.stage.scene import Focus, SceneOptions, scene_of
from allconv.show.stage.settings import Role
from allconv.show.stage.state import State
from allconv.show.stage.values import values_of

STATES = 300
PLACES = {"x", "y", "width", "height", "radius", "size", "points"}
NEAR = 0.5  # pixels


@dataclasses.dataclass(frozen=True)
class Question:
    """A scene that both languages are asked for."""

    address: str
    width: float
    options: SceneOptions

    def sent(self) -> dict[str, Any]:
        """The question as JavaScript reads it."""
        options = dataclasses.asdict(self.options)
        return {"address": self.address, "width": self.width, "place": 0, "options": options}


def question(number: int) -> Question:
    """The question of a number: at any cell of any array, at widths of desks and of phones."""
    random = np.random.default_rng(number)
    state = drawn_state(number)
    roles: list[Role] = ["x", "y"] if state.is_pool else ["x", "w", "y"]
    role = state.leave if random.integers(3) else roles[random.integers(len(roles))]
    focus, pairs = Focus(role, 0), []
    with suppress(Error):  # both refuse it
        model = model_of(state)
        focus = Focus(role, int(random.integers(model.count[role])))
        pairs = model.meets[role][focus.cell]
    options = SceneOptions(
        focus,
        pair=pairs[0] if pairs and random.integers(5) == 0 else None,
        upto=int(random.integers(9)) if random.integers(4) == 0 else None,
        covered=not random.integers(6),
        still=not random.integers(6),
    )
    return Question(state.address(), float(random.choice([320, 600, 900, 1400])), options)


def answered(question: Question) -> dict[str, Any]:
    """What Python makes of a question."""
    state = State.of_address(question.address)
    again = state.address()
    try:
        model = model_of(state)
    except Error as error:
        return {"again": again, "refusal": error.message}
    values = values_of(state, model)
    panels = panels_of(model, values, state)
    layout = layout_of(model, 0, question.width)
    scene = scene_of(model, panels, layout, question.options, values.best)
    return {"again": again, "scene": scene}


@needs_node
def test_scenes_are_those_of_the_pages(modules: Path) -> None:
    """Keys, classes and texts are equal, and places to half a pixel."""
    questions = [question(number) for number in range(STATES)]
    sent = {"shared": shared_data(), "questions": [each.sent() for each in questions]}
    compared: Counter[str] = Counter()
    for each, theirs in zip(questions, asked("scenes.mjs", modules, sent), strict=True):
        ours = answered(each)
        assert ours["again"] == theirs["again"] == each.address
        assert ours.get("refusal") == theirs.get("refusal"), each.address
        if "refusal" in ours:
            compared["refused"] += 1
            continue
        compare_scenes(ours["scene"], theirs["scene"], each)
        compared[State.of_address(each.address).op] += 1
    assert compared.keys() == {*OPERATORS, "refused"}
    assert compared.total() - compared["refused"] >= STATES // 2, compared


def compare_scenes(ours: Scene, theirs: dict[str, Any], asked_for: Question) -> None:
    assert ours.vertical == theirs["vertical"]
    assert (ours.width, ours.height) == pytest.approx((theirs["width"], theirs["height"]), abs=NEAR)
    assert len(ours.items) == len(theirs["items"]), asked_for
    for one, other in zip(ours.items, theirs["items"], strict=True):
        mine = {name: each for name, each in dataclasses.asdict(one).items() if each is not None}
        assert mine.keys() == other.keys(), (one, other)
        for name, value in mine.items():
            if name in PLACES:
                assert value == pytest.approx(other[name], abs=NEAR), (one, other)
            else:
                assert value == other[name], (one, other, asked_for)
