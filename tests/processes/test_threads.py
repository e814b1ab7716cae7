"""Many threads on one program, numbers of threads that are none, and no threads to be had."""

from __future__ import annotations

import pytest

from tiers import slow, slowed

from .running import run

SHARED = """
draw = np.random.default_rng(0)
net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
program = ac.compile(net, (2, 3, 20, 20), threads={threads})
xs = [draw.standard_normal((2, 3, 20, 20)).astype(np.float32) for _ in range(8)]
expected = [program(x).tobytes() for x in xs]
ready, wrong = threading.Barrier(8), []

def work(number):
    ready.wait()
    for turn in range(25):
        n = (number + turn) % 8
        if program(xs[n]).tobytes() != expected[n]: wrong.append((number, turn))

callers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for caller in callers: caller.start()
for caller in callers: caller.join()
assert not wrong, wrong
print("fine")
"""


@pytest.mark.parametrize("threads", slowed([1, 2, 3], 2))
def test_eight_threads_on_one_program(threads):
    """Each gets the bits that one caller alone gets."""
    run(SHARED.format(threads=threads))


NUMBERS = {
    "0": "0",
    "negative": "-3",
    "a word": "x",
    "a fraction": "1.5",
    "spaces": " 2 ",
    "a superscript": "²",
    "50,000": "50000",
    "5,000 digits": "9" * 5000,
}

REFUSED = """
from allconv.errors import ArgumentError
x, w = np.ones((4, 16, 99, 99), np.float32), np.ones((16, 16, 3, 3), np.float32)
message = ""
try:
    F.conv2d(x, w)  # enough to ask for threads
except ArgumentError as error:
    message = str(error)
assert "ALLCONV_THREADS must be" in message, message
assert len(message) < 300 and "\\n" not in message, message
ac.set_threads(2)
assert (F.conv2d(x, w) == 144).all()
print("fine")
"""


@slow
@pytest.mark.parametrize("number", slowed(NUMBERS, "spaces"))
def test_a_number_of_threads_that_is_none(number):
    """One sentence names the variable; a number given by call helps."""
    run(REFUSED, ALLCONV_THREADS=NUMBERS[number])


# As where the system's limit of processes is reached, which does not bind who may exceed it.
NONE = """
import _thread

def refuse(*_, **__):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
for module, name in ((_thread, "start_new_thread"), (_thread, "start_joinable_thread"),
                     (threading, "_start_new_thread"), (threading, "_start_joinable_thread")):
    if hasattr(module, name): setattr(module, name, refuse)
x, w = np.ones((4, 8, 64, 64), np.float32), np.ones((8, 8, 3, 3), np.float32)
assert (F.conv2d(x, w) == 72).all()
assert (ac.compile(lambda x: F.conv2d(x, w), x.shape, threads=4)(x) == 72).all()
gw = ac.grad(lambda w: F.conv2d(x, w).sum())(w)
assert (gw == 4 * 62 * 62).all()
print("fine")
"""


@slow
@pytest.mark.parametrize("kernels", slowed(["cached", "compiled"], "cached"))
def test_no_thread_can_be_started(kernels, tmp_path):
    """One thread serves: it compiles, and runs what was to run on four."""
    run(NONE, tmp_path / "kernels" if kernels == "compiled" else None, ALLCONV_THREADS="4")
