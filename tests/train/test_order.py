"""No order of the chunks and no number of threads changes a bit of what is learned."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.nn import networks
from allconv.train.objective import Objective
from allconv.train.optimizers import SGD
from allconv.train.step import TrainingStep
from tiers import slowed

from .making import digest_of

STEPS = 3


def learned(name: str, threads: int, seed: int | None) -> str:
    """The digest of the state after a few steps; `seed` draws another order of chunks each step."""
    draw = np.random.default_rng(0)
    side = 12 if name in {*networks.SMALL, *networks.FAMILY} else 32
    net = networks.build(name, 1, (side, side), 4)
    step = TrainingStep(net, Objective(SGD(nesterov=True, weight_decay=5e-4)), threads=threads)
    for number in range(STEPS):
        x = np.moveaxis(draw.standard_normal((24, side, side, 1)).astype(np.float32), -1, 1)
        labels = draw.integers(0, 4, 24)
        if seed is not None:
            program = step.prepare(x.shape)[1]
            if number:
                program.reorder(seed + number)
        step(x, labels, rate=0.05, step=number)
    return digest_of(step.state)


NAMES = [*networks.SMALL, "base-a", "strided-cnn-b", "all-cnn-c", "mobilenet-v3-small", "resnet-18"]
"""Of the paper's twelve, which are made of the same layers, one of each kind."""


@pytest.mark.parametrize("name", slowed(NAMES, "plain", "local", "convnet"))
def test_order_and_threads_change_no_bit(name):
    """Chunks in random order on 1, 2, 3 and 7 threads leave the same weights."""
    wanted = learned(name, 1, None)
    assert {learned(name, threads, 10 * threads) for threads in (1, 2, 3, 7)} == {wanted}
