"""What arrays and cells are called, in our letters (counted from 0) or the slides' (from 1), and
numbers as text."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context
from math import isinf, isnan

import numpy as np

from allconv.show.page.shared import NAMES
from allconv.show.stage.model import StageModel
from allconv.show.stage.settings import ROLES, Pair, Role, StageSettings
from allconv.show.stage.values import Values

MINUS = "−"

_FOUR_DIGITS = Context(prec=4, rounding=ROUND_HALF_UP)


def plain(value: float) -> str:
    """A number in the fewest digits that read back as it, as the pages write it.

    >>> plain(14.0), plain(-0.0), plain(1e21), plain(0.1), plain(1.5e-7)
    ('14', '0', '1e+21', '0.1', '1.5e-7')
    """
    if isnan(value) or isinf(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        return np.format_float_positional(value, trim="-")
    return np.format_float_scientific(value, trim="-", exp_digits=1)


def written(value: float) -> str:
    """Four significant digits, whole numbers in full, with a true minus sign.

    >>> written(-2.0), written(2 / 3), written(float("-inf"))
    ('−2', '0.6667', '−∞')
    """
    if isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if isnan(value):
        return "NaN"
    whole = float(value).is_integer()
    rounded = value if whole else float(_FOUR_DIGITS.create_decimal_from_float(value))
    text = "0" if abs(rounded) < 1e-12 else plain(rounded)
    return text.replace("-", MINUS)


def is_gradient(leave: Role, role: Role) -> bool:
    """Whether a panel shows a gradient: all but forward, of the result and of what arrives."""
    return leave != "y" and role in ("y", leave)


def letter_of(view: StageSettings, role: Role) -> str:
    """The letter of what a panel shows: x, w, y, gx, gw, gy; or I, W, O, dL/dI, dL/dW, LO."""
    letters: dict[str, str] = NAMES["letters"][view.letters]
    return letters[f"g{role}" if is_gradient(view.leave, role) else role]


def index_of(model: StageModel, view: StageSettings, role: Role, cell: int) -> str:
    """The index of a cell as it is written: "0,2", or "1,3" counted from 1."""
    start = 1 if view.letters == "slides" else 0
    plane, row, column = model.place_of(role, cell)
    index: list[int] = []
    if role == "w":
        index += [] if model.pool else _plane_index(model, plane)
    elif model.planes[role] > 1:
        index.append(plane)
    index += [row, column] if model.dim == 2 else [column]
    counted = ",".join(str(n + start) for n in index)
    if role != "w" or not model.local:
        return counted
    place = model.weight_parts(cell)[2]
    of = divmod(place, model.axes[1].output) if model.dim == 2 else (place,)
    return f"{counted} @ {','.join(str(n + start) for n in of)}"


def _plane_index(model: StageModel, plane: int) -> list[int]:
    """The channels of a kernel, in the order of the array's axes; left out where there is one."""
    each, made = model.inputs // model.groups, model.outputs // model.groups
    first, second = (model.inputs, made) if model.swap else (model.outputs, each)
    index = [plane // second] if first > 1 else []
    return [*index, plane % second] if second > 1 else index


def name_of(model: StageModel, view: StageSettings, role: Role, cell: int) -> str:
    """A cell with its letter: "x[0,2]"."""
    return f"{letter_of(view, role)}[{index_of(model, view, role, cell)}]"


def shown_values(values: Values, leave: Role, role: Role) -> list[float]:
    """The values that a panel shows."""
    if role == leave:
        return {"x": values.gx, "w": values.gw, "y": values.y}[role]
    return values.g if role == "y" else values.given(role)


@dataclass(frozen=True)
class Panel:
    """What a panel of the stage shows.

    color       the role whose colour it has
    title       its caption, and `short` one where there is little room
    gradient    round cells; `result`: the array that is left out
    first       from what channels are counted
    """

    color: Role
    letter: str
    title: str
    short: str
    values: list[float]
    gradient: bool
    result: bool
    editable: bool
    first: int = 0


def panels_of(model: StageModel, values: Values, view: StageSettings) -> dict[Role, Panel]:
    """What the three panels of a state show."""
    panels: dict[Role, Panel] = {}
    for role in ROLES:
        gradient, result = is_gradient(view.leave, role), role == view.leave
        size = size_text(model, model.sizes[role])
        mean = role == "w" and model.pool == "mean"
        panels[role] = Panel(
            role,
            letter_of(view, role),
            f"{_title(model, role, gradient)} {size}",
            f"{NAMES['short'] if gradient else ''}{size}",
            _shares(model, values) if mean else shown_values(values, view.leave, role),
            gradient,
            result,
            editable=not result and not (role == "w" and model.pool),
            first=int(view.letters == "slides"),
        )
    return panels


def size_text(model: StageModel, size: Pair) -> str:
    """Sizes as they are written: "5 × 5", or "5"."""
    return str(size[1]) if model.dim == 1 else f"{size[0]} × {size[1]}"


def _shares(model: StageModel, values: Values) -> list[float]:
    """The weights of a mean, where all places divide by the same number; else 1."""
    first, *others = values.divisors
    same = all(divisor == first for divisor in others)
    return [1 / first if same else 1.0] * model.taps


def _title(model: StageModel, role: Role, gradient: bool) -> str:
    titles: dict[str, str] = NAMES["titles"]
    if gradient:
        return titles[f"g{role}"]
    if role != "w":
        return titles[role]
    return titles[model.pool or ("flipped" if model.flip else "local" if model.local else "w")]
