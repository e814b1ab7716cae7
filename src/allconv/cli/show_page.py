"""`allconv show -o FILE`: what is shown as a live page, a picture or a film; and made-up numbers
where only sizes are given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allconv.cli.failures import Misuse
from allconv.cli.output import say
from allconv.cli.output_file import check_output, write_result
from allconv.cli.settings import PAGE, Setting, as_integer, as_integers
from allconv.cli.show_call import MOST_WEIGHTS, ShownCall
from allconv.cli.window_options import PerAxis
from allconv.text import printable

if TYPE_CHECKING:
    from allconv.operators.base import Array
    from allconv.show.explain import Explained

CELL = re.compile(r"(?:(?P<name>g?[xwy])\[)?(?P<index>[-\d, ]+)\]?")
RESULTS = {"y": "y", "x": "gx", "w": "gw"}
"""What the array that is left out is called."""


class Channels(Setting):
    """Channels in and out; one number stands for both."""

    name = "channels"
    expected = 'channels in and out, as in "2-3",'
    metavar = "IN-OUT"

    def read(self, text: str) -> tuple[int, int] | None:
        """(in, out)."""
        numbers = as_integers(text, "-", 1, MOST_WEIGHTS)
        return None if numbers is None or len(numbers) > 2 else (numbers[0], numbers[-1])


PAGE_OPTIONS: list[Callable[..., Any]] = [
    click.option(
        "-o", "--out", type=PAGE,
        help="Write a live page (.html), a picture (.svg) or a film (.gif) in place of text.",
    ),
    click.option("--open", "opened", is_flag=True, help="Show the page in the browser."),
    click.option(
        "--leave", type=click.Choice(("y", "x", "w")),
        help="What the page computes: y, or the gradient of x or w.",
    ),
]  # fmt: skip
INPUT_SIZE = click.option(
    "--input-size",
    type=PerAxis(),
    help="In place of --input: its size; the numbers are made up. With an image: what it is scaled "
    "to [default: at most 9x9].",
)
KERNEL_SIZE = click.option(
    "--kernel-size",
    "drawn_kernel",
    type=PerAxis(),
    help="In place of --kernel: its size; the numbers are made up.",
)
CHANNELS = click.option("--channels", type=Channels(), help="The channels of made-up numbers.")


@dataclass(frozen=True)
class Page:
    """What is asked for of a page."""

    out: str | None
    opened: bool
    leave: str | None

    @property
    def is_asked(self) -> bool:
        """Whether there is to be one; `Misuse` for --leave without one."""
        asked = self.out is not None or self.opened
        if self.leave and not asked:
            raise Misuse("--leave says what a page shows; give -o FILE or --open with it")
        return asked


@dataclass(frozen=True)
class UnwrittenPage:
    """A page that is made and not yet written; `content` is None without a name."""

    explained: Explained
    page: Page
    content: bytes | None

    def write(self) -> None:
        """Write it, open it, and say where it is."""
        if self.content is None:
            say(f"result: {self.explained.open()}, in the browser")
            return
        target = Path(str(self.page.out))
        say(write_result(target, self.content))
        if self.explained.note:
            say(f"note: it shows {self.explained.note}")
        if self.page.opened:
            import webbrowser

            webbrowser.open(target.resolve().as_uri())


def page_of(call: ShownCall, page: Page, backward: Any, cells: tuple[str, ...]) -> UnwrittenPage:
    """The page of a call."""
    from allconv.show.explain import SUFFIXES, explain

    if page.out is not None:
        check_output("--out", page.out, SUFFIXES)
    name, at = _cell(cells)
    leave = page.leave or next((role for role, each in RESULTS.items() if each == name), "y")
    if name is not None and RESULTS[leave] != name:
        raise Misuse(f"--cell is of {name}, and the page shows {RESULTS[leave]}; see --leave")
    # `leave` is one of the choices of the option, which click gives as text.
    explained = explain(call.function, *call.arrays, grad_output=backward, leave=leave, at=at)  # type: ignore[arg-type]
    content = None if page.out is None else explained.written_as(page.out)
    return UnwrittenPage(explained, page, content)


def _cell(cells: tuple[str, ...]) -> tuple[str | None, tuple[int, ...] | None]:
    """The array, where it is named, and the index of the one cell that a page begins with."""
    if not cells:
        return None, None
    match = CELL.fullmatch(cells[0].strip())
    numbers = [as_integer(part.strip()) for part in match["index"].split(",")] if match else []
    index = tuple(n for n in numbers if n is not None)
    if match is None or len(cells) > 1 or not index or len(index) != len(numbers):
        given = printable(" ".join(cells), 40)
        raise Misuse(f'--cell is \'{given}\'; a page begins with one cell, as in "0,1" or "gx[0]"')
    return match["name"], index


def with_made_up(
    kind: str,
    given: dict[str, Any],
    input_size: Any,
    kernel_size: Any,
    channels: tuple[int, int] | None,
) -> dict[str, Any]:
    """Settings with made-up arrays in place of those that are not given.

    `Misuse` where both numbers and a size are given, or neither, or the array is too large.
    """
    takes_weights = kind not in ("max_pool", "avg_pool")
    for option, array, size in (
        ("--input", "x", input_size), ("--kernel", "weight", kernel_size)
    ):  # fmt: skip
        if array in given and size is not None:
            raise Misuse(f"{option} and {option}-size: give one of them")
    is_made_up = input_size is not None
    if "x" not in given and not is_made_up:
        raise Misuse("missing option '--input' (or '--input-size')")
    has_kernel = kernel_size is not None or (kind == "linear" and is_made_up)
    if takes_weights and "weight" not in given and not has_kernel:
        raise Misuse("missing option '--kernel' (or '--kernel-size')")
    if channels is not None and not is_made_up:
        raise Misuse("--channels is for made-up numbers; give --input-size with it")
    if not is_made_up and kernel_size is None:
        return given
    return _MadeUp(kind, given, input_size, kernel_size, channels or (1, 1)).settings()


@dataclass(frozen=True)
class _MadeUp:
    """Makes up the arrays of a layer, with the numbers that pages begin with."""

    kind: str
    given: dict[str, Any]
    input_size: Any
    kernel_size: Any
    channels: tuple[int, int]

    @property
    def axes(self) -> int:
        """Over how many the window slides: 1 or 2."""
        sizes = [s for s in (self.input_size, self.kernel_size) if isinstance(s, tuple)]
        usual = self.given["x"].ndim if "x" in self.given else 1
        numbers = self.given.get("axes") or max(map(len, sizes), default=usual)
        if numbers > 2:
            raise Misuse(f"{numbers} axes are too many; inputs of one or two axes are made up")
        return int(numbers)

    def settings(self) -> dict[str, Any]:
        """The settings with the made-up arrays, and the axes that they have."""
        settings, (inputs, outputs) = dict(self.given), self.channels
        axes = self.axes
        if self.kind != "linear":
            settings["axes"] = axes
        if self.kind in ("max_pool", "avg_pool"):
            outputs = inputs
        plain = inputs == outputs == 1 and self.kind != "linear"
        if self.input_size is not None:
            size = self._sizes("--input-size", self.input_size)
            x = self._array("x", (inputs, *size))
            settings["x"] = x[0] if plain else x
        if self.kernel_size is not None or (self.kind == "linear" and "weight" not in settings):
            settings["weight"] = self._kernel(settings["x"], plain)
        return settings

    def _kernel(self, x: Array, plain: bool) -> Array:
        inputs, outputs = self.channels
        groups = self.given.get("groups", 1)
        if inputs % groups or outputs % groups:
            raise Misuse(f"--groups is {groups}, which does not divide {inputs} and {outputs}")
        if self.kind == "linear":
            return self._array("w", (outputs, *x.shape))
        kernel = self._sizes("--kernel-size", self.kernel_size)
        if plain and x.ndim != self.axes:
            raise Misuse("--input has channels, and --kernel-size makes none; give --kernel")
        if self.kind == "conv_transpose":
            return self._plain(self._array("w", (inputs, outputs // groups, *kernel)), plain)
        lead = (outputs, inputs // groups)
        if self.kind == "local":
            return self._array("w", (*lead, *kernel, *self._places(x, kernel)))
        return self._plain(self._array("w", (*lead, *kernel)), plain)

    def _plain(self, array: Array, plain: bool) -> Array:
        return array[0, 0] if plain else array

    def _places(self, x: Array, kernel: tuple[int, ...]) -> tuple[int, ...]:
        """The cells of the output of a locally connected layer."""
        from allconv.functional.settings import window_of

        names = ("stride", "padding", "dilation")
        given = {name: self.given[name] for name in names if name in self.given}
        return window_of(x.shape[-self.axes :], kernel, **given).output

    def _sizes(self, option: str, given: Any) -> tuple[int, ...]:
        sizes = given if isinstance(given, tuple) else (given,) * self.axes
        if len(sizes) != self.axes or min(sizes) < 1:
            shown = "x".join(map(str, sizes))
            what = f"{self.axes} numbers" if self.axes > 1 else "a number"
            raise Misuse(f"{option} is {shown}; {what} of at least 1 must be given")
        return sizes

    def _array(self, name: str, shape: tuple[int, ...]) -> Array:
        """An array of the numbers that a page begins with; its leading axes are channels."""
        import numpy as np

        from allconv.show.stage.settings import StageSettings
        from allconv.show.stage.values import drawn

        if prod(shape) > MOST_WEIGHTS:
            raise Misuse(
                f"{prod(shape):,} numbers are too many to make up; at most {MOST_WEIGHTS:,}"
            )
        axes = self.axes
        lead = 1 if name == "x" else 2
        planes, places = prod(shape[:lead]), prod(shape[lead + axes :])
        sizes = shape[lead : lead + axes]
        rows, columns = sizes if axes == 2 else (1, *sizes)
        settings = StageSettings(op=self.kind, dim=axes)
        local = self.kind == "local" and name == "w"
        values = [
            drawn(name, settings, (plane, row, column, *((place,) if local else ())))
            for plane in range(planes)
            for row in range(rows)
            for column in range(columns)
            for place in range(places)
        ]
        return np.array(values).reshape(shape)
