"""The table of layouts and names as text, made from the records that the conversions use."""

from __future__ import annotations

from collections.abc import Sequence

from allconv import text
from allconv.conventions.frameworks import LAYOUTS, TABLE
from allconv.errors import ArgumentError

AXES = "N batch, C channels, O outputs, I inputs of the layer, M outputs a channel, * W, HW or DHW"


def table(*parts: str) -> str:
    """How each framework lays out arrays, a row each: all of it, or some of "layouts", "names" (of
    the weights), "notes" (what else differs) and "same" (what padding of that name means).

    >>> print(table("names").splitlines()[1])
    torch       weight, bias      weight, bias, running_mean, running_var
    """
    for part in parts:
        if part not in _PARTS:
            known = ", ".join(f'"{name}"' for name in _PARTS)
            raise ArgumentError(f"part is {part!r}; some of {known} are expected")
    return "\n\n".join(_PARTS[part]() for part in parts or _PARTS)


def _layouts() -> str:
    rows = [
        (name, row.image, row.convolution, row.transposed, row.depthwise, row.linear)
        for name, row in LAYOUTS.items()
    ]
    head = ("", "image", "kernel", "transposed", "depthwise", "linear")
    return f"{AXES}\n\n{_columns(head, rows)}"


def _names() -> str:
    rows = [
        (name, ", ".join(row.names.values()), ", ".join(row.norm_names.values()))
        for name, row in LAYOUTS.items()
    ]
    return _columns(("", "names of weights", "names in batch normalisation"), rows)


def _notes() -> str:
    return _columns(("", "what else differs"), [(name, r.note) for name, r in LAYOUTS.items()])


def _same() -> str:
    rules = {name: row.same for name, row in TABLE.items()}
    rules["half"] = "d*(k-1)/2 zeros each side whatever the stride, as the lecture draws it"
    order = ("torch", "half", *list(TABLE)[1:])
    return _columns(("same padding", ""), [(name, rules[name]) for name in order])


_PARTS = {"layouts": _layouts, "names": _names, "notes": _notes, "same": _same}


def _columns(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(text.table([head, *rows], left=len(head)))
