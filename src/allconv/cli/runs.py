"""The folder of a run: a new one each time, with the options that made it, for `--resume`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from allconv.cli.failures import Misuse
from allconv.errors import FileError
from allconv.files import atomic_write
from allconv.train.checkpoint import HISTORY, LAST

OPTIONS = "options.json"
FREE = ("data", "epochs", "patience")
"""Options that may change when a run is resumed; whether the data is the same is seen from it."""


@contextmanager
def new_run(wanted: Path, options: Mapping[str, Any]) -> Iterator[Path]:
    """A folder that was not there: `wanted`, or `wanted-2` ...; gone if no epoch was finished."""
    folder = _made(wanted)
    try:
        atomic_write(folder / OPTIONS, (json.dumps(options, indent=1) + "\n").encode())
        with resumable(folder):
            yield folder
    except KeyboardInterrupt:
        if not _has_begun(folder):
            _discard(folder)
        raise
    except BaseException:
        if not _has_epochs(folder):
            _discard(folder)
        raise


@contextmanager
def resumable(folder: Path) -> Iterator[Path]:
    """Say how to go on when Ctrl-C or a full disk ends what is done here."""
    again = f"to go on: allconv train --resume {shlex.quote(str(folder))}"
    try:
        yield folder
    except KeyboardInterrupt:
        if not _has_begun(folder):
            raise
        raise KeyboardInterrupt(f"stopped, and saved in {folder}; {again}") from None
    except FileError as error:
        if not _has_epochs(folder):
            raise
        raise FileError(f"{error}; {again}") from error


def _has_begun(folder: Path) -> bool:
    """Whether a folder holds a checkpoint."""
    return (folder / LAST).exists()


def _has_epochs(folder: Path) -> bool:
    """Whether a folder holds the record of an epoch."""
    try:
        return (folder / HISTORY).stat().st_size > 0
    except OSError:
        return False


def _discard(folder: Path) -> None:
    with suppress(OSError):
        for name in (OPTIONS, LAST, HISTORY):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def resumed_options(ctx: click.Context, folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run, with those given now that may change; a usage error for others."""
    saved = _read(ctx, folder, given)
    for name, value in given.items():
        if ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if name not in FREE and value != saved[name]:
            option = _flag(ctx, name)
            before = "not set" if saved[name] is None else _text(saved[name])
            raise Misuse(
                f"{option} is {_text(value)}, for the run in {folder} it was {before}; "
                "leave it out, or begin another run"
            )
        saved[name] = value
    return saved


def _made(wanted: Path) -> Path:
    """The first folder of this name, or with a number, that can be made."""
    number = 1
    while True:
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            number += 1
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FileError(
                f"{folder} cannot be made: {reason}; give --out a folder that you may write to"
            ) from None


def _read(ctx: click.Context, folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The options in a folder, checked as those of the command line are."""
    path = folder / OPTIONS
    try:
        saved = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FileError(
            f"{folder} holds no run of allconv train; give the folder of one, or begin another"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read ({error}); begin another run") from None
    if not isinstance(saved, dict) or sorted(saved) != sorted(wanted):
        raise FileError(f"{path} was not written by this version of allconv; begin another run")
    parameters = {param.name: param for param in ctx.command.params}
    try:
        return {
            name: None if saved[name] is None else _checked(parameters[name], saved[name], ctx)
            for name in wanted
        }
    except Misuse as error:
        raise FileError(f"{path}: {error.message}; begin another run") from None


def _checked(param: click.Parameter, value: Any, ctx: click.Context) -> Any:
    if isinstance(value, bool) != isinstance(param.type, click.types.BoolParamType):
        raise Misuse(f"{_flag(ctx, param.name)} is {value}")
    return param.type.convert(value if isinstance(value, bool) else _text(value), param, ctx)


def _flag(ctx: click.Context, name: str | None) -> str:
    """How an option is written."""
    for param in ctx.command.params:
        if param.name == name:
            return max(param.opts, key=len)
    return str(name)


def _text(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, list | tuple):
        return "x".join(map(str, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
