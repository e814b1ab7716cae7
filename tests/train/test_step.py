"""One step as one program, held to a network, its gradient and updates written in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import nn
from allconv.engine import runner
from allconv.engine.runner import native_entries
from allconv.engine.step import DefinitionStep
from allconv.errors import ArgumentError, ShapeError
from allconv.train import SGD, Adam, AdamW
from allconv.train.objective import Objective
from allconv.train.optimizers import find_optimizer
from allconv.train.step import TrainingStep

from .making import small_network

EPS = 1e-5


def network() -> nn.Sequential:
    """Convolution, batch norm, ReLU, linear, in float64."""
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4)
    )
    return net.astype(np.float64)


def loss_and_gradients(p, x, labels, smoothing):
    """The loss of `network`, its gradients, and the batch's mean and variance, by hand."""
    n = len(x)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    y = np.einsum("ncijkl,ockl->noij", windows, p["0.weight"]) + p["0.bias"][:, None, None]
    mean, variance = y.mean((0, 2, 3)), y.var((0, 2, 3))
    spread = 1 / np.sqrt(variance + EPS)[:, None, None]
    hat = (y - mean[:, None, None]) * spread
    z = hat * p["1.weight"][:, None, None] + p["1.bias"][:, None, None]
    flat = np.where(z > 0, z, 0).reshape(n, -1)
    logits = flat @ p["4.weight"].T + p["4.bias"]
    e = np.exp(logits)
    q = e / e.sum(1, keepdims=True)
    target = np.eye(4)[labels] * (1 - smoothing) + smoothing / 4
    loss = -(target * np.log(q)).sum() / n
    gl = (q - target) / n
    gz = (gl @ p["4.weight"]).reshape(z.shape) * (z > 0)
    ghat = gz * p["1.weight"][:, None, None]
    axes = (0, 2, 3)
    shift = ghat.mean(axes)[:, None, None] + hat * (ghat * hat).mean(axes)[:, None, None]
    gy = (ghat - shift) * spread
    gradients = {
        "0.weight": np.einsum("ncijkl,noij->ockl", windows, gy),
        "0.bias": gy.sum(axes),
        "1.weight": (gz * hat).sum(axes),
        "1.bias": gz.sum(axes),
        "4.weight": gl.T @ flat,
        "4.bias": gl.sum(0),
    }
    return loss, gradients, mean, variance * y.size / 3 / (y.size / 3 - 1)


def updated(optimizer, p, g, kept, rate, decay, t):
    """One update in NumPy, from the papers; `kept` is changed."""
    if isinstance(optimizer, SGD):
        g = g + decay * p
        v = kept[0] = optimizer.momentum * kept[0] + g
        return p - rate * (g + optimizer.momentum * v if optimizer.nesterov else v)
    if p.ndim == 2 and optimizer.full_rate_inputs is not None:
        rate *= min(1.0, optimizer.full_rate_inputs / p.shape[1])
    if type(optimizer) is Adam:
        g = g + decay * p
    else:
        p = p * (1 - rate * decay)
    m = kept[0] = optimizer.beta1 * kept[0] + (1 - optimizer.beta1) * g
    s = kept[1] = optimizer.beta2 * kept[1] + (1 - optimizer.beta2) * g**2
    corrected = np.sqrt(s / (1 - optimizer.beta2**t)) + optimizer.eps
    return p - rate * m / (1 - optimizer.beta1**t) / corrected


