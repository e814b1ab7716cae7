"""The options of a run, kept in its folder so that it can go on with them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from allconv.cli.failures import Misuse
from allconv.cli.settings import Numbers
from allconv.errors import FileError
from allconv.files import atomic_write, read_text
from allconv.text import json_text, printable

OPTIONS = "options.json"
FREE = ("data", "epochs", "patience")
"""Options that may change when a run is resumed; whether the data is the same is seen from it."""

LARGEST = 2**20  # bytes
LONGEST = 100  # numbers of an option
KIND = "the options of a run of allconv train"


def save_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Write the options into the folder of a run, a line each."""
    lines = ",\n ".join(f"{json_text(name)}: {json_text(value)}" for name, value in options.items())
    atomic_write(folder / OPTIONS, f"{{\n {lines}\n}}\n".encode())


def resumed_options(ctx: click.Context, folder: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run, with those given now that may change; a usage error for others."""
    saved = _read(ctx, Path(folder), given)
    for name, value in given.items():
        if ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if name == "base" and value is not None:
            value = str(Path(value).absolute())
        if name not in FREE and value != saved[name]:
            option = _flag(ctx, name)
            before = "not set" if saved[name] is None else _text(saved[name])
            raise Misuse(
                f"{option} is {_text(value)}, for the run in {folder} it was {before}; "
                "leave it out, or begin another run"
            )
        saved[name] = value
    return saved


def _read(ctx: click.Context, folder: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The options in a folder, checked as those of the command line are."""
    path = folder / OPTIONS
    if "\0" in str(path) or not os.path.lexists(path):
        raise FileError(
            f"{printable(folder)} holds no run of allconv train; give the folder of one, or begin "
            "another"
        )
    try:
        saved = json.loads(read_text(path, LARGEST, KIND))
    except FileError as error:
        raise FileError(f"{error}; begin another run") from None
    except (ValueError, RecursionError):
        raise FileError(f"{printable(path)} is not JSON; begin another run") from None
    if not isinstance(saved, dict) or sorted(saved) != sorted(expected):
        raise FileError(
            f"{printable(path)} was not written by this version of allconv; begin another run"
        )
    parameters = {param.name: param for param in ctx.command.params}
    try:
        return {name: _checked(parameters[name], saved[name], ctx) for name in expected}
    except Misuse as error:
        raise FileError(f"{printable(path)}: {error.message}; begin another run") from None


def _checked(param: click.Parameter, value: Any, ctx: click.Context) -> Any:
    """A value of JSON as the option has it; `Misuse` for one that the option cannot have."""
    has_default = isinstance(param.get_default(ctx), str | int | float)
    if value is None and not has_default:
        return None
    is_flag = isinstance(param.type, click.types.BoolParamType)
    if isinstance(value, bool) and is_flag:
        return value
    is_list = isinstance(value, list) and len(value) <= LONGEST
    sides = is_list and all(isinstance(each, int | float) for each in value)
    if is_flag or isinstance(value, bool) or not (sides or isinstance(value, str | int | float)):
        kind = "null" if value is None else type(value).__name__
        raise Misuse(f"{_flag(ctx, param.name)} is {kind}, which is not a value of this option")
    between = "," if isinstance(param.type, Numbers) else "x"
    return param.type.convert(_text(value, between), param, ctx)


def _flag(ctx: click.Context, name: str | None) -> str:
    """How an option is written."""
    for param in ctx.command.params:
        if param.name == name:
            return max(param.opts, key=len)
    return str(name)


def _text(value: Any, between: str = "x") -> str:
    """A value as it is written on the command line."""
    if isinstance(value, list | tuple):
        return between.join(map(str, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
