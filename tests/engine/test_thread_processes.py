"""Fork, exit and Ctrl-C with a busy team, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PREAMBLE = """
import os, sys, threading
sys.path.insert(0, sys.argv[1])
from engine.chain import Chain
from allconv.engine import threads
chain = Chain([6, 1, 5, 2])
def run(count=3):
    chain.clear(); threads.execute(chain.job, count); chain.check()
"""


FORK = """
run()
for n in range(20):
    child = os.fork()
    if child == 0:
        for _ in range(20): run()
        os._exit(7)
    run()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print("fine")
"""


FORK_WHILE_BUSY = """
from engine.test_cache import result
over = threading.Event()
def busy():
    mine = Chain([6, 1, 5, 2])
    while not over.is_set():
        threads.execute(mine.job, 3)
def compile_more():
    n = 1000
    while not over.is_set():
        n += 1
        assert result(n) == n
others = [threading.Thread(target=f) for f in (busy, busy, compile_more)]
for other in others: other.start()
for n in range(20):
    child = os.fork()
    if child == 0:
        for _ in range(5): run()
        assert result(n) == n
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
over.set()
for other in others: other.join()
print("fine")
"""


EXIT_WHILE_BUSY = """
def busy():
    mine = Chain([6, 1, 5, 2] * 50)
    while True: threads.execute(mine.job, 3)
for _ in range(2): threading.Thread(target=busy, daemon=True).start()
for _ in range(50): run()
print("fine")
"""


FORK_IN_A_HANDLER = """
import signal, time
run()  # what a first call compiles is there
big = Chain([64] * 3000)
class Afresh:  # a run that begins again, as it does in the child, adds to nothing
    scratch, brief = big.job.scratch, False
    def begin(self, holding=None):
        big.clear()
        return big.job.begin(holding)
def runs_on(*_):
    global child
    if child is None: child = os.fork()
child = None
signal.signal(signal.SIGALRM, runs_on)
signal.setitimer(signal.ITIMER_REAL, 0.02)
while child is None:
    threads.execute(Afresh(), 3); big.check()
if child == 0:
    for _ in range(5): run()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print("fine")
"""


FORK_BEFORE_A_COMPILATION = """
import signal, _thread
from allconv.engine import llvm
class Late:  # the thread that compiles begins when the handler has forked, and not in the child
    allocate_lock = _thread.allocate_lock
    @staticmethod
    def start_new_thread(*thread):
        llvm._thread = _thread
        def forks(*_):
            global child
            child = os.fork()
            if child: _thread.start_new_thread(*thread)
        signal.signal(signal.SIGALRM, forks)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
llvm._thread = Late
assert llvm.guarded(lambda: 5)() == 5
if child == 0: os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print("fine")
"""


INTERRUPT = """
import time, _thread
caught, ready, over = 0, threading.Event(), threading.Event()
def poke():
    ready.wait()
    for _ in range(200):
        time.sleep(0.001); _thread.interrupt_main()
    time.sleep(0.1); over.set()
poker = threading.Thread(target=poke)
poker.start()
while not over.is_set():
    try:
        ready.set()
        while not over.is_set(): threads.execute(chain.job, 3)
    except KeyboardInterrupt: caught += 1
poker.join()
assert caught > 0
for _ in range(100): run()
print("fine")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork: run it on Linux")
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(FORK, id="fork"),
        pytest.param(FORK_WHILE_BUSY, id="fork while busy"),
        pytest.param(FORK_IN_A_HANDLER, id="fork in a handler"),
        pytest.param(FORK_BEFORE_A_COMPILATION, id="fork before a compilation"),
        pytest.param(EXIT_WHILE_BUSY, id="exit while busy"),
        pytest.param(INTERRUPT, id="interrupt"),
    ],
)
def test_a_process_of_its_own(script, tmp_path):
    """Fork, exit and Ctrl-C with a busy team: no hang, no crash, right results."""
    environment = os.environ | {"ALLCONV_CACHE": str(tmp_path / "kernels")}
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script, str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")