@pytest.mark.parametrize(
    ("optimizer", "clip", "smoothing"),
    [
        (SGD(), None, 0.0),
        (SGD(nesterov=True, weight_decay=0.1), 0.05, 0.0),
        (SGD(momentum=0.0, weight_decay=0.3), None, 0.2),
        (Adam(eps=1e-3, weight_decay=0.2), None, 0.1),
        (AdamW(beta1=0.8, eps=1e-3, weight_decay=0.5), 0.1, 0.0),
        (AdamW(eps=1e-3, weight_decay=0.5, full_rate_inputs=3), None, 0.0),
        (Adam(eps=1e-3, full_rate_inputs=1000), None, 0.0),
    ],
)
def test_three_steps_equal_numpy(optimizer, clip, smoothing):
    """Weights and statistics after three steps in float64 are those of a loop in NumPy.

    The bias before batch norm has no gradient but rounding, which a tiny eps would blow up.
    """
    rng = np.random.default_rng(1)
    net = network()
    p = {name: np.array(array) for name, array in net.parameters().items()}
    kept = {name: [np.zeros_like(a), np.zeros_like(a)] for name, a in p.items()}
    running = [np.zeros(3), np.ones(3)]
    step = TrainingStep(net, Objective(optimizer, label_smoothing=smoothing, clip=clip))
    for t in range(1, 4):
        x, labels = rng.standard_normal((5, 2, 4, 4)), rng.integers(0, 4, 5)
        rate = 0.1 / t
        found = step(x, labels, rate=rate, step=t - 1)
        loss, gradients, *statistics = loss_and_gradients(p, x, labels, smoothing)
        assert found.loss == pytest.approx(loss, abs=1e-10)
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        assert clip is None or norm > clip
        scale = 1.0 if clip is None else min(1.0, clip / norm)
        for name, g in gradients.items():
            decay = optimizer.weight_decay if name in ("0.weight", "4.weight") else 0.0
            p[name] = updated(optimizer, p[name], scale * g, kept[name], rate, decay, t)
        running = [0.9 * old + 0.1 * new for old, new in zip(running, statistics, strict=True)]
    for name, array in p.items():
        np.testing.assert_allclose(step.state[name], array, rtol=0, atol=1e-10)
    np.testing.assert_allclose(step.state["1.running_mean"], running[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(step.state["1.running_var"], running[1], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["convnet", "all-cnn", "local", "plain"])
@pytest.mark.parametrize("optimizer", ["nesterov", "adamw"])
def test_a_step_enters_native_code_once(name, optimizer, monkeypatch):
    """Forward, backward, clipping and update are one native call a slice of time; nothing runs by
    definition."""
    monkeypatch.setattr(runner, "SLICE", 10**12)
    net = nn.networks.build(name, 1, 8, 3)
    step = TrainingStep(net, Objective(find_optimizer(optimizer), clip=1.0))
    x, labels = np.ones((4, 1, 8, 8), np.float32), np.array([0, 1, 2, 0])
    step(x, labels, rate=0.01)  # before the first run, what never changes is computed once
    for number in range(1, 4):
        before = native_entries()
        step(x, labels, rate=0.01, step=number)
        assert native_entries() == before + 1
    program = step.prepare(x.shape)[1]
    defined = [s.node.operator.name for s in program.steps() if isinstance(s, DefinitionStep)]
    assert defined == []


def test_a_rate_needs_no_new_program():
    """Another rate, step and clipping norm run on the program that is there."""
    step = TrainingStep(small_network(), Objective(AdamW()))
    x, labels = np.ones((4, 1, 8, 8), np.float32), np.array([0, 1, 2, 0])
    programs = set()
    for number in range(4):
        step(x, labels, rate=0.1**number, step=number)
        programs.add(id(step.prepare(x.shape)[1]))
    assert len(programs) == 1


def test_two_sizes_of_batch_share_the_state():
    """A smaller last batch goes on from the weights of the batch before."""
    x = np.random.default_rng(0).standard_normal((7, 2, 4, 4))
    labels = np.arange(7) % 4
    step = TrainingStep(network(), Objective(SGD()))
    by_hand = {name: np.array(a) for name, a in network().parameters().items()}
    kept = {name: [np.zeros_like(a)] for name, a in by_hand.items()}
    for part in (slice(0, 5), slice(5, 7), slice(0, 5)):
        step(x[part], labels[part], rate=0.1)
        _, gradients, *_ = loss_and_gradients(by_hand, x[part], labels[part], 0.0)
        for name, g in gradients.items():
            by_hand[name] = updated(SGD(), by_hand[name], g, kept[name], 0.1, 0.0, 1)
    for name, array in by_hand.items():
        np.testing.assert_allclose(step.state[name], array, rtol=0, atol=1e-10)


def test_the_network_is_left_alone():
    """Steps change their own state; the network keeps the arrays it has."""
    net = small_network()
    before = {name: array.copy() for name, array in net.state_dict().items()}
    step = TrainingStep(net, Objective(SGD()))
    for number in range(3):
        step(np.ones((4, 1, 8, 8), np.float32), np.arange(4) % 3, rate=0.5, step=number)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert not np.array_equal(step.state["6.weight"], before["6.weight"])


@pytest.mark.parametrize(("seed", "number"), [(1, 0), (0, 1)])
def test_dropout_depends_on_seed_and_step(seed, number):
    """The same seed and step draw the same dropout; another seed or step draws another."""
    x, labels = np.ones((4, 1, 8, 8), np.float32), np.arange(4) % 3

    def after(seed, number):
        step = TrainingStep(small_network(), Objective(SGD()), seed=seed)
        step(x, labels, rate=0.1, step=number)
        return step.state["6.weight"]

    np.testing.assert_array_equal(after(0, 0), after(0, 0))
    assert not np.array_equal(after(0, 0), after(seed, number))


def test_a_loss_of_ones_own():
    """A function of logits and labels is minimised in place of the cross-entropy."""
    net = nn.Linear(3, 2).astype(np.float64)
    step = TrainingStep(net, Objective(SGD(momentum=0.0), loss=lambda y, _: (y * y).sum()))
    x = np.array([[1.0, 2.0, 3.0]])
    y = net(x)
    found = step(x, np.array([0]), rate=0.5)
    assert found.loss == pytest.approx((y**2).sum(), rel=1e-12)
    np.testing.assert_allclose(step.state["bias"], net.bias - y[0], rtol=1e-12)


@pytest.mark.parametrize("label", [-1, 3, 2**40])
def test_labels_out_of_range_are_refused_before_anything_runs(label):
    """A label that is no class raises in Python; the weights stay."""
    step = TrainingStep(small_network(), Objective(SGD()))
    state = dict(step.state)
    before = native_entries()
    with pytest.raises(ArgumentError, match="3 classes"):
        step(np.ones((2, 1, 8, 8), np.float32), np.array([0, label]), rate=0.1)
    assert native_entries() == before
    assert all(step.state[name] is array for name, array in state.items())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: SGD(momentum=1.0),
            ArgumentError,
            "momentum is 1.0; a number of at least 0 and below 1",
        ),
        (lambda: SGD(momentum=0.0, nesterov=True), ArgumentError, "nesterov needs"),
        (lambda: Adam(eps=0.0), ArgumentError, "eps must be above 0"),
        (
            lambda: AdamW(weight_decay=-1.0),
            ArgumentError,
            "weight_decay is -1.0; a number of at least 0",
        ),
        (lambda: Adam(beta2=float("nan")), ArgumentError, "beta2 is nan; a number"),
        (lambda: Adam(full_rate_inputs=0), ArgumentError, "full_rate_inputs must be a positive"),
        (lambda: AdamW(full_rate_inputs=1.5), ArgumentError, "full_rate_inputs must be a positive"),
        (lambda: find_optimizer("lion"), ArgumentError, "there are sgd, nesterov, adam, adamw"),
        (lambda: Objective(SGD(), loss="hinge"), ArgumentError, "cross_entropy"),
        (
            lambda: Objective(SGD(), label_smoothing=1.0),
            ArgumentError,
            "label_smoothing is 1.0; a number of at least 0 and below 1",
        ),
        (lambda: Objective(SGD(), clip=0.0), ArgumentError, "norm above 0"),
        (
            lambda: TrainingStep(nn.ReLU(), Objective(SGD())).prepare((2, 3)),
            ArgumentError,
            "no parameters",
        ),
        (
            lambda: TrainingStep(nn.Linear(2, 3), Objective(SGD()))(
                np.ones((2, 2), np.float32), np.array([[0], [1]]), rate=0.1
            ),
            ShapeError,
            r"labels are int64 \(2, 1\); int64 \(2,\)",
        ),
        (
            lambda: TrainingStep(nn.Linear(2, 3), Objective(SGD(), loss=lambda y, _: y)).prepare(
                (2, 2)
            ),
            ShapeError,
            "a scalar is expected",
        ),
    ],
)
def test_wrong_settings_are_refused(make, error, message):
    """Wrong settings are refused with what would do."""
    with pytest.raises(error, match=message):
        make()
