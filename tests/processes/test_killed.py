"""kill -9 during the first compilation leaves a cache that works."""

from __future__ import annotations

import time

import pytest

from .running import run, start

CALL = """
print("begun", flush=True)
x, w = np.ones((4, 8, 16, 16), np.float32), np.ones((8, 8, 3, 3), np.float32)
y = F.relu(F.conv2d(x, w, padding=1))
gw = ac.grad(lambda w: F.max_pool2d(F.conv2d(x, w), 2).sum())(w)
assert y[0, 0, 0, 0] == 32 and y[0, 0, 1, 1] == 72 and (gw == 4 * 49).all()
print("fine")
"""

KILLS = 10


@pytest.mark.slow
@pytest.mark.parametrize("share", range(2))
def test_killed_while_it_compiles(share, tmp_path):
    """Twenty kills, ten in one folder one after the other; then the right numbers."""
    cache = tmp_path / "kernels"
    for kill in range(KILLS):
        with start(CALL, cache) as process:
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.02 + 0.03 * kill + 0.015 * share)
            process.kill()
    run(CALL, cache)
    left = [path.name for path in cache.rglob("*") if path.name.endswith((".tmp", "~"))]
    assert left == []
