"""The folder of a run: a new one each time, and how a run goes on that was ended."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from allconv.cli.failures import Misuse
from allconv.cli.options import OPTIONS, save_options
from allconv.errors import ArgumentError, FileError
from allconv.text import printable
from allconv.train.checkpoint import HISTORY, LAST


@dataclass
class _Made:
    """What a new run takes, known before it is there, so that it can be undone at any moment.

    folder: of the run. new: folders that were made for it, the outermost first.
    """

    folder: Path | None = None
    new: list[Path] = field(default_factory=list)


@contextmanager
def new_run(chosen: Path, options: Mapping[str, Any]) -> Iterator[Path]:
    """A folder that was empty or not there: `chosen`, or `chosen-2` ...; if no epoch was finished,
    as before."""
    made = _Made()
    try:
        folder = _make(chosen, made)
        save_options(folder, options)
        with resumable(folder):
            yield folder
    except BaseException as error:
        is_worth = _has_begun if isinstance(error, KeyboardInterrupt) else _has_epochs
        if made.folder is None or not is_worth(made.folder):
            _discard(made)
        raise


@contextmanager
def resumable(folder: Path) -> Iterator[Path]:
    """Say how to go on when Ctrl-C or a full disk ends what is done here."""
    again = f"to go on: {resuming(folder)}"
    try:
        yield folder
    except KeyboardInterrupt:
        if not _has_begun(folder):
            raise
        raise KeyboardInterrupt(f"stopped, and saved in {folder}; {again}") from None
    except FileError as error:
        # What the system refused may be mended; what is wrong with the files stays wrong.
        if not (isinstance(error.__cause__, OSError) and _has_epochs(folder)):
            raise
        raise FileError(f"{error}; {again}") from error


@contextmanager
def resumed_run(folder: Path, data: str | None) -> Iterator[Path]:
    """The folder of a run that goes on; where its data is another, say how to train on that."""
    try:
        with resumable(folder):
            yield folder
    except ArgumentError as error:
        source = "" if data is None else f" {shlex.quote(data)}"
        raise ArgumentError(f"{error}; a run of its own: allconv train{source}") from None


def resuming(folder: Path) -> str:
    """The command that goes on with a run."""
    return f"allconv train --resume {shlex.quote(str(folder))}"


def unfinished(model: Path) -> str | None:
    """That a file is not there yet because the run in its folder is not finished, else None."""
    folder = model.parent
    if os.path.lexists(model) or not ((folder / OPTIONS).is_file() and _has_begun(folder)):
        return None
    epochs = "has finished an epoch" if _has_epochs(folder) else "has not finished an epoch"
    return (
        f"{printable(model)} is not there yet: the run in {printable(folder)} was ended before it "
        f"was done ({epochs}); to finish it: {printable(resuming(folder))}"
    )


def _has_begun(folder: Path) -> bool:
    """Whether a folder holds a checkpoint."""
    return os.path.lexists(folder / LAST)


def _has_epochs(folder: Path) -> bool:
    """Whether a folder holds the record of an epoch."""
    try:
        return (folder / HISTORY).stat().st_size > 0
    except OSError:
        return False


def _discard(made: _Made) -> None:
    """Remove what a run writes into its folder, and the folders that were made."""
    for name in (OPTIONS, LAST, HISTORY):
        if made.folder is not None:
            with suppress(OSError):
                (made.folder / name).unlink()
    for folder in reversed(made.new):
        with suppress(OSError):
            folder.rmdir()


def _make(chosen: Path, made: _Made) -> Path:
    """The first folder of this name, or with a number, that can be made or is empty."""
    if chosen.name in ("", ".."):
        raise Misuse(f"--out is '{printable(chosen)}'; the name of a new folder is expected")
    try:
        for above in reversed(chosen.parents):
            if not os.path.lexists(above):
                made.new.append(above)
                above.mkdir(exist_ok=True)
        return next(folder for folder in _names(chosen) if _is_taken(folder, made))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it is not a legal name").lower()
        raise FileError(
            f"{printable(chosen)} cannot be made: {reason}; give --out a folder that you may "
            "write to"
        ) from None


def _names(chosen: Path) -> Iterator[Path]:
    """A name, and then with numbers after it."""
    yield chosen
    for number in count(2):
        yield chosen.with_name(f"{chosen.name}-{number}")


def _is_taken(folder: Path, made: _Made) -> bool:
    """Take a folder for a run: make it, or mark it as taken where it is there and empty."""
    if os.path.lexists(folder):
        if not folder.is_dir() or any(folder.iterdir()):
            return False
        made.folder = folder
        try:
            (folder / OPTIONS).open("x").close()
        except FileExistsError:  # another process was quicker
            made.folder = None
            return False
        return True
    made.new.append(folder)
    made.folder = folder
    try:
        folder.mkdir()
    except FileExistsError:
        made.new.pop()
        made.folder = None
        return False
    return True
