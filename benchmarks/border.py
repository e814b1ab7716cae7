"""Eager calls over many image sizes: what a new size costs, and the floor of a call."""

from __future__ import annotations

import statistics
import time

import numpy as np

from allconv import functional as F
from allconv.engine import compiler


def seconds(call: object) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print compilations and medians."""
    draw = np.random.default_rng(0)
    w, b = draw.standard_normal((16, 3, 3, 3)).astype(np.float32), np.zeros(16, np.float32)
    extra, repeated = [], []
    for height, width in draw.integers(16, 220, (200, 2)):
        x = draw.standard_normal((1, 3, height, width)).astype(np.float32)
        first = seconds(lambda x=x: F.conv2d(x, w, b, padding=1))
        again = statistics.median(
            seconds(lambda x=x: F.conv2d(x, w, b, padding=1)) for _ in range(9)
        )
        extra.append(first - again)
        repeated.append(again)
    print(f"F.conv2d over 200 sizes: {compiler.compilations()} compilations")
    print(f"a new size costs {statistics.median(extra) * 1e3:.2f} ms above a repeated one (median)")
    print(f"a repeated call takes {statistics.median(repeated) * 1e3:.2f} ms (median)")
    tiny = draw.standard_normal((1, 3, 8, 8)).astype(np.float32)
    floor = statistics.median(seconds(lambda: F.conv2d(tiny, w, b, padding=1)) for _ in range(2000))
    print(f"a call on 8 x 8 takes {floor * 1e6:.0f} us")


if __name__ == "__main__":
    main()
