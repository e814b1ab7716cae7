"""One worked example of the lecture, as a value that can be computed again."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import getsource
from textwrap import dedent
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, Error
from allconv.lecture.printed import agrees, cells, like
from allconv.lecture.prose import PART_OF
from allconv.operators.base import Array

YES, NO, SLIP, MISSING = "yes", "no", "slip", "missing"

NOT_ON_SLIDES = "Not on the slides"

CellIndex = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Example:
    """What a slide computes: its inputs, how to compute it, and what it prints.

    name      by which `allconv lecture --show` finds it
    part      the part of the lecture
    title     one line
    slide     what the slide says; begins with `NOT_ON_SLIDES` where no slide has it
    inputs    arrays by name
    compute   a function of the inputs that calls allconv; None: the slides lack an input
    printed   the result as printed: see `printed.cells`
    drawn     the slide draws or states it and prints no result: `printed` was worked out by hand
    single    the listing computed it in float32: see `printed.agrees`
    slips     cells where the slide is wrong, and what would have been right
    lacking   what the slides do not print, so that this cannot be recomputed
    working   a function of the inputs that returns how the result comes about, to be printed
    note      what the slide leaves open: what is taken, and what the cells of the result are
    heading   what stands above `printed`; "" for what `drawn` says
    """

    name: str
    part: str
    title: str
    slide: str
    inputs: Mapping[str, Array]
    compute: Callable[..., Any] | None
    printed: str
    drawn: bool = False
    single: bool = False
    slips: Mapping[CellIndex, str] = field(default_factory=dict)
    lacking: str = ""
    working: Callable[..., Any] | None = None
    note: str = ""
    heading: str = ""

    @property
    def is_on_slide(self) -> bool:
        """Whether a slide has it."""
        return not self.slide.startswith(NOT_ON_SLIDES)

    @property
    def source(self) -> str:
        """Where the printed result comes from, as a heading."""
        return self.heading or ("worked out by hand" if self.drawn else "on the slide")

    @property
    def code(self) -> str:
        """The calls that compute it, as they are written here; "" where it cannot be computed."""
        if self.compute is None:
            return ""
        source = dedent(getsource(self.compute))
        function = ast.parse(source).body[0]
        if not isinstance(function, ast.FunctionDef):
            return source.strip()
        lines = source.splitlines()[function.body[0].lineno - 1 :]
        return dedent("\n".join(lines)).strip()

    def changed(self, **inputs: Any) -> Example:
        """The same with other inputs."""
        unknown = sorted(set(inputs) - set(self.inputs))
        if unknown:
            raise ArgumentError(
                f"{self.name} has no input {', '.join(unknown)}; there are {', '.join(self.inputs)}"
            )
        return replace(self, inputs={**self.inputs, **frozen(inputs)})

    def check(self) -> Result:
        """Compute it, and compare cell by cell with what is printed."""
        printed = cells(self.printed)
        if self.compute is None:
            return Result(self, MISSING, printed, None, None, f"not printed: {self.lacking}")
        try:
            ours = np.asarray(self.compute(**self.inputs))
        except Error as error:
            return Result(self, NO, printed, None, None, str(error))
        if ours.shape != printed.shape:
            reason = f"{printed.shape} cells are printed, ours are {ours.shape}"
            return Result(self, NO, printed, ours, None, reason)
        expected = printed.astype(object)
        for place, right in self.slips.items():
            expected[place] = right
        pairs = zip(expected.ravel().tolist(), ours.ravel().tolist(), strict=True)
        same = np.array([agrees(text, each, single=self.single) for text, each in pairs])
        same = same.reshape(ours.shape)
        if not same.all():
            reason = f"{np.count_nonzero(~same)} of {same.size} cells differ"
            return Result(self, NO, printed, ours, same, reason)
        reason = ", ".join(
            f"the slide's {printed[place]} is {right}" for place, right in self.slips.items()
        )
        return Result(self, SLIP if self.slips else YES, printed, ours, same, reason)


@dataclass(frozen=True, eq=False)
class Result:
    """An example beside what was computed.

    verdict is "yes", "no", "slip" (all agrees but what the slide has wrong) or "missing" (cannot be
    recomputed). `same` says which cells agree with what is printed or, at a slip, is right.
    """

    example: Example
    verdict: str
    printed: Array
    ours: Array | None
    same: Array | None
    reason: str

    @property
    def agrees(self) -> bool:
        """Whether the result agrees with what is printed, known slips aside."""
        return self.verdict != NO

    def written(self) -> Array:
        """Our cells as text, each with as many digits as the printed one; none where none are."""
        if self.ours is None:
            return np.array([], dtype=str)
        ours = self.ours
        if ours.shape != self.printed.shape:
            return np.array([str(each) for each in ours.ravel().tolist()])
        pairs = zip(self.printed.ravel().tolist(), ours.ravel().tolist(), strict=True)
        return np.array([like(text, each) for text, each in pairs]).reshape(ours.shape)


def example(
    title: str,
    *,
    slide: str,
    printed: str,
    inputs: Mapping[str, Any],
    drawn: bool = False,
    single: bool = False,
    slips: Mapping[CellIndex, str] | None = None,
    lacking: str = "",
    working: Callable[..., Any] | None = None,
    note: str = "",
    heading: str = "",
) -> Callable[[Callable[..., Any]], Example]:
    """Make a function of the inputs an example of its name, in the part that shows it."""

    def make(compute: Callable[..., Any]) -> Example:
        name = compute.__name__.replace("_", "-")
        return Example(
            name=name,
            part=PART_OF[name],
            title=title,
            slide=dedent(slide).strip(),
            inputs=frozen(inputs),
            compute=None if lacking else compute,
            printed=printed,
            drawn=drawn,
            single=single,
            slips=slips or {},
            lacking=lacking,
            working=working,
            note=" ".join(note.split()),
            heading=heading,
        )

    return make


def frozen(inputs: Mapping[str, Any]) -> dict[str, Array]:
    """Inputs as arrays of their own that nobody writes into."""
    arrays = {name: np.array(given) for name, given in inputs.items()}
    for array in arrays.values():
        array.setflags(write=False)
    return arrays
