"""Training that was interrupted, finished or moved goes on from where it was."""

from __future__ import annotations

import os
import re
import signal

import numpy as np
import pytest

from allconv import nn
from allconv.data import load
from allconv.errors import ArgumentError
from allconv.train import Callback, fit
from allconv.train.checkpoint import load_checkpoint, save_checkpoint

from .making import QUICK, Watcher, digest, names, small_network, striped_data, stripes


class Interrupter(Callback):
    """Presses Ctrl-C after some step."""

    def __init__(self, epoch: int, step: int) -> None:
        self.at = epoch, step

    def on_step(self, info):
        """See Callback."""
        if (info.epoch, info.step) == self.at:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("at", [(1, 1), (2, 2), (2, 3), (3, 1)])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, at):
    """Ctrl-C saves the step it came at, also in the middle of an epoch; nothing is done twice."""
    whole, broken, resumed = small_network(), small_network(), small_network()
    first = fit(whole, striped_data(), **QUICK)
    with pytest.raises(KeyboardInterrupt):
        fit(broken, striped_data(), out=tmp_path, callbacks=[Interrupter(*at)], **QUICK)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    position = load_checkpoint(tmp_path).position
    epoch, step = at
    assert (position.epoch, position.step) == ((epoch, 0) if step == 3 else (epoch - 1, step))
    watcher = Watcher()
    second = fit(resumed, striped_data(), resume=tmp_path, callbacks=[watcher], **QUICK)
    assert len(watcher.of("step")) == 12 - (epoch - 1) * 3 - step
    assert digest(whole) == digest(resumed)
    for a, b in zip(first.records, second.records, strict=True):
        assert (a.loss, a.accuracy, a.validation_loss) == (b.loss, b.accuracy, b.validation_loss)
    np.testing.assert_array_equal(first.test.logits, second.test.logits)


def test_an_interrupted_network_keeps_its_weights(tmp_path):
    """After Ctrl-C the network has the weights of the step it came at."""
    net = small_network()
    with pytest.raises(KeyboardInterrupt):
        fit(net, striped_data(), out=tmp_path, callbacks=[Interrupter(2, 1)], **QUICK)
    state = load_checkpoint(tmp_path).state
    for name, array in net.parameters().items():
        np.testing.assert_array_equal(array, state[name])


def test_a_finished_run_is_not_trained_again(tmp_path):
    """Resuming a finished run gives its history, its weights and the test, without a step."""
    first, second = small_network(), small_network()
    one = fit(first, striped_data(), out=tmp_path, **QUICK)
    watcher = Watcher()
    two = fit(second, striped_data(), resume=tmp_path, callbacks=[watcher], **QUICK)
    assert watcher.of("step") == []
    assert digest(first) == digest(second)
    assert (one.records, one.best_epoch) == (two.records, two.best_epoch)


def test_more_epochs_can_be_added(tmp_path):
    """A finished run goes on when it is resumed with more epochs."""
    fit(small_network(), striped_data(), out=tmp_path, **QUICK)
    history = fit(small_network(), striped_data(), resume=tmp_path, **{**QUICK, "epochs": 6})
    assert [record.epoch for record in history.records] == [1, 2, 3, 4, 5, 6]


def test_a_run_can_go_on_elsewhere(tmp_path):
    """With another `out`, the run that is resumed stays as it is."""
    fit(small_network(), striped_data(), out=tmp_path / "a", **QUICK)
    before = {name: (tmp_path / "a" / name).read_bytes() for name in names(tmp_path / "a")}
    more = {**QUICK, "epochs": 5}
    fit(small_network(), striped_data(), resume=tmp_path / "a", out=tmp_path / "b", **more)
    assert {n: (tmp_path / "a" / n).read_bytes() for n in names(tmp_path / "a")} == before
    assert load_checkpoint(tmp_path / "b").position.epoch == 5


def named(classes, count=3):
    """The stripes with names for their labels, of the first classes only."""

    def part(samples, seed):
        images, labels = stripes(samples, seed)
        kept = labels < count
        return images[kept], np.array(classes)[labels[kept]]

    return load(part(48, 0), validation=part(18, 1), test=part(18, 2))


def linear(classes):
    """A network for the stripes."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))


@pytest.mark.parametrize(
    ("now", "count", "told"),
    [
        (("across", "both", "upright"), 2, r"2 classes \(across, both\)"),
        (("across", "both\n\x1b[2J", "upright"), 2, r"2 classes \(across, both\\n\\x1b\[2J\)"),
    ],
)
def test_other_classes_are_named(tmp_path, now, count, told):
    """A class that is gone is told by the names of then and of now, not as another network."""
    before = ("across", "both", "upright")
    fit(linear(3), named(before), out=tmp_path, **QUICK)
    with pytest.raises(ArgumentError) as caught:
        fit(linear(count), named(now, count), resume=tmp_path, **QUICK)
    assert "was made with 3 classes (across, both, upright), now there are" in str(caught.value)
    assert re.search(told, str(caught.value))


def test_renamed_classes_of_the_same_images_go_on(tmp_path):
    """Another name for a class changes no number."""
    fit(linear(3), named(("across", "both", "upright")), out=tmp_path, **QUICK)
    more = {**QUICK, "epochs": 5}
    fit(linear(3), named(("a", "b", "c")), resume=tmp_path, **more)
    assert load_checkpoint(tmp_path).settings["classes"] == ["a", "b", "c"]
    assert load_checkpoint(tmp_path).position.epoch == 5


def test_a_run_of_before_classes_were_kept_goes_on(tmp_path):
    """A checkpoint without the names of the classes is one like any other."""
    fit(linear(3), named(("across", "both", "upright")), out=tmp_path, **QUICK)
    kept = load_checkpoint(tmp_path)
    del kept.settings["classes"]
    save_checkpoint(tmp_path, kept)
    more = {**QUICK, "epochs": 5}
    assert len(fit(linear(3), named(tuple("abc")), resume=tmp_path, **more).records) == 5


def test_clipping_at_infinity_is_none(tmp_path):
    """An infinite norm clips nothing; it is kept as null, which JSON has."""
    one, two = linear(3), linear(3)
    fit(one, named(tuple("abc")), out=tmp_path, clip=float("inf"), **QUICK)
    fit(two, named(tuple("abc")), clip=None, **QUICK)
    assert digest(one) == digest(two)
    assert load_checkpoint(tmp_path).settings["clip"] is None
