"""Whatever Python runs in the middle of a call may call the program that is running."""

from __future__ import annotations

import os

import pytest

from tiers import slow, slowed

from .running import run

CALLED = """
x = np.arange(64 * 128 * 128, dtype=np.float32).reshape(64, 128, 128) % 97
program = ac.compile(lambda x: x * 2.0 + 1.0, x.shape, threads={threads})
expected = x * 2 + 1
called = 0

def call(*_):
    global called
    assert (program(x[::-1]) == expected[::-1]).all()  # other numbers than those outside
    called += 1

call()
"""

SIGNALS = """
signal.signal(signal.SIGALRM, call)
number = 0
while called < 21:
    number += 1
    signal.setitimer(signal.ITIMER_REAL, 0.0005 * (1 + number % 9))
    for _ in range(3):
        assert (program(x) == expected).all()
    signal.setitimer(signal.ITIMER_REAL, 0)
print("fine")
"""

# Garbage in a circle, which is collected whenever Python next allocates: inside the call, too.
FINALIZERS = """
class Last:
    def __init__(self): self.itself = self
    def __del__(self): call()

gc.set_threshold(2)
while called < 21:
    for _ in range(4):
        Last()
        assert (program(x) == expected).all()
gc.set_threshold(700)
print("fine")
"""

THREADS = """
class Last:
    def __del__(self): call()

kept = threading.local()

def work():
    kept.last = Last()  # goes with the thread
    assert (program(x) == expected).all()

for _ in range(5):
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
assert called == 21, called
print("fine")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signal.setitimer: run it on Linux")
@pytest.mark.parametrize("threads", slowed([1, 2], 2))
def test_signal_handlers(threads):
    """Twenty handlers that strike anywhere in three calls, or between them."""
    run(CALLED.format(threads=threads) + SIGNALS)


@slow
@pytest.mark.parametrize("threads", slowed([1, 2], 2))
def test_finalizers(threads):
    """Twenty `__del__`, run by the collector."""
    run(CALLED.format(threads=threads) + FINALIZERS)


@pytest.mark.slow
@pytest.mark.parametrize("threads", slowed([1, 2], 2))
def test_finalizers_of_threads(threads):
    """Twenty `__del__` of what belongs to a thread, while others are in the program."""
    run(CALLED.format(threads=threads) + THREADS)
