"""Lines of text, with a progress bar below them where they go to a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import click

from allconv.text import json_text, percent, printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from allconv.engine.kernel import Routine


def say(line: str = "", *, err: bool = False) -> None:
    """Write a line, whatever is in it: what could move a cursor or end the line is an escape."""
    _write(printable(line), err=err)


def say_json(value: Any) -> None:
    """Write a value as a line of JSON, in ASCII where stdout takes no other letters."""
    text = json_text(value)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(value, allow_nan=False)
    _write(text)


def _write(line: str, *, err: bool = False) -> None:
    """Write a line in the encoding of the stream; click would take UTF-8 in place of ASCII."""
    stream = sys.stderr if err else sys.stdout
    if stream is not None:  # as it is where it was closed before Python began
        click.echo(line, file=stream)


class Screen:
    """Where a command writes while it works: stdout, or stderr where stdout holds the results."""

    SILENCE = 30.0  # seconds without a line after which, without a terminal, progress is a line

    def __init__(self, *, err: bool = False) -> None:
        self._err = err
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._last = time.monotonic()
        self.is_terminal = is_terminal(err=err)

    def line(self, text: str = "") -> None:
        """Write a line, above the bar if there is one, whatever is in it."""
        self._last = time.monotonic()
        if self._progress is None:
            say(text, err=self._err)
        else:
            self._progress.console.out(printable(text), highlight=False)

    def show(self, what: str, done: int, total: int | None, note: str = "") -> None:
        """Show a bar, or move it; without a terminal a line is written now and then."""
        if not self.is_terminal:
            if time.monotonic() - self._last >= self.SILENCE:
                share = f"  {percent(done / total)}" if total else ""
                self.line(f"{what}{share}  {note}".rstrip())
            return
        if self._progress is None or self._task is None:
            self._progress = self._new_progress()
            self._task = self._progress.add_task("", total=total, note="")
            self._progress.start()
        what, note = printable(what), printable(note)
        self._progress.update(self._task, description=what, total=total, completed=done, note=note)

    def hide(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._task = None

    def _new_progress(self) -> Progress:
        from rich.console import Console  # loaded only where there is a terminal
        from rich.progress import BarColumn, Progress, TextColumn

        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(stderr=self._err, highlight=False),
            transient=True,
        )


@contextmanager
def screen(*, err: bool = False) -> Iterator[Screen]:
    """A screen that says when kernels are compiled, and whose bar is gone at the end."""
    from allconv.engine import compiler  # llvmlite is loaded when a command needs it

    made, number = Screen(err=err), count(1)

    def notice(routine: Routine) -> None:
        """Say why nothing seems to happen: machine code is made, once on this machine."""
        what, n = "compiling kernels for this machine, once", next(number)
        if n == 1 and not made.is_terminal:
            made.line(f"{what} ...")
        else:
            made.show(f"{what}: {n}", 0, None)

    compiler.on_compile.append(notice)
    try:
        yield made
    finally:
        compiler.on_compile.remove(notice)
        made.hide()


def is_terminal(*, err: bool = False) -> bool:
    """Whether output goes to a terminal that can move its cursor."""
    stream = sys.stderr if err else sys.stdout
    return stream is not None and stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
