"""Training that was interrupted, finished or moved goes on from where it was."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from allconv.train import Callback, fit
from allconv.train.checkpoint import load_checkpoint

from .making import QUICK, Watcher, digest, names, small_network, striped_data


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
