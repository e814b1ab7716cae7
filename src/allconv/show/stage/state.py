"""What a page shows, as an address that can be kept and sent: the one that the page writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Any, Self
from urllib.parse import unquote

from allconv.errors import Error
from allconv.show.page.shared import OPERATORS
from allconv.show.stage.model import model_of
from allconv.show.stage.names import plain
from allconv.show.stage.settings import NO_PADDING, PAIRS, Pair, StageSettings
from allconv.show.stage.values import GIVEN, coordinates, place_key, values_of
from allconv.window import PADDING_NAMES, Axis

_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,300})(?![0-9])")
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
_DAMAGED = re.compile("%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True)
class State(StageSettings):
    """Settings that can be written as an address, and read from one.

    >>> State(op="conv", dim=1, input=(1, 4), kernel=(1, 3)).address()
    '#op=conv&dim=1&input=4&kernel=3&leave=y&at=0'
    """

    def address(self) -> str:
        """The address, with the values of every array of which one was edited."""
        parts = list(self._settings())
        if self.edits:
            parts += self._values()
        return f"#{'&'.join(parts)}"

    @classmethod
    def of_address(cls, text: str) -> Self:
        """The state of an address: settings that are missing or not numbers are the usual ones,
        those out of range the nearest that a page draws, and cells without a number keep the one
        that they begin with."""
        given = _fields(text)
        state: Self = _read(cls(), given)
        try:
            model = model_of(state)
        except Error:
            return state  # a geometry that cannot be keeps no values
        edits = {}
        for name in GIVEN:
            if name not in given or (name == "w" and model.pool):
                continue
            for place, word in zip(coordinates(model, name), given[name].split(","), strict=False):
                match = _NUMBER.fullmatch(word)
                if match and isfinite(float(match[1])):
                    edits[place_key(name, place)] = float(match[1])
        return replace(state, edits=edits)

    def _settings(self) -> list[str]:
        fresh = {each.name: each.default for each in fields(self)}
        parts = [f"op={self.op}", f"dim={self.dim}"]
        for name in PAIRS:
            pair: Pair = getattr(self, name)
            if name in ("input", "kernel") or pair != fresh[name]:
                own = map(str, pair[2 - self.dim :])
                parts.append(f"{name}={'x'.join(own)}")
        if self.padding != NO_PADDING:
            parts.append(f"padding={self._padding_text()}")
        if self.ceil:
            parts.append("ceil=1")
        if not self.count_padding:
            parts.append("count_padding=0")
        if self.channels != (1, 1):
            parts.append(f"channels={self.channels[0]}-{self.channels[1]}")
        if self.groups > 1:
            parts.append(f"groups={self.groups}")
        if self.bias:
            parts.append("bias=1")
        if self.letters != "ours":
            parts.append(f"letters={self.letters}")
        return [*parts, f"leave={self.leave}", f"at={self.at}"]

    def _padding_text(self) -> str:
        if isinstance(self.padding, str):
            return self.padding
        return ",".join(str(n) for pair in self.padding[2 - self.dim :] for n in pair)

    def _values(self) -> list[str]:
        try:
            model = model_of(self)
        except Error:
            return []  # a geometry that cannot be: its settings alone
        values, parts = values_of(self, model), []
        for name in GIVEN:
            places = [] if name == "w" and model.pool else coordinates(model, name)
            if any(place_key(name, place) in self.edits for place in places):
                parts.append(f"{name}={','.join(map(plain, values.given(name)))}")
        return parts


def state_of_axes(op: str, axes: Sequence[Axis], **others: Any) -> State:
    """The state of a layer whose window slides over one or two axes; `others` are its other fields.

    A transposed layer takes what the axes call their outputs.
    """
    is_transposed = op == "conv_transpose"
    return State(
        op=op,
        dim=len(axes),
        input=pair_of(axis.output if is_transposed else axis.input for axis in axes),
        kernel=pair_of(axis.kernel for axis in axes),
        stride=pair_of(axis.stride for axis in axes),
        dilation=pair_of(axis.dilation for axis in axes),
        spread=pair_of(1 if is_transposed else axis.input_dilation for axis in axes),
        **others,
    )


def pair_of(numbers: Iterable[int], flat: int = 1) -> Pair:
    """The numbers of rows and columns; one axis has one row."""
    given = list(numbers)
    first, second = given if len(given) == 2 else (flat, given[0])
    return first, second


def sides_of(ends: Sequence[Pair]) -> tuple[Pair, Pair]:
    """The padding of rows and columns; one axis has rows without any."""
    first, second = ends if len(ends) == 2 else ((0, 0), ends[0])
    return first, second


def _fields(text: str) -> dict[str, str]:
    """The fields of an address; what cannot be read is left out."""
    found = {}
    for part in text.removeprefix("#").split("&"):
        name, equals, value = part.partition("=")
        if not name or not equals or _DAMAGED.search(value):
            continue
        try:
            found[name] = unquote(value, errors="strict")
        except UnicodeDecodeError:
            continue
    return found


def _read(state: Any, given: Mapping[str, str]) -> Any:
    """A fresh state with the settings of some fields."""
    op = given.get("op", state.op)
    state = replace(
        state, op=op if op in OPERATORS else state.op, dim=1 if given.get("dim") == "1" else 2
    )
    limits = state.limits()
    changed: dict[str, Any] = {}
    for name in PAIRS:
        if name in given:
            first, _, second = given[name].partition("x")
            second = second.partition("x")[0] if "x" in given[name] else first
            usual: Pair = getattr(state, name)
            limited = _within(limits[name])
            changed[name] = limited(_whole(first, usual[0])), limited(_whole(second, usual[1]))
    if "padding" in given:
        changed["padding"] = _padding(given["padding"], _within(limits["padding"]))
    inputs, _, outputs = given.get("channels", "").partition("-")
    limited = _within(limits["channels"])
    leave = given.get("leave")
    return replace(
        state,
        **changed,
        ceil=given.get("ceil") == "1",
        count_padding=given.get("count_padding") != "0",
        channels=(limited(_whole(inputs, 1)), limited(_whole(outputs.partition("-")[0], 1))),
        groups=max(1, _whole(given.get("groups", ""), 1)),
        bias=given.get("bias") == "1",
        letters="slides" if given.get("letters") == "slides" else "ours",
        leave=leave if leave in ("x", "w") else "y",
        at=max(0, _whole(given.get("at", ""), 0)),
    ).settled()


def _within(limits: Pair) -> Callable[[int], int]:
    return lambda number: min(limits[1], max(limits[0], number))


def _whole(text: str, usual: int) -> int:
    """The whole number that a text begins with; the usual one where there is none."""
    match = _WHOLE.match(text)
    return int(match[1]) if match else usual


def _padding(text: str, limited: Callable[[int], int]) -> str | tuple[Pair, Pair]:
    """A name, or numbers: one, one an axis, or four (top, bottom, left, right)."""
    if text in PADDING_NAMES:
        return text
    matches = [_WHOLE.match(part) for part in text.split(",")]
    if not all(matches):
        return NO_PADDING
    numbers = [limited(int(match[1])) for match in matches if match]
    if len(numbers) >= 4:
        return (numbers[0], numbers[1]), (numbers[2], numbers[3])
    pair = (numbers[0], numbers[1] if len(numbers) > 1 else numbers[0])
    return pair, pair
