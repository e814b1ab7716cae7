"""Helpers that wait at the mailbox, each case in a process of its own: memory that is gone after a
run, forks, the end of the process, many callers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PREAMBLE = """
import gc, mmap, os, sys, threading
import numpy as np
sys.path.insert(0, sys.argv[1])
from allconv.engine import mailbox, runner, threads
def mapped(size):  # on pages of its own, which are gone when the array is
    return np.frombuffer(mmap.mmap(-1, size + 1), np.uint8)[:size]
runner.aligned = mapped
from engine import chain
address = chain.address_of
kernels = {}
chain.address_of = lambda routine: kernels.get(0) or kernels.setdefault(0, address(routine))
threads.available_cpus = lambda: 5  # more that wait than this machine has processors
def run():
    mine = chain.Chain([6, 1, 5, 2])
    threads.execute(mine.job, 5)
    mine.check()
"""

UNMAPPED = """
for _ in range(500): run()
print("fine")
"""

# A helper that has done its chunk offers its processor to others, and does not get it back while
# the leader ends the run, and everything that is not kept is unmapped.
SET_ASIDE = """
from engine import test_mailbox as tests
words = np.zeros(2, np.int64)
mailbox.PATIENCE = 10**9
box = mailbox.Mailbox()
runner.give_way = lambda: tests.stand_address(words)  # of the jobs that are made from here on
def lead_and_forget():
    held = tests.Held(2)
    leader = tests.leading(box, held.job, 1)
    tests.until(lambda: held.arrived.all())
    held.gate[1] = 1
    tests.until(lambda: words[0])  # the helper is aside
    held.gate[0] = 1
    leader.join(20)
    assert held.out.all() and not leader.is_alive()
with tests.Serving(box, 1):
    lead_and_forget()
    gc.collect()
    words[1] = 1
print("fine")
"""

FORKED = """
run()
for n in range(30):
    run()
    child = os.fork()  # helpers wait in the parent; there are none in the child
    if child == 0:
        for _ in range(5): run()
        os._exit(7)
    run()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print("fine")
"""

ENDING = """
mailbox.PATIENCE = 10**12  # helpers wait beyond the end of the process
for _ in range(100): run()
print("fine")
"""

CALLERS = """
def call():
    for _ in range(300): run()
callers = [threading.Thread(target=call) for _ in range(6)]
for caller in callers: caller.start()
for caller in callers: caller.join()
print("fine")
"""


def ended(script: str) -> tuple[int, str, str]:
    """How a script ends in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script, str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(UNMAPPED, id="memory that is gone after the run"),
        pytest.param(SET_ASIDE, id="a helper that is set aside"),
        pytest.param(ENDING, id="exit while helpers wait"),
        pytest.param(CALLERS, id="many callers"),
        pytest.param(
            FORKED,
            id="fork while helpers wait",
            marks=pytest.mark.skipif(
                not hasattr(os, "fork"), reason="needs os.fork: run it on Linux"
            ),
        ),
    ],
)
def test_a_process_of_its_own(script):
    """Tables and counters are unmapped after each run, and more helpers wait than there are
    processors: no crash, no hang, right results."""
    assert ended(script) == (0, "fine\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="tells a crash by its signal: run it on Linux")
def test_a_run_that_is_not_kept_is_a_crash():
    """The script above ends by a signal if the leader takes everybody for gone."""
    code, out, _ = ended("mailbox.INSIDE = 0\n" + SET_ASIDE)
    assert (code, out) in [(-signal.SIGSEGV, ""), (-signal.SIGBUS, "")]
