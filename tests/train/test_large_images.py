"""The default rate suits images of any size: the loss falls, whatever the inputs of a layer."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import data
from allconv.nn import Linear, networks
from allconv.train import fit
from allconv.train.optimizers import FULL_RATE_INPUTS, find_optimizer


def tinted(side: int, count: int = 48) -> data.Dataset:
    """Noisy stripes, whose three classes differ a little in colour."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    y, x = np.mgrid[0:side, 0:side] / side
    colours = np.array([[90, 110, 140], [140, 90, 110], [110, 140, 90]])[labels]
    images = np.empty((count, side, side, 3), np.uint8)
    for n, colour in enumerate(colours + rng.normal(0, 12, (count, 3))):
        angle, waves = rng.uniform(0, np.pi), rng.uniform(6, 14)
        wave = np.sin(2 * np.pi * waves * (np.cos(angle) * x + np.sin(angle) * y))
        noise = rng.normal(0, 15, (side, side, 3))
        images[n] = np.clip(colour + rng.uniform(20, 60, 3) * wave[..., None] + noise, 0, 255)
    return data.load((images, labels), validation=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "side"), [("plain", 112), ("convnet", 64)])
def test_the_loss_falls_at_the_defaults(model, side):
    """With many more inputs than small images have the loss does not grow much, and gets small."""
    found = tinted(side)
    net = networks.build(model, 3, (side, side), 3).initialize(0)
    inputs = max(layer.in_features for layer in net if isinstance(layer, Linear))
    assert inputs > 2 * FULL_RATE_INPUTS
    history = fit(net, found, epochs=6, batch_size=8)
    losses = [record.loss for record in history.records]
    assert max(losses[1:]) < 1.5 * losses[0]
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize(
    ("name", "side"),
    [(n, 28) for n in (*networks.SMALL, *networks.FAMILY)] + [(n, 32) for n in networks.names()],
)
def test_small_images_have_the_full_rate(name, side):
    """No layer of a network for 28 x 28 or 32 x 32 pixels is slowed down."""
    optimizer = find_optimizer("adamw")
    net = networks.build(name, 3, (side, side), 10)
    for array in net.parameters().values():
        assert optimizer.full_rate_inputs == FULL_RATE_INPUTS
        assert array.ndim != 2 or array.shape[1] <= FULL_RATE_INPUTS
