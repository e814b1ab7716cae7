"""Compiled correlations of thousands of geometries against their definitions, bit for bit.

`HYPOTHESIS_PROFILE=deep pytest tests/engine/test_geometries.py` draws fifteen times as many.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest

from tiers import shares

from .comparing import channels_last, check_equal, graph_of, plan_of
from .geometries import (
    DRAWN,
    PLANNED,
    VIEWS,
    WANTED,
    draw_geometry,
    planned_features,
)

GEOMETRIES = 30_000 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 2_000
SHARE = len(WANTED)  # geometries of one test, one of each kind
COUNTED = 300  # geometries whose kinds are counted together
PARTS = 3  # so many times: what draws them draws all others, too


def draw_problems(number):
    """The geometry of a number, its three problems in float32, and what draws more for them."""
    draw = np.random.default_rng([1, number])
    geometry = draw_geometry(draw, WANTED[number % len(WANTED)])
    return geometry, [geometry.problem(view, draw, "float32") for view in VIEWS], draw


@pytest.mark.parametrize("share", shares(GEOMETRIES // SHARE, fast=2))
def test_geometries_equal_their_definitions(share):
    """Forward and both gradients, in turn in either dtype and order of memory."""
    for number in range(share * SHARE, (share + 1) * SHARE):
        _, problems, draw = draw_problems(number)
        for place, (operator, operands) in enumerate(problems):
            dtype = ("float32", "float64")[(number // SHARE + place) % 2]
            arrays = tuple(x.astype(dtype) for x in operands)
            if draw.random() < 0.5:
                arrays = tuple(map(channels_last, arrays))
            check_equal(graph_of(operator, arrays, relu=draw.random() < 0.2), arrays)


@pytest.mark.parametrize("part", shares(PARTS, fast=0))
def test_a_tenth_of_the_geometries_has_each_feature(part):
    """What is drawn and what is planned for it; and few of the results are mostly zero."""
    counts: Counter[str] = Counter()
    for number in range(part * COUNTED, (part + 1) * COUNTED):
        geometry, problems, _ = draw_problems(number)
        planned = set()
        for operator, operands in problems:
            graph = graph_of(operator, operands)
            planned |= planned_features(plan_of(graph))
            counts["mostly zero"] += np.mean(graph.run(*operands)[0] == 0) > 0.5
        counts.update(geometry.features() | planned)
    few = {name: counts[name] for name in (*DRAWN, *PLANNED) if counts[name] < COUNTED / 10}
    assert few == {}
    assert counts["mostly zero"] < COUNTED * len(VIEWS) / 20
