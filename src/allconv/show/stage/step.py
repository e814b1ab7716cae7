"""One step in words: for the cell that is looked at what meets it, the numbers, the products and
the total, as text and as a table; and the whole result as tables, for those who see no picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allconv.picture.markup import Markup, element
from allconv.show.page.shared import NAMES
from allconv.show.stage.names import letter_of, shown_values, written
from allconv.show.stage.picture import StagePicture
from allconv.show.stage.settings import ROLES, Role, StageSettings

MOST_SPOKEN = 30
"""Terms of a sum that a label reads out."""
MOST_TABLED = 3000
"""Cells of a result that is told as tables."""


@dataclass(frozen=True)
class StepTerm:
    """A term of the total.

    meets    the cells that meet, by their names; "padding" where the window stands on it
    numbers  their values: "2 × 3"
    product  what is added, as text, and its `value`; a maximum adds nothing up
    """

    meets: tuple[str, ...]
    numbers: str
    product: str
    value: float


@dataclass(frozen=True)
class CellStep:
    """What is said of one cell of the result.

    total    as text, and its `value`
    divisor  by what the sum is divided, 1 unless it is a mean
    """

    name: str
    says: str
    terms: tuple[StepTerm, ...]
    bias: float | None
    divisor: int
    total: str
    value: float
    is_pool: bool
    is_maximum: bool


def step_of(picture: StagePicture, cell: int | None = None) -> CellStep:
    """The step of a cell of the result, the one of the state unless given."""
    at = picture.at if cell is None else cell
    model, values, leave = picture.model, picture.values, picture.state.leave
    forward = leave == "y"
    value = picture.result[at]
    plane, _, _ = model.place_of(leave, at)
    return CellStep(
        picture.name(leave, at),
        _says(picture, at),
        tuple(_terms(picture, at)),
        values.b[plane] if forward and values.b else None,
        values.divisors[at % model.places] if forward and values.divisors else 1,
        written(value),
        value,
        model.pool is not None,
        forward and model.pool == "max",
    )


def spoken(picture: StagePicture) -> str:
    """What a picture of a state shows, in words."""
    step, panels = step_of(picture), picture.panels
    operator: str = NAMES["operators"][picture.state.op]
    arrays = ", ".join(f"{panels[role].letter}: {panels[role].title}" for role in ROLES)
    numbers = [term.numbers for term in step.terms[:MOST_SPOKEN]]
    if len(step.terms) > MOST_SPOKEN:
        numbers.append(f"{len(step.terms) - MOST_SPOKEN} more")
    joint = ", " if step.is_maximum else " + "
    made = f" from {joint.join(numbers)}" if numbers else ""
    return f"{operator.capitalize()}. {arrays}. {step.name} = {step.total}{made}."


def step_table(state: StageSettings) -> Markup:
    """The step and the whole result of a state as tables."""
    picture = StagePicture.of(state)
    step = step_of(picture)
    rows = [(*term.meets, term.numbers, term.product) for term in step.terms]
    width = max(map(len, rows), default=3)
    rows = [(*row[:-2], *[""] * (width - len(row)), *row[-2:]) for row in rows]
    if step.bias is not None:
        rows.append(("bias", *[""] * (width - 3), written(step.bias), written(step.bias)))
    heads = ("what meets", *[""] * (width - 3), "numbers", "adds")
    shown = _table(f"{step.name} = {step.total}", rows, heads)
    said = element("p", f"{step.name} = {step.total}, {_from(step)}. {step.says}", class_="says")
    tables = element("div", shown, *_result_tables(picture), class_="tables")
    return element("section", said, tables, class_="steps")


def _from(step: CellStep) -> str:
    count = len(step.terms)
    if not count:
        return "which nothing meets" if step.bias is None else "the bias alone"
    if step.is_maximum:
        return f"the largest of {count}"
    what = "cell" if step.is_pool else "product"
    many = f"{count} {what}s added up" if count > 1 else f"one {what}"
    bias = "" if step.bias is None else " with the bias"
    return f"from {many}{bias}" + (f", divided by {step.divisor}" if step.divisor > 1 else "")


def _says(picture: StagePicture, at: int) -> str:
    model, leave = picture.model, picture.state.leave
    if not model.meets[leave][at]:
        if leave == model.big:
            return "No place of the window reaches this cell."
        return "This place of the window lies in the padding only."
    if model.pool != "max":
        return ""
    if leave == "y":
        return "Of equal ones the first wins."
    return "Only where the cell was the largest of a window does its gradient come back to it."


def _terms(picture: StagePicture, at: int) -> Iterator[StepTerm]:
    """The terms of a cell; taps of its window that stand on padding included."""
    model, leave = picture.model, picture.state.leave
    numbers = model.meets[leave][at]
    if leave != model.small or model.pool:
        for number in numbers:
            yield _pooled(picture, number) if model.pool else _product(picture, number)
        return
    known = {model.meetings[number]["w"]: number for number in numbers}
    plane, _, _ = model.place_of(leave, at)
    for input, output, kernel in model.channel_pairs():
        if (input if model.swap else output) != plane:
            continue
        for k in range(model.taps):
            tap = model.taps - 1 - k if model.flip else k
            weight = model.weight_at(kernel, tap, at % model.places)
            if weight in known:
                yield _product(picture, known[weight])
            else:
                w = written(shown_values(picture.values, leave, "w")[weight])
                yield StepTerm(("padding",), f"0 × {w}", "0", 0.0)


def _product(picture: StagePicture, number: int) -> StepTerm:
    leave, cells = picture.state.leave, picture.model.meetings[number]
    roles = [role for role in ROLES if role != leave]
    a, b = (shown_values(picture.values, leave, role)[cells[role]] for role in roles)
    names = tuple(picture.name(role, cells[role]) for role in roles)
    return StepTerm(names, f"{written(a)} × {written(b)}", written(a * b), a * b)


def _pooled(picture: StagePicture, number: int) -> StepTerm:
    model, values, leave = picture.model, picture.values, picture.state.leave
    other: Role = "x" if leave == "y" else "y"
    cells = model.meetings[number]
    value = shown_values(values, leave, other)[cells[other]]
    names = (picture.name(other, cells[other]),)
    if model.pool == "max":
        won = values.best[cells["y"]] == number
        if leave == "y":
            return StepTerm(names, written(value), "the largest" if won else "", value)
        return StepTerm(names, written(value), written(value) if won else "lost: 0", value * won)
    share = values.divisors[cells["y"] % model.places] if leave == "x" else 1
    divided = f"{written(value)} / {share}" if share > 1 else written(value)
    return StepTerm(names, divided, written(value / share), value / share)


def _result_tables(picture: StagePicture) -> Iterator[Markup]:
    """A table for each plane of the result; a sentence where they would be too long to be read."""
    if picture.count > MOST_TABLED:
        yield element("p", f"The result has {picture.count:,} cells, too many for a table.")
        return
    model, leave = picture.model, picture.state.leave
    letter, values = letter_of(picture.state, leave), list(map(written, picture.result))
    planes = model.planes[leave]
    height, width = model.sizes[leave]
    note = ""
    if leave == "w" and model.local:
        height, width, note = model.taps, model.places, ", a row a tap, a column a place"
    for plane in range(planes):
        what = "kernel" if leave == "w" else "channel"
        name = f"{letter}, {what} {plane}" if planes > 1 else letter
        starts = range(plane * height * width, (plane + 1) * height * width, width)
        yield _table(name + note, [values[start : start + width] for start in starts])


def _table(caption: str, rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> Markup:
    head = element("thead", element("tr", *(element("th", each, scope="col") for each in heads)))
    body = [element("tr", *(element("td", each) for each in row)) for row in rows]
    parts = [element("caption", caption), *([head] if heads else []), element("tbody", *body)]
    return element("table", *parts)
