"""Values of options: checked before anything is done, with what would be right in the message."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import inf, isfinite
from typing import Any

import click

from allconv.cli.failures import Misuse
from allconv.text import printable

LARGEST_SIDE = 4096
LARGEST_SIZE = 2**31 - 1
MOST_AXES = 8
SMALLEST_SIDE = 4
MOST_THREADS = 1024
LARGEST_SEED = 2**63 - 1
HUGE = 10**12  # of anything that is counted
LETTERS = 60  # of what was given that a message repeats
PIXEL_LIMIT = 100_000_000  # data.PIXEL_LIMIT, which help should not have to load; a test compares


class Setting(click.ParamType[Any]):
    """Base of the kinds of values: `expected` says in words what is accepted, `metavar` in help."""

    name = "value"
    expected = ""
    metavar: str | None = None

    def read(self, text: str) -> Any:
        """The value that a text spells; None where it is not accepted."""
        raise NotImplementedError

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value, or a usage error."""
        read = self.read(str(value))
        if read is None:
            raise self.refusal(value, param)
        return read

    def refusal(self, value: Any, param: click.Parameter | None) -> Misuse:
        """The usage error for a value."""
        given = printable(str(value), LETTERS).strip() or "empty"
        return Misuse(f"{shown_name(param)} is {given}; {self.told(given)} is expected")

    def told(self, text: str) -> str:
        """What is accepted in the place of a text."""
        return self.expected

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """What help shows in the place of a value."""
        return self.metavar


class Whole(Setting):
    """A whole number from `least` to `most`."""

    name = "integer"

    def __init__(self, least: int, most: int = HUGE) -> None:
        self.least, self.most = least, most

    def read(self, text: str) -> int | None:
        number = as_integer(text)
        return number if number is not None and self.least <= number <= self.most else None

    def told(self, text: str) -> str:
        """See `Setting.told`; nobody needs to know of an end that is out of sight."""
        if self.most == HUGE and (as_integer(text) or 0) <= HUGE:
            return f"a whole number of at least {self.least}"
        return f"a whole number from {self.least} to {self.most}"


class Real(Setting):
    """A finite number from `least` (itself not, where `open`) to below `below`."""

    name = "number"

    def __init__(self, least: float, *, below: float = inf, is_open: bool = False) -> None:
        self.least, self.below, self.is_open = least, below, is_open
        self.expected = f"a number {'above' if is_open else 'of at least'} {least:g}"
        if below < inf:
            self.expected += f" and below {below:g}"

    def read(self, text: str) -> float | None:
        number = as_number(text)
        if number is None or number >= self.below or number < self.least:
            return None
        return None if self.is_open and number == self.least else number


class Size(Setting):
    """One side, or height x width, in pixels."""

    name = "pixels"
    metavar = "SIDE|HEIGHTxWIDTH"
    expected = f"one side, or HEIGHTxWIDTH, each {SMALLEST_SIDE} to {LARGEST_SIDE} pixels,"

    def read(self, text: str) -> tuple[int, int] | None:
        """(height, width)."""
        sides = as_integers(text.lower(), "x", SMALLEST_SIDE, LARGEST_SIDE)
        return None if sides is None or len(sides) > 2 else (sides[0], sides[-1])


class Shape(Setting):
    """The sizes of an array."""

    name = "shape"
    expected = f"up to {MOST_AXES} sizes with an x between them, as in 1x3x224x224,"

    def read(self, text: str) -> tuple[int, ...] | None:
        sizes = as_integers(text.lower(), "x", 1, LARGEST_SIZE)
        return None if sizes is None or len(sizes) > MOST_AXES else sizes


class Numbers(Setting):
    """Numbers with commas between them, one a channel."""

    name = "numbers"

    def __init__(self, *, positive: bool) -> None:
        self.positive = positive
        kind = "numbers above 0" if positive else "numbers"
        self.expected = f"{kind} with commas between them, as in 0.485,0.456,0.406,"

    def read(self, text: str) -> tuple[float, ...] | None:
        given = [as_number(each) for each in text.split(",")]
        known = tuple(x for x in given if x is not None and (x > 0 or not self.positive))
        return known if len(known) == len(given) else None


class PathSetting(Setting):
    """The name of a file or folder; an empty one would be the current folder."""

    name = "path"

    def __init__(self, kind: str, metavar: str | None = None) -> None:
        self.expected, self.metavar = kind, metavar

    def read(self, text: str) -> str | None:
        return text or None


