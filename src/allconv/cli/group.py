"""The group of commands. A command's file is loaded when it is asked for, so that help is quick."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from allconv.version import __version__

COMMANDS = (
    "train",
    "predict",
    "compare",
    "inspect",
    "explain",
    "densify",
    "show",
    "lecture",
    "bench",
    "cache",
    "info",
)
WIDTH = 100


class LazyGroup(click.Group):
    """A group of commands by name: `load` gives one when it is asked for."""

    def __init__(
        self,
        *args: Any,
        names: Sequence[str],
        load: Callable[[str], click.Command],
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        # Of a command that is not asked for the name is all that is needed, to suggest it, say.
        self.commands = {name: click.Command(name) for name in names}
        self.load = load

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they are met."""
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, loaded now."""
        return self.load(cmd_name) if cmd_name in self.commands else None


def examples(*lines: str) -> str:
    """The end of a help text: examples, a line each."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def command(name: str, *lines: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function the command of a name, with examples below its help."""
    return click.command(name, epilog=examples(*lines), no_args_is_help=False)


@click.group(
    cls=LazyGroup,
    names=COMMANDS,
    load=lambda name: import_module(f"allconv.cli.{name}").command,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    epilog=examples(
        "allconv train                         # on the bundled images",
        "allconv train photos/ --out album     # on a folder with a folder of images a class",
        "allconv predict album/model.onnx cat.jpg",
        "allconv COMMAND --help                # what a command can do",
    ),
)
@click.version_option(
    __version__, message=f"allconv %(version)s, Python {platform.python_version()}"
)
def allconv() -> None:
    """Convolutional networks for images: fast on a plain CPU."""
