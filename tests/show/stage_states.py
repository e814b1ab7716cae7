"""States of the stage drawn at random."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from page_states import Drawn, drawn

from allconv.errors import Error
from allconv.show.stage.model import model_of
from allconv.show.stage.settings import Pair
from allconv.show.stage.state import State
from allconv.show.stage.values import coordinates, place_key


def state_of(given: Drawn, **more: Any) -> State:
    """The state of settings as the library takes them."""

    def pair(name: str, least: int) -> Pair:
        numbers = getattr(given, name)
        return (least, numbers[0]) if given.dim == 1 else numbers

    padding: Any = given.padding
    if not isinstance(padding, str):
        padding = ((0, 0), padding[0]) if given.dim == 1 else padding
    elif given.is_pool:
        padding = ((0, 0), (0, 0))
    return State(
        op=given.op,
        dim=given.dim,
        **{name: pair(name, 1) for name in ("input", "kernel", "stride", "dilation", "spread")},
        output_padding=pair("output_padding", 0),
        padding=padding,
        ceil=given.ceil,
        count_padding=given.count_padding,
        channels=given.channels,
        groups=given.groups,
        bias=given.bias,
        leave=given.leave,
        **more,
    )


def with_values(given: Drawn, arrays: dict[str, Any]) -> State:
    """The state with the values of arrays; LimitError where a page does not draw it."""
    state = state_of(given)
    model = model_of(state)
    edits = {
        place_key(name, place): value
        for name, array in arrays.items()
        for place, value in zip(coordinates(model, name), map(float, array.ravel()), strict=True)
    }
    return replace(state, edits=edits)


def address_of(given: Drawn, arrays: dict[str, Any]) -> str:
    """Its address, without values where a page does not draw it."""
    try:
        return with_values(given, arrays).address()
    except Error:
        return state_of(given).address()


def drawn_state(number: int) -> State:
    """The state of a number: with the drawn values, or with some of its own."""
    random = np.random.default_rng(number + 10**7)
    edits = {}
    for _ in range(random.integers(4)):
        row, column = random.integers(0, 2, 2)
        row = row if drawn(number).dim == 2 else 0
        edits[f"x0.{row}.{column}"] = float(random.choice(EDITED))
    letters = str(random.choice(["ours", "slides"]))
    return state_of(drawn(number), edits=edits, letters=letters, at=int(random.integers(3)))


EDITED = (-2.5, 1.0625, 1e21, -1.5e-7, 123456.0, 2 / 3, 0.00012345, -0.0)
