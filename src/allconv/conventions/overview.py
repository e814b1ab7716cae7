"""The table of layouts and names as text, made from the records that the conversions use."""

from __future__ import annotations

from collections.abc import Sequence

from allconv.conventions.layouts import LAYOUTS
from allconv.conventions.padding import RULES

AXES = "N batch, C channels, O outputs, I inputs of the layer, M outputs a channel, * W, HW or DHW"


def table() -> str:
    """Layouts, names of arrays, and the meanings of "same", a row a framework."""
    layouts = [
        (name, row.image, row.convolution, row.transposed, row.depthwise, row.linear)
        for name, row in LAYOUTS.items()
    ]
    names = [
        (name, ", ".join(row.names.values()), ", ".join(row.norm_names.values()))
        for name, row in LAYOUTS.items()
    ]
    notes = [(name, row.note) for name, row in LAYOUTS.items()]
    parts = [
        AXES,
        _columns(("", "image", "kernel", "transposed", "depthwise", "linear"), layouts),
        _columns(("", "names of weights", "names in batch normalisation"), names),
        _columns(("", "what else differs"), notes),
        _columns(("same padding", ""), list(RULES.items())),
    ]
    return "\n\n".join(parts)


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in every
    )
    return "\n".join(line.rstrip() for line in lines)
