"""Loss, accuracy, confusions and mistakes against counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allconv import nn
from allconv.errors import ArgumentError, ShapeError
from allconv.train import Evaluation, evaluate
from allconv.train.inference import Inference

from .making import small_network, striped_part, stripes

LOGITS = np.log(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]]
)
FOUND = Evaluation(LOGITS + 5.0, np.array([0, 1, 1, 1, 0]))


def test_numbers():
    """Mean cross-entropy and the shares that are right, of all and of each class."""
    assert FOUND.loss == pytest.approx(-sum(map(math.log, (0.7, 0.8, 0.3, 0.3, 0.2))) / 5)
    assert FOUND.accuracy == 0.4
    assert FOUND.predicted.tolist() == [0, 1, 0, 0, 1]
    np.testing.assert_allclose(FOUND.probabilities, np.exp(LOGITS), rtol=1e-12)
    first, second, third = FOUND.class_accuracies()
    assert (first, second) == (1 / 2, 1 / 3)
    assert math.isnan(third)


def test_confusions_and_mistakes():
    """The most frequent pairs first; the surest mistakes first, by name or index."""
    assert FOUND.confusions() == [(1, 0, 2), (0, 1, 1)]
    assert FOUND.confusions(1) == [(1, 0, 2)]
    assert [(m.name, m.true, m.predicted) for m in FOUND.mistakes()] == [
        ("4", 0, 1), ("3", 1, 0), ("2", 1, 0),
    ]  # fmt: skip
    named = FOUND.mistakes([f"{c}.png" for c in "abcde"])
    assert [m.name for m in named] == ["e.png", "d.png", "c.png"]
    assert [m.probability for m in named] == pytest.approx([0.7, 0.6, 0.5])


def test_a_large_logit_does_not_overflow():
    """Logits of any size have finite losses and probabilities."""
    found = Evaluation(np.array([[1e30, 0.0]]), np.array([1]))
    assert found.loss == 1e30
    assert found.probabilities.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("batch_size", [1, 7, 20, 64])
def test_the_batch_does_not_matter(batch_size):
    """The logits are those of the network, however many images are taken at a time."""
    net, part = small_network(), striped_part(20)
    found = evaluate(net, part, batch_size=batch_size)
    x = part.images.transpose(0, 3, 1, 2) / np.float32(255)
    x = (x - x.astype(float).mean()) / x.astype(float).std()
    np.testing.assert_allclose(found.logits, net(x.astype(np.float32)), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found.labels, part.labels)


def test_other_weights_can_be_bound():
    """Programs that are there run with the weights bound last."""
    net = nn.Linear(2, 2)
    inference, x = Inference(net), np.eye(2, dtype=np.float32)
    np.testing.assert_allclose(inference(x), net(x), rtol=1e-6)
    state = {"weight": np.ones((2, 2), np.float32), "bias": np.array([1, 2], np.float32)}
    inference.bind(state)
    np.testing.assert_array_equal(inference(x), [[2, 3], [2, 3]])
    np.testing.assert_array_equal(inference(x[:1]), [[2, 3]])


def test_what_does_not_fit_is_refused():
    """Labels that no class has, and networks that give no logits."""
    images, labels = stripes(6)
    with pytest.raises(ArgumentError, match="run from 5 to 7"):
        evaluate(small_network(), (images, labels + 5))
    with pytest.raises(ShapeError, match="labels are"):
        evaluate(nn.Conv2d(1, 3, 1), (images, labels))
    with pytest.raises(ShapeError, match="one array"):
        evaluate(nn.Sequential(nn.Linear(8, 1), nn.Flatten(0)), (images, labels))
