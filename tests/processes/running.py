"""Run a script in a process of its own, which must come to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

HANG = 100
"""Seconds after which a process is taken to hang; what is tested takes one or a few."""

PREAMBLE = f"""
import faulthandler
faulthandler.dump_traceback_later({HANG}, exit=True)  # a thread of its own: sees hangs in C too
import gc, os, signal, sys, threading, time
import numpy as np
import allconv as ac
from allconv import functional as F, nn
"""


def start(script: str, cache: Path | None = None, **variables: str) -> subprocess.Popen[str]:
    """A process that runs a script after the preamble; `cache` is its folder of kernels."""
    environment = os.environ | variables
    if cache is not None:
        environment["ALLCONV_CACHE"] = str(cache)
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PREAMBLE + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,  # so that what hangs can be ended with all its children
    )


def finish(process: subprocess.Popen[str]) -> None:
    """Wait until a process has said "fine" and ended; show what it says else."""
    try:
        out, err = process.communicate(timeout=2 * HANG)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert (process.returncode, out.splitlines()[-1:]) == (0, ["fine"]), (out, err)


def run(script: str, cache: Path | None = None, **variables: Any) -> None:
    """Run a script that ends with "fine"."""
    finish(start(script, cache, **variables))
