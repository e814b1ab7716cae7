"""Ctrl-C at any moment: a line, status 130, and nothing that is half done."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from allconv.cli import interrupts

TRAIN = ("train", "--samples", "200", "--epochs", "3", "--model", "plain", "--out", "out")
RESUMABLE = {"history.jsonl", "last.safetensors", "options.json"}
FINISHED = RESUMABLE | {"best.safetensors", "mistakes.csv", "model.onnx", "report.html"}
PROBE = """
import os, signal, sys
from allconv.cli import interrupts
interrupts.end_at_once()
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
            while True:
                pass
sys.meta_path.insert(0, Finder())
from allconv.cli import main
main()
"""

BEGUN = """
from allconv.cli import interrupts, main
interrupts.end_at_once()
print("begun", flush=True)
main()
"""


def test_while_the_commands_are_loaded() -> None:
    """One line and 130, without a trace of where Python was."""
    ended = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (130, "allconv: stopped\n")


@pytest.mark.slow
@pytest.mark.parametrize("command", [TRAIN, ("lecture",), ("compare", "--samples", "40")])
def test_at_random_moments(command: tuple[str, ...], tmp_path: Path) -> None:
    """130 and a sentence once the command runs; what is in the folder is a run that goes on."""
    clock = np.random.default_rng(len(command))
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", BEGUN, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(clock.uniform(0.0, 2.0))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        assert "Exception ignored" not in err
        assert process.returncode in (0, 130, -signal.SIGINT), err
        if process.returncode == 130:
            said = [line for line in err.splitlines() if not line.startswith("compiling")]
            assert len(said) == 1
            assert said[0].startswith("allconv")
            assert "stopped" in said[0]
        for folder in tmp_path.iterdir():
            held = {path.name for path in folder.iterdir()}
            assert RESUMABLE <= held <= FINISHED
        if process.returncode == 130 and "saved" in err:
            assert err.split()[-1] in {folder.name for folder in tmp_path.iterdir()}


def test_one_that_python_drops_comes_again() -> None:
    """KeyboardInterrupt in a callback of the collector, which is only printed, is raised later."""

    class Dropped:
        def __del__(self) -> None:
            raise KeyboardInterrupt

    def pressed() -> None:
        with interrupts.Raised():
            Dropped()
            time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        pressed()


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_what_a_module_made_of_one_is_one(depth: int) -> None:
    """An ImportError, say, that KeyboardInterrupt is the reason of."""
    error: BaseException = KeyboardInterrupt()
    for _ in range(depth):
        outer = ImportError("failed")
        outer.__context__ = error
        error = outer
    assert interrupts.is_interrupt(error)
    assert not interrupts.is_interrupt(ImportError("failed"))


def test_ctrl_c_that_means_something_else_is_left_alone() -> None:
    """What ignores Ctrl-C, as what is started in the background does, goes on ignoring it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts.end_at_once()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with interrupts.Raised():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        interrupts.end_silently()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
