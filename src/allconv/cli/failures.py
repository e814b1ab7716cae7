"""What goes wrong, as one sentence on stderr and an exit status.

0 done, 1 it failed, 2 it was asked for in the wrong way, 130 stopped by Ctrl-C. ALLCONV_DEBUG=1
shows the traceback instead.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

import click

from allconv.cli import interrupts
from allconv.cli.output import say
from allconv.errors import ArgumentError, Error
from allconv.text import printable

FAILED, MISUSED, STOPPED = 1, 2, interrupts.STATUS
VARIABLE = "ALLCONV_DEBUG"
_OPTIONS = {
    "raise pixel_limit": "raise --pixel-limit",
    "a smaller learning_rate than": "a smaller --lr than",
    "or clip=1.0": "or --clip 1",
}
"""What the library says of its arguments, and what a command says of its options."""
LETTERS = 300  # of a message of click, which repeats what was given
MOST_LETTERS = 800  # of any sentence


class Misuse(click.UsageError):
    """A command asked for in the wrong way; the message says what would do."""


class Failure(click.ClickException):
    """A command did what it could and has said so; only the exit status remains."""

    exit_code = FAILED


def run(group: click.Group, arguments: Sequence[str]) -> int:
    """Run a command and return its exit status, with what went wrong said on stderr."""
    context: click.Context | None = None
    debug = os.environ.get(VARIABLE, "") not in ("", "0")
    _accept_any_text(sys.stdout)
    _accept_any_text(sys.stderr)
    with interrupts.Raised(), _warnings_told():
        try:
            context = group.make_context("allconv", list(arguments))
            with context:
                result = group.invoke(context)
            if sys.stdout is not None:
                sys.stdout.flush()
            return result if isinstance(result, int) else 0
        except click.exceptions.Exit as end:  # --help and --version
            return end.exit_code
        except (KeyboardInterrupt, Exception) as error:
            if interrupts.is_interrupt(error):
                told = str(error) if isinstance(error, KeyboardInterrupt) else ""
                return _tell(f"{_command(context, arguments)}: {told or 'stopped'}", STOPPED)
            if debug and not isinstance(error, click.ClickException | BrokenPipeError):
                raise
            return _status(error, _command(context, arguments))


def _status(error: BaseException, name: str) -> int:
    """Say what went wrong; the exit status."""
    match error:
        case BrokenPipeError():
            _close_stdout()
            return FAILED
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return MISUSED
        case click.UsageError():
            name = error.ctx.command_path if error.ctx else name
            return _tell(f"{name}: {_helpful(error, name)}", MISUSED)
        case Failure():
            return _tell(f"{name}: {error.message}", FAILED)
        case click.Abort():
            return _tell(f"{name}: stopped", STOPPED)
        case click.ClickException():
            return _tell(f"{name}: {_sentence(error.format_message())}", FAILED)
        case Error():
            return _tell(
                f"{name}: {_as_options(str(error))}",
                MISUSED if isinstance(error, ArgumentError) else FAILED,
            )
        case OSError():
            return _tell(f"{name}: {_system_sentence(error)}", FAILED)
        case MemoryError():
            remedy = "a smaller --batch-size, --image-size or --samples needs less"
            return _tell(f"{name}: there is not enough memory; {remedy}", FAILED)
        case _:
            kind = type(error).__name__
            text = printable(" ".join(str(error).split()), LETTERS)
            remedy = f"this is a fault of allconv; {VARIABLE}=1 shows where, please report it"
            return _tell(f"{name}: {kind}: {text}; {remedy}", FAILED)


def _as_options(text: str) -> str:
    """A message of the library, which names its arguments, with the names of the options."""
    for argument, option in _OPTIONS.items():
        text = text.replace(argument, option)
    return text


def _helpful(error: click.UsageError, name: str) -> str:
    """A usage error with what would do, which ours say themselves."""
    text = _sentence(error.format_message())
    return (
        text
        if isinstance(error, Misuse)
        else f"{printable(text, LETTERS)}; {name} --help shows how"
    )


def _sentence(text: str) -> str:
    """A message of click as ours: on one line, without capital and full stop."""
    text = " ".join(text.split()).rstrip(".")
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _system_sentence(error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def _command(context: click.Context | None, arguments: Sequence[str]) -> str:
    """The command, "allconv train" say, as far as it is known."""
    name = context.invoked_subcommand if context else None
    if name is None:
        from allconv.cli.group import COMMANDS

        name = next((each for each in arguments if each in COMMANDS), None)
    return f"allconv {name}" if name else "allconv"


def _tell(message: str, status: int) -> int:
    """Say a sentence, whatever is in it, after what was said on stdout."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _close_stdout()
    with suppress(OSError, ValueError):
        say(_shortened(printable(message)), err=True)
    return status


def _shortened(text: str) -> str:
    """A sentence of a length that is read, with its end, which says what would do."""
    if len(text) <= MOST_LETTERS:
        return text
    half = MOST_LETTERS // 2
    return f"{text[:half]} ... {text[-half:]}"


def _close_stdout() -> None:
    """Nobody reads any more: what Python would flush at its end goes nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _accept_any_text(stream: TextIO | None) -> None:
    """Names of classes may hold letters that the terminal lacks: show escapes instead."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Say the warnings of allconv in a sentence, and keep those of others to themselves."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if category.__module__.startswith("allconv."):
            with suppress(OSError, ValueError):
                say(f"allconv: warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = show
        yield