class NameSetting(Setting):
    """One of some names, which are looked up when they are needed."""

    name = "name"

    def __init__(self, names: Callable[[], tuple[str, ...]]) -> None:
        self.names = names

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The names, as help shows them."""
        return f"[{'|'.join(self.names())}]"

    def read(self, text: str) -> str | None:
        return text if text in self.names() else None

    def told(self, text: str) -> str:
        return f"one of {', '.join(self.names())}"


class OfRecipe(click.Option):
    """A setting of a training, whose default is that of `Recipe`, loaded when it is asked for."""

    def __init__(self, *declared: Any, **settings: Any) -> None:
        super().__init__(*declared, **settings)
        self.show_default = True

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        """The default of the field of this name."""
        from allconv.train.recipe import Recipe

        return getattr(Recipe, self.name or "")


def as_integer(text: Any) -> int | None:
    """A whole number in decimal digits, else None."""
    try:
        return int(str(text), 10)
    except ValueError:
        return None


def as_integers(text: str, joint: str, least: int, most: int) -> tuple[int, ...] | None:
    """Whole numbers within limits with a joint between them, else None."""
    given = [as_integer(each) for each in text.split(joint)]
    known = tuple(n for n in given if n is not None and least <= n <= most)
    return known if len(known) == len(given) else None


def as_number(text: str) -> float | None:
    """A finite number, else None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def shown_name(param: click.Parameter | None) -> str:
    """How an option or an argument is written."""
    if param is None:
        return "a value"
    longest = max(param.opts, key=len)
    return longest if isinstance(param, click.Option) else longest.upper()


def pixel_limit_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option of commands that read images."""
    return click.option(
        "--pixel-limit", type=COUNT, default=PIXEL_LIMIT, show_default=True,
        help="The largest height times width of an image that is read.",
    )(function)  # fmt: skip


def mean_and_std(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that prepare images for a file that does not say how."""
    mean = click.option(
        "--mean", type=Numbers(positive=False), metavar="M,M,M",
        help="The mean of each channel, 0 to 1, for a file that does not say it.",
    )  # fmt: skip
    std = click.option(
        "--std", type=Numbers(positive=True), metavar="S,S,S",
        help="The standard deviation of each channel, 0 to 1, likewise.",
    )  # fmt: skip
    return mean(std(function))


def data_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that read labelled images."""
    options = [
        click.option(
            "--image-size", type=Size(), help="[default: chosen from the images]"
        ),
        click.option(
            "--samples", type=COUNT,
            help="Train on so many of the images, of each class its share.",
        ),
        click.option("--seed", type=SEED, default=0, show_default=True),
        click.option(
            "--strict", is_flag=True, help="Refuse images that cannot be read; else: leave out."
        ),
    ]  # fmt: skip
    function = pixel_limit_option(function)  # the last in the help
    for option in reversed(options):
        function = option(function)
    return function


def foreign_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how a network from elsewhere takes its images."""
    preset = click.option(
        "--preset", type=PRESET,
        help="Instead of --mean and --std: a usual preparation, by its name.",
    )  # fmt: skip
    layout = click.option(
        "--layout", type=LAYOUT,
        help="The axes of what the file takes.  [default: as it declares them]",
    )  # fmt: skip
    return preset(mean_and_std(layout(function)))


def _of(module: str, attribute: str) -> NameSetting:
    """One of the names that a part of the library has; that is loaded for a value, not for help."""

    def names() -> tuple[str, ...]:
        found = getattr(import_module(f"allconv.{module}"), attribute)
        return tuple(found() if callable(found) else found)

    return NameSetting(names)


THREADS = Whole(1, MOST_THREADS)
SEED = Whole(0, LARGEST_SEED)
COUNT = Whole(1)
NETWORK = _of("nn.networks", "names")
OPTIMIZER = _of("train.optimizers", "optimizer_names")
SCHEDULE = _of("train.schedules", "schedule_names")
PRESET = _of("data.presets", "PRESETS")
LAYOUT = _of("nn.rewrites.new_head", "LAYOUTS")
DATA = PathSetting("a folder of images, a folder of IDX files or an .npz file")
MODEL = PathSetting("an .onnx file")
MODEL_OR_NAME = PathSetting("an .onnx file or the name of a network")
BASE = PathSetting("an .onnx file or the folder of a run")
LABELS = PathSetting("a file with the name of a class on each line", "FILE")
IMAGE = PathSetting("an image", "FILE")
RUN = PathSetting("the folder of a run", "DIR")
PAGE = PathSetting("the name of a file", "FILE")
