"""A child that is forked while another thread makes its first call works like any process."""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path

import pytest

import allconv
from tiers import slowed

from .running import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork: run it on Linux")

FORKS = 5  # of a process, spread over the first call

FIRST = {
    "function": "F.conv2d(x, w, padding=1)",
    "network": "nn.Sequential(nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8), nn.ReLU())(x)",
    "program": "ac.compile(lambda x: F.relu(F.conv2d(x, w)), x.shape)(x)",
    "gradient": "ac.grad(lambda x, w: F.max_pool2d(F.conv2d(x, w), 2).sum(), (0, 1))(x, w)",
}

SCRIPT = """
x, w = np.ones((4, 8, 16, 16), np.float32), np.ones((8, 8, 3, 3), np.float32)
begun = threading.Event()
faulthandler.cancel_dump_traceback_later()  # a child waits forever for a timer that it lacks

def first():
    begun.set()
    {call}

def in_a_child(number):
    first()
    y = F.conv2d(x, w)
    os._exit(7 if (y == 72).all() else 8)

thread = threading.Thread(target=first)
thread.start()
begun.wait()
children = []
for number in range({forks}):
    time.sleep(0.03 * number)  # the thread imports, plans, compiles
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later({hang}, exit=True)
        in_a_child(number)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
thread.join()
assert codes == [7] * {forks}, codes
print("fine")
"""


CASES = [*product(FIRST, ["cached"]), ("function", "compiled"), ("gradient", "compiled")]


@pytest.mark.parametrize("case", slowed(CASES, CASES[0]), ids="-".join)
def test_forks_during_a_first_call(case, tmp_path):
    """Five forks of each first call, with its kernels in the cache or not: the children and the
    thread end."""
    first, kernels = case
    cache = tmp_path / "kernels" if kernels == "compiled" else None
    run(SCRIPT.format(call=FIRST[first], forks=FORKS, hang=60), cache)


BELOW = (
    "*.py",
    "engine/**/*.py",
    "operators/*.py",
    "rewrite/*.py",
    "functional/*.py",
    "nn/**/*.py",
)


def test_no_call_goes_through_a_lock_of_functools():
    """`cached_property` has one for all objects of a class before Python 3.12: a child that is
    forked while another thread holds it waits for ever."""
    root = Path(allconv.__file__).parent
    files = [file for pattern in BELOW for file in root.glob(pattern)]
    assert len(files) > 200
    found = [
        f.name for f in files if re.search(r"^from functools .*cached_prop", f.read_text(), re.M)
    ]
    assert not found
