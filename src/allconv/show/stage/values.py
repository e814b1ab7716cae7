"""The numbers of all arrays of a layer: the given ones (made up until they are edited), the result,
and the gradients."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod

from allconv.show.stage.model import StageModel
from allconv.show.stage.settings import Role, StageSettings
from allconv.window import Axis

GIVEN = ("x", "w", "g", "b")

_SEEDS = {"x": 1, "w": 5, "g": 3}
_MASK, _MULTIPLIER = 2**32 - 1, 0x9E3779B1  # the pages draw in 32 bits


@dataclass(frozen=True)
class Values:
    """Flat arrays, row by row: x, w, the bias b, the gradient g that arrives, y, and gradients.

    best      of a maximum: the number of the meeting that won, of every output; -1: none
    divisors  of a mean: what the sum of each place is divided by
    """

    x: list[float]
    w: list[float]
    g: list[float]
    b: list[float]
    y: list[float]
    gx: list[float]
    gw: list[float]
    gb: list[float]
    best: list[int]
    divisors: list[int]

    def given(self, name: str) -> list[float]:
        """An array of `GIVEN`."""
        found: list[float] = getattr(self, name)
        return found


def values_of(settings: StageSettings, model: StageModel) -> Values:
    """The values of a layer: plain floats, summed in the order of the meetings."""
    x, g = given_values("x", settings, model), given_values("g", settings, model)
    w = [1.0] * model.taps if model.pool else given_values("w", settings, model)
    b = given_values("b", settings, model) if settings.bias else []
    divisors = divisors_of(model, settings.count_padding)
    if model.pool == "max":
        y, gx, best = _maxima(model, x, g)
        gw = [0.0] * model.count["w"]
    else:
        y, gx, gw = _sums(model, x, w, g, b, divisors)
        best = []
    area = prod(model.sizes["y"])
    gb = [sum(g[o * area : (o + 1) * area]) for o in range(model.outputs)] if settings.bias else []
    return Values(x, w, g, b, y, gx, gw, gb, best, divisors)


def given_values(name: str, settings: StageSettings, model: StageModel) -> list[float]:
    """The values of an array of `GIVEN`: what was edited, and made-up numbers elsewhere."""
    edits = settings.edits
    return [
        edits[key] if (key := place_key(name, place)) in edits else drawn(name, settings, place)
        for place in coordinates(model, name)
    ]


def coordinates(model: StageModel, name: str) -> list[tuple[int, ...]]:
    """Where every cell of a given array lies, (channel, row, column): edits are kept by it, so
    that they outlive a change of size."""
    if name == "b":
        return [(o,) for o in range(model.outputs)]
    role: Role = "y" if name == "g" else "x" if name == "x" else "w"
    places = [model.place_of(role, cell) for cell in range(model.count[role])]
    if role == "w" and model.local:
        return [(*place, model.weight_parts(cell)[2]) for cell, place in enumerate(places)]
    return [*places]


def place_key(name: str, place: tuple[int, ...]) -> str:
    """The key of a cell among the edits.

    >>> place_key("x", (0, 1, 2))
    'x0.1.2'
    """
    return name + ".".join(map(str, place))


def drawn(name: str, settings: StageSettings, place: tuple[int, ...]) -> float:
    """What a cell holds until it is edited: 1, 2, 3 ... on a line, else small whole numbers."""
    if name == "b":
        return float(place[0] % 3 - 1)
    if settings.dim == 1 and settings.op != "local" and place[0] == 0 and name != "g":
        return float(place[2] + 1)
    mix = 7
    for part in (_SEEDS[name], *place):
        mix = ((mix ^ (part + 11)) * _MULTIPLIER & _MASK) ^ (mix >> 13)
    number = mix >> 9
    if name == "g":  # no zero, so that every copy of the kernel is seen
        return float(number % 3 + 1)
    if name == "x":
        return float(number % (10 if settings.is_pool else 5))
    return float(number % 4 - 1)


def divisors_of(model: StageModel, count_padding: bool) -> list[int]:
    """By what the sum of each place is divided: empty but for means."""
    if model.pool != "mean":
        return []
    rows, columns = (
        [_counted(axis, high, i, count_padding) for i in range(axis.output)]
        for axis, high in zip(model.axes, model.high, strict=True)
    )
    return [a * b for a in rows for b in columns]


def _counted(axis: Axis, high: int, i: int, count_padding: bool) -> int:
    """The taps of output `i` that a mean counts: beyond the padding, where ceil mode reaches,
    none."""
    if not count_padding:
        return max(len(list(axis.meetings(i))), 1)
    end = axis.padding + axis.input + high
    return sum(axis.stride * i + axis.dilation * k < end for k in range(axis.kernel))


def _sums(
    model: StageModel,
    x: list[float],
    w: list[float],
    g: list[float],
    b: list[float],
    divisors: list[int],
) -> tuple[list[float], list[float], list[float]]:
    """The result and the gradients of x and w."""
    area = prod(model.sizes["y"])
    share = [divisors[cell % area] if divisors else 1 for cell in range(model.count["y"])]
    y = [b[cell // area] if b else 0.0 for cell in range(model.count["y"])]
    gx, gw = [0.0] * model.count["x"], [0.0] * model.count["w"]
    for meeting in model.meetings:
        at, weight, cell = meeting["x"], meeting["w"], meeting["y"]
        y[cell] += x[at] * w[weight]
        gx[at] += g[cell] / share[cell] * w[weight]
        gw[weight] += x[at] * g[cell]
    return [total / by for total, by in zip(y, share, strict=True)], gx, gw


def _maxima(
    model: StageModel, x: list[float], g: list[float]
) -> tuple[list[float], list[float], list[int]]:
    """The largest of each window, the first of equal ones; its gradient goes back to that cell."""
    y, best, gx = [], [], [0.0] * model.count["x"]
    for cell, numbers in enumerate(model.meets["y"]):
        won, largest = -1, -inf
        for number in numbers:
            value = x[model.meetings[number]["x"]]
            if won < 0 or value > largest:
                won, largest = number, value
        y.append(largest)
        best.append(won)
        if won >= 0:
            gx[model.meetings[won]["x"]] += g[cell]
    return y, gx, best
