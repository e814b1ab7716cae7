"""What a plan does, a line a step: text, which notebooks show as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allconv.picture.table import LongTable, for_notebook
from allconv.text import few_lines, printable

HEAD = ("step", "kernel", "chunks", "algorithm", "layer")
LONGEST = 80  # letters of a text of a table


@dataclass(frozen=True)
class StepLine:
    """A step in words: what it computes, by which kernel, in how many chunks, why so, and where."""

    step: str
    kernel: str
    chunks: int
    algorithm: str = ""
    layer: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The words in the order of `HEAD`."""
        return (self.step, self.kernel, str(self.chunks), self.algorithm, self.layer)


class PlanText(str):
    """The lines of a plan as text in columns; `lines` has them one by one."""

    __slots__ = ("lines",)

    lines: tuple[StepLine, ...]

    def __new__(cls, lines: Sequence[StepLine]) -> PlanText:
        """The text of these lines."""
        rows = [HEAD, *(each.texts for each in lines)]
        widths = [max(len(row[c]) for row in rows) for c in range(len(HEAD) - 1)]
        text = "\n".join(
            "  ".join([*(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)), row[-1]])
            for row in rows
        )
        made = super().__new__(cls, text)
        made.lines = tuple(lines)
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.lines,)

    def __repr__(self) -> str:
        return few_lines(str(self))

    def _repr_html_(self) -> str:
        def row(n: int) -> tuple[str | int, ...]:
            step, kernel, _, algorithm, layer = (
                printable(text, LONGEST) for text in self.lines[n].texts
            )
            return step, kernel, self.lines[n].chunks, algorithm, layer

        kinds = [(each.kernel, ()) for each in self.lines]
        return for_notebook(LongTable("steps", HEAD, kinds, row, kind="kernel").html())
