"""Values of options: checked before anything is done, with what would be right in the message."""

from __future__ import annotations

from collections.abc import Callable
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
    """Base of the kinds of values: `expected` says in words what is accepted."""

    name = "value"
    expected = ""

    def refusal(self, value: Any, param: click.Parameter | None, expected: str = "") -> Misuse:
        """The usage error for a value."""
        given = printable(str(value), LETTERS).strip() or "empty"
        return Misuse(f"{_shown_name(param)} is {given}; {expected or self.expected} is expected")


class Whole(Setting):
    """A whole number from `least` to `most`."""

    name = "integer"

    def __init__(self, least: int, most: int = HUGE) -> None:
        self.least, self.most = least, most
        self.range = f"a whole number from {least} to {most}"
        self.expected = f"a whole number of at least {least}" if most == HUGE else self.range

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number, or a usage error."""
        number = as_integer(value)
        if number is None or number < self.least:
            raise self.refusal(value, param)
        if number > self.most:
            raise self.refusal(value, param, self.range)
        return number


class Real(Setting):
    """A finite number from `least` (itself not, where `open`) to below `below`."""

    name = "number"

    def __init__(self, least: float, *, below: float = inf, is_open: bool = False) -> None:
        self.least, self.below, self.is_open = least, below, is_open
        self.expected = f"a number {'above' if is_open else 'of at least'} {least:g}"
        if below < inf:
            self.expected += f" and below {below:g}"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or a usage error."""
        try:
            number = float(value)
        except ValueError:
            raise self.refusal(value, param) from None
        low = number <= self.least if self.is_open else number < self.least
        if not isfinite(number) or low or number >= self.below:
            raise self.refusal(value, param)
        return number


class Size(Setting):
    """One side, or height x width, in pixels."""

    name = "pixels"
    expected = f"one side, or HEIGHTxWIDTH, each {SMALLEST_SIDE} to {LARGEST_SIDE} pixels,"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """(height, width), or a usage error."""
        sides = [as_integer(side) for side in str(value).lower().split("x")]
        whole = [s for s in sides if s is not None and SMALLEST_SIDE <= s <= LARGEST_SIDE]
        if len(sides) > 2 or len(whole) != len(sides):
            raise self.refusal(value, param)
        return whole[0], whole[-1]


class Shape(Setting):
    """The sizes of an array."""

    name = "shape"
    expected = f"up to {MOST_AXES} sizes with an x between them, as in 1x3x224x224,"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The sizes, or a usage error."""
        sizes = [as_integer(side) for side in str(value).lower().split("x")]
        whole = [n for n in sizes if n is not None and 0 < n <= LARGEST_SIZE]
        if len(whole) != len(sizes) or len(sizes) > MOST_AXES:
            raise self.refusal(value, param)
        return tuple(whole)


class Numbers(Setting):
    """Numbers with commas between them, one a channel."""

    name = "numbers"

    def __init__(self, *, positive: bool) -> None:
        self.positive = positive
        kind = "numbers above 0" if positive else "numbers"
        self.expected = f"{kind} with commas between them, as in 0.485,0.456,0.406,"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """The numbers, or a usage error."""
        try:
            numbers = tuple(float(each) for each in str(value).split(","))
        except ValueError:
            raise self.refusal(value, param) from None
        if not all(isfinite(x) and (x > 0 or not self.positive) for x in numbers):
            raise self.refusal(value, param)
        return numbers


class PathSetting(Setting):
    """The name of a file or folder; an empty one would be the current folder."""

    name = "path"

    def __init__(self, kind: str) -> None:
        self.expected = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, or a usage error."""
        if not isinstance(value, str) or not value:
            raise self.refusal(value, param)
        return value


class Name(Setting):
    """One of some names, which are looked up when they are needed."""

    name = "name"

    def __init__(self, names: Callable[[], tuple[str, ...]]) -> None:
        self.names = names

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """The names, as help shows them."""
        return f"[{'|'.join(self.names())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, or a usage error."""
        if value not in self.names():
            self.expected = f"one of {', '.join(self.names())}"
            raise self.refusal(value, param)
        return str(value)


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


def network_names() -> tuple[str, ...]:
    """The names of the networks."""
    from allconv.nn.networks import names

    return names()


def preset_names() -> tuple[str, ...]:
    """The names of the ways in which images are prepared."""
    from allconv.data.presets import PRESETS

    return tuple(PRESETS)


def layout_names() -> tuple[str, ...]:
    """The orders of axes that networks take images in."""
    return ("nchw", "nhwc")


def optimizer_names() -> tuple[str, ...]:
    """The names of the optimizers."""
    from allconv.train.optimizers import optimizer_names

    return optimizer_names()


def schedule_names() -> tuple[str, ...]:
    """The names of the schedules of the learning rate."""
    from allconv.train.schedules import schedule_names

    return schedule_names()


def _shown_name(param: click.Parameter | None) -> str:
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
            "--image-size", type=Size(), metavar="SIDE|HEIGHTxWIDTH",
            help="[default: chosen from the images]",
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
        "--preset", type=Name(preset_names),
        help="Instead of --mean and --std: a usual preparation, by its name.",
    )  # fmt: skip
    layout = click.option(
        "--layout", type=Name(layout_names),
        help="The axes of what the file takes.  [default: as it declares them]",
    )  # fmt: skip
    return preset(mean_and_std(layout(function)))


THREADS = Whole(1, MOST_THREADS)
SEED = Whole(0, LARGEST_SEED)
COUNT = Whole(1)
DATA = PathSetting("a folder of images, a folder of IDX files or an .npz file")
MODEL = PathSetting("an .onnx file")
BASE = PathSetting("an .onnx file or the folder of a run")
LABELS = PathSetting("a file with the name of a class on each line")
RUN = PathSetting("the folder of a run")
PAGE = PathSetting("the name of a file")
