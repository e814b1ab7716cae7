"""Ctrl-C is heard in the middle of a call, however long, and does no harm."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from tiers import slowed

from .running import HANG, run, start

# Each takes minutes when nothing is heard, so that the process is ended as one that hangs.
LONG = {
    "max_pool1d": "F.max_pool1d(x, 2**19, stride=1)",
    "avg_pool1d": "F.avg_pool1d(x, 2**19, stride=1)",
    "max_pool2d": "F.max_pool2d(x.reshape(1, 1, 1024, 1024), 700, stride=1)",
    "conv1d": "F.conv1d(x, np.ones((64, 1, 2**19), np.float32))",
    "gradient": "ac.vjp(lambda w: F.conv1d(x, w), np.ones((64, 1, 2**19), np.float32))",
}

SCRIPT = """
x = np.zeros((1, 1, 2**20), np.float32)
F.max_pool1d(x[:, :, :100], 50, stride=1)
events = []

def poke():
    events.append("Ctrl-C")
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer(1.0, poke).start()
try:
    {call}
    events.append("end")
except KeyboardInterrupt:
    events.append("heard")
assert events == ["Ctrl-C", "heard"], events
y = F.max_pool1d(np.arange(10.0)[None, None], 3)
assert y.tolist() == [[[2, 5, 8]]]
print("fine")
"""


@pytest.mark.parametrize("threads", slowed(["1", "2"], "2"))
@pytest.mark.parametrize("function", slowed(LONG, "max_pool1d"))
def test_in_a_long_call(function, threads):
    """The call ends by KeyboardInterrupt, the next one is right."""
    run(SCRIPT.format(call=LONG[function]), ALLCONV_THREADS=threads)


FIRST_CALLS = """
print("begun", flush=True)
for n in range(10**9):
    x = np.ones((1, 2, 9 + n % 50, 9), np.float32)
    F.conv2d(x, np.ones((3, 2, 3, 3), np.float32), padding=n % 3)
    ac.compile(nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU()), x.shape)(x)
"""

AT_ONCE = 10
LOST = "Exception ignored in: <function _get_module_lock"
"""Python loses what is raised in this function of its own, which runs while it imports modules."""
TURNED = "RuntimeError: Error calling __set_name__"
"""Python 3.11 ends so where a class is being made, as the engine's are at the first call."""


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_at_any_moment_of_first_calls(half, tmp_path):
    """Twenty processes end by the signal, with the traceback of a KeyboardInterrupt."""
    for number in range(half * AT_ONCE, (half + 1) * AT_ONCE):
        with start(FIRST_CALLS, tmp_path / "kernels") as process:
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.05 * number)
            process.send_signal(signal.SIGINT)
            try:
                _, err = process.communicate(timeout=HANG / 2)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)  # as somebody would who is not heard
                _, err = process.communicate(timeout=2 * HANG)
                assert LOST in err, (number, err)
        assert "KeyboardInterrupt" in err, (number, err)
        if TURNED not in err:
            assert process.returncode == -signal.SIGINT, (number, err)
            assert err.rstrip().endswith("KeyboardInterrupt"), (number, err)
