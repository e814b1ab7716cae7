"""Profiles: every multiply-add of a program stands in one row, and every step too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.bench import profile
from allconv.bench.engines import ours
from allconv.bench.making import make_files
from allconv.bench.profile import OUTSIDE, WHOLE, profile_call
from allconv.bench.workload import STEP, Workload
from allconv.engine import threads

X = np.random.default_rng(0).standard_normal((2, 3, 12, 12)).astype(np.float32)
NETWORKS = {
    "layers that fuse": nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(288, 4)
    ),
    "a normalisation": nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()),
    "nothing to multiply": nn.Sequential(nn.ReLU(), nn.MaxPool2d(3)),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_rows_hold_all_steps_and_all_arithmetic(name: str, count: int) -> None:
    """None twice, none lost; the last two rows are what is around them."""
    compiled = ac.compile(NETWORKS[name], X.shape, threads=count)
    before = compiled(X)
    rows = profile_call(compiled.program, lambda: compiled(X), 2)
    steps = compiled.program.steps()
    assert [row["what"] for row in rows[-2:]] == [OUTSIDE, WHOLE]
    assert sum(row["steps"] for row in rows) == len(steps)
    assert sum(row["multiply_adds"] for row in rows) == compiled.graph.cost()
    assert all(row["seconds"] > 0 for row in rows if row["steps"])
    assert np.array_equal(compiled(X), before)


class Dense(nn.Module):
    """A layer whose results are put beside its image."""

    def __init__(self) -> None:
        self.first, self.second = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(12, 8, 3, padding=1)

    def forward(self, x):
        x = F.concatenate([x, F.relu(self.first(x))], 1)
        return F.concatenate([x, F.relu(self.second(x))], 1)


def test_layers_that_share_memory_have_rows_of_their_own() -> None:
    """Results that lie inside of a concatenation are told apart."""
    x = np.ones((1, 4, 16, 16), np.float32)
    compiled = ac.compile(Dense(), x.shape, threads=1)
    rows = profile_call(compiled.program, lambda: compiled(x), 1)
    costs = {row["layer"]: row["multiply_adds"] for row in rows if row["multiply_adds"]}
    assert costs == {"first (Conv2d)": 8 * 36 * 256, "second (Conv2d)": 8 * 108 * 256}
    assert all(row["seconds"] > 0 for row in rows if row["multiply_adds"])


def test_gradients_of_weights_count_where_their_work_is(tmp_path: Path) -> None:
    """A step of training: the row of the kernel that sums, though another step joins its parts."""
    layers = [["conv", 1, 4, 3, 1, 1], ["bn", 4], ["relu"], ["flatten"], ["linear", 256, 10]]
    source = {"layers": layers, "optimizer": "sgd", "shape": [4, 1, 8, 8]}
    told = make_files(Workload("small", "g", STEP, source), tmp_path)
    prepared = ours.prepare(told, 1, "")
    losses = prepared.results()[0]
    assert losses.shape == (3,)
    assert np.isfinite(losses).all()
    assert prepared.profile is not None
    rows = prepared.profile(2)
    gradients = [row for row in rows if row["what"] == "CorrelateWeight"]
    assert gradients
    assert all(row["multiply_adds"] > 0 for row in gradients)
    convolution = next(row for row in rows if row["what"] == "Correlate")
    assert convolution["multiply_adds"] == 4 * 64 * 4 * 9


def test_nothing_stays_changed() -> None:
    """The engine runs as before, even when a call goes wrong."""
    execute = threads.execute

    def fails() -> None:
        assert threads.execute is not execute
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), profile.steps_timed():
        fails()
    assert threads.execute is execute
