"""Compiled correlations of thousands of geometries against their definitions, bit for bit.

`HYPOTHESIS_PROFILE=deep pytest tests/engine/test_geometries.py` draws ten times as many.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest

from .comparing import channels_last, check_equal, graph_of
from .geometries import (
    DRAWN,
    PLANNED,
    VIEWS,
    WANTED,
    draw_geometry,
    planned_features,
)

SHARE = 100  # geometries of one test
SHARES = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 30


@pytest.mark.parametrize("share", range(SHARES))
def test_geometries_equal_their_definitions(share):
    """Forward and both gradients, in both dtypes; a tenth of the geometries has each feature."""
    draw = np.random.default_rng([1, share])
    counts: Counter[str] = Counter()
    for number in range(SHARE):
        geometry = draw_geometry(draw, WANTED[number % len(WANTED)])
        planned = set()
        for view in VIEWS:
            for dtype in ("float32", "float64"):
                operator, operands = geometry.problem(view, draw, dtype)
                if draw.random() < 0.5:
                    operands = tuple(map(channels_last, operands))
                relu = draw.random() < 0.2
                planner, wanted = check_equal(graph_of(operator, operands, relu=relu), operands)
                planned |= planned_features(planner)
                counts["mostly zero"] += not relu and np.mean(wanted == 0) > 0.5
                counts["cases"] += not relu
        counts.update(geometry.features() | planned)
    assert {name: counts[name] for name in (*DRAWN, *PLANNED) if counts[name] < SHARE / 10} == {}
    assert counts["mostly zero"] < counts["cases"] / 20
