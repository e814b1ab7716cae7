"""Commands run as a user would, in this process or in one of their own."""

from __future__ import annotations

import io
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from allconv.cli import main

COMMAND = (sys.executable, "-m", "allconv.cli")
ESCAPE = re.compile(r"\x1b|\r")


@dataclass(frozen=True)
class Result:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines on stderr but for the notice that kernels are compiled."""
        return [line for line in self.err.splitlines() if not line.startswith("compiling kernels")]


def run(*arguments: str | Path) -> Result:
    """Run a command here."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return Result(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def done(*arguments: str | Path) -> Result:
    """Run a command here that is to succeed."""
    result = run(*arguments)
    assert result.status == 0, result.err
    return result


def start(
    arguments: Sequence[str | Path],
    variables: Mapping[str, str] = MappingProxyType({}),
    before: Callable[[], None] | None = None,
) -> subprocess.Popen[str]:
    """Start a command in a process of its own, in the current folder."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
        preexec_fn=before,
    )


def run_apart(
    *arguments: str | Path,
    variables: Mapping[str, str] = MappingProxyType({}),
    before: Callable[[], None] | None = None,
) -> Result:
    """Run a command in a process of its own."""
    process = start(arguments, variables, before)
    out, err = process.communicate(timeout=120)
    return Result(process.returncode, out, err)


def run_on_small_disk(*arguments: str | Path) -> Result:
    """Run a command that cannot write a file of more than 100 kB, as on a disk that is full."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    return run_apart(*arguments, before=limit)
