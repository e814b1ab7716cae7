"""Training from end to end on small data: it learns, stops, and is the same every time."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from allconv import nn
from allconv.data import Augment, Part, load
from allconv.errors import ArgumentError, ShapeError
from allconv.train import Callback, evaluate, fit
from allconv.train.checkpoint import HISTORY
from allconv.train.history import History, Record, best_epoch, is_stopped

from .making import (
    QUICK,
    Watcher,
    digest,
    names,
    small_network,
    striped_data,
    striped_part,
    stripes,
)


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_it_learns(optimizer, schedule):
    """Every optimizer with every schedule separates stripes that were not trained on."""
    net = small_network()
    rate = 0.05 if optimizer in ("sgd", "nesterov") else 0.01
    fit(
        net,
        striped_part(96),
        epochs=6,
        batch_size=16,
        optimizer=optimizer,
        schedule=schedule,
        learning_rate=rate,
        label_smoothing=0.05,
        clip=1.0,
    )
    assert evaluate(net, (striped_part(30, 7))).accuracy >= 0.9


def test_a_data_set_is_validated_and_tested():
    """Each epoch is validated; the network ends with the best weights; the test comes last."""
    data, net, watcher = striped_data(), small_network(), Watcher()
    history = fit(net, data, callbacks=[watcher], **QUICK)
    assert [record.epoch for record in history.records] == [1, 2, 3, 4]
    assert not history.stopped
    accuracies = [record.validation_accuracy for record in history.records]
    assert history.best.validation_accuracy == max(accuracies)
    found = evaluate(net, data.validation, preprocess=data.preprocess)
    assert found.accuracy == history.best.validation_accuracy
    assert found.loss == history.best.validation_loss
    tested = evaluate(net, data.test, preprocess=data.preprocess)
    np.testing.assert_array_equal(history.test.logits, tested.logits)
    assert history.test.accuracy > 0.5


def test_the_test_part_is_read_once_after_the_last_epoch(monkeypatch):
    """No batch of the test part is made before the last epoch is over, and then one pass."""
    from allconv.train import feed

    data = striped_data()
    events = []
    real = feed.batches

    def watched(part, **keywords):
        events.append("test" if part is data.test else "other")
        return real(part, **keywords)

    monkeypatch.setattr(feed, "batches", watched)
    fit(small_network(), data, **QUICK)
    assert events.count("test") == 1
    assert events[-1] == "test"


def test_without_validation_the_last_weights_stay():
    """There is no test and no validation in a part; best is the last epoch."""
    net = small_network()
    history = fit(net, striped_part(), **QUICK)
    assert (history.best_epoch, history.test) == (4, None)
    assert history.best.validation_loss is None


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_bits_on_any_number_of_threads(threads):
    """The weights after training have one digest, whatever the number of threads."""
    nets = [small_network(), small_network()]
    fit(nets[0], striped_data(), threads=1, **QUICK)
    fit(nets[1], striped_data(), threads=threads, **QUICK)
    assert digest(nets[0]) == digest(nets[1])


def test_the_seed_decides():
    """Another seed gives other weights from the same beginning."""
    nets = [small_network(), small_network(), small_network()]
    for net, seed in zip(nets, (5, 5, 6), strict=True):
        fit(net, striped_part(), seed=seed, **QUICK)
    assert digest(nets[0]) == digest(nets[1]) != digest(nets[2])


def test_callbacks_are_told_all():
    """begin, then each step and epoch in order with true numbers, then end."""
    watcher = Watcher()
    history = fit(small_network(), striped_part(40), callbacks=[watcher], **QUICK)
    kinds = [kind for kind, _ in watcher.told]
    assert kinds == ["begin", *(["step"] * 3 + ["epoch"]) * 4, "end"]
    (begin,), steps = watcher.of("begin"), watcher.of("step")
    assert (begin.epochs, begin.first, begin.steps, begin.samples) == (4, 1, 3, 40)
    assert [(info.epoch, info.step) for info in steps[:4]] == [(1, 1), (1, 2), (1, 3), (2, 1)]
    assert all(info.images_per_second > 0 for info in steps)
    assert [info.seconds_left > 0 for info in steps[:3]] == [True, True, False]
    assert watcher.of("epoch") == list(history.records)
    assert history.records[0].loss == steps[2].loss
    assert history.records[0].accuracy == steps[2].accuracy
    assert watcher.of("end") == [history]


@pytest.mark.parametrize("method", ["on_begin", "on_step", "on_epoch", "on_end"])
def test_what_a_callback_raises_ends_the_training(method):
    """An exception of a callback reaches the caller; no thread and no handler is left behind."""

    class Stopper(Callback):
        pass

    def stop(self, about):
        raise LookupError(method)

    setattr(Stopper, method, stop)
    with pytest.raises(LookupError, match=method):
        fit(small_network(), striped_part(), callbacks=[Stopper()], **QUICK)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_early_stopping():
    """Training ends after `patience` epochs that are not better than the best."""
    part = striped_part()
    wrong = Part(part.images, (part.labels + 1) % 3)  # gets worse as the network learns
    history = fit(small_network(), part, wrong, **{**QUICK, "epochs": 30}, early_stopping=2)
    assert history.stopped
    assert len(history.records) == history.best_epoch + 2 < 30


def make_records(*accuracies: float) -> list[Record]:
    """Records with these validation accuracies."""
    return [Record(n, 1, 1, 0.5, a, 1, 0, 0, 0) for n, a in enumerate(accuracies, 1)]


def test_the_best_epoch():
    """The highest validation accuracy, the lowest loss among equals, then the first."""
    assert best_epoch(make_records(0.1, 0.7, 0.7, 0.3)) == 2
    lower = make_records(0.7, 0.7)
    lower[1] = Record(2, 1, 1, 0.4, 0.7, 1, 0, 0, 0)
    assert best_epoch(lower) == 2
    assert [is_stopped(make_records(*[0.9] * n), 2) for n in (1, 2, 3)] == [False, False, True]
    assert not is_stopped(make_records(*[0.9] * 50), None)
    assert History(tuple(lower), 1, stopped=False).best is lower[0]


def test_history_is_written_a_line_an_epoch(tmp_path):
    """history.jsonl holds the records; beside it are the two checkpoints and nothing else."""
    history = fit(small_network(), striped_data(), out=tmp_path / "a" / "run", **QUICK)
    lines = (tmp_path / "a" / "run" / HISTORY).read_text().splitlines()
    assert [Record.from_fields(json.loads(line)) for line in lines] == list(history.records)
    assert all(record.data_seconds >= 0 < record.step_seconds for record in history.records)
    assert names(tmp_path / "a" / "run") == ["best.safetensors", HISTORY, "last.safetensors"]


def test_images_given_as_arrays_equal_a_part():
    """(x, y) of uint8 images trains to the same bits as the part of them."""
    nets = [small_network(), small_network()]
    images, labels = stripes()
    fit(nets[0], (images, labels), (images[:9], labels[:9]), **QUICK)
    fit(nets[1], striped_part(), striped_part().take(np.arange(9)), **QUICK)
    assert digest(nets[0]) == digest(nets[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_given_as_they_are(dtype):
    """Arrays of any rank train networks of either dtype, with a partial last batch."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((70, 5))
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int32)
    net = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    net = net.astype(dtype)
    fit(net, (x, y), epochs=12, batch_size=16, optimizer="adamw", learning_rate=0.05)
    assert net.parameters()["0.weight"].dtype == dtype
    assert evaluate(net, (x, y)).accuracy >= 0.95


def test_a_label_for_every_pixel():
    """Labels (N, H, W) train a network that gives (N, classes, H, W)."""
    x = np.random.default_rng(0).standard_normal((24, 1, 6, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    net = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    history = fit(net, (x, y), epochs=10, batch_size=8, learning_rate=0.1)
    assert history.best.accuracy > 0.9
    found = evaluate(net, (x, y))
    assert found.logits.shape == (24 * 36, 2)
    assert found.accuracy > 0.9


def test_uneven_classes_and_a_class_without_validation():
    """One class in forty, and one that validation lacks, train without trouble."""
    images, labels = stripes(60)
    keep = np.flatnonzero((labels == 0) | (np.arange(60) < 4))
    held = np.flatnonzero(labels != 1)
    history = fit(
        small_network(),
        (images[keep], labels[keep]),
        (images[held], labels[held]),
        **QUICK,
    )
    assert len(history.records) == 4


def test_augmentation_changes_what_is_learnt():
    """The data set's own augmentation is the default; None and others give other weights."""
    data = striped_data()
    found = []
    for augment in ("default", data.augment, None, Augment(flip=True), lambda x, rng: 255 - x):
        net = small_network()
        fit(net, data, **{**QUICK, "epochs": 1, "augment": augment})
        found.append(digest(net))
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_a_frozen_moment_of_the_network_is_kept_on_failure():
    """A training that fails leaves the network's parameters as they were."""

    class Stopper(Callback):
        def on_epoch(self, record):
            raise LookupError

    net = small_network()
    before = digest(net)
    with pytest.raises(LookupError):
        fit(net, striped_part(), callbacks=[Stopper()], **QUICK)
    assert digest(net) == before


def floats(*shape: int) -> np.ndarray:
    """Zeros of a shape."""
    return np.zeros(shape, np.float32)


LABELS = np.zeros(4, np.int64)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epochs": 0}, ArgumentError, "epochs is 0; it must be at least 1"),
        ({"batch_size": 2.5}, ArgumentError, "batch_size is 2.5; a whole number"),
        ({"learning_rate": -1}, ArgumentError, "learning_rate is -1; a number above 0"),
        ({"learning_rate": float("nan")}, ArgumentError, "learning_rate is nan; a number above 0"),
        ({"optimizer": "fast"}, ArgumentError, "there is no optimizer 'fast'"),
        ({"schedule": 3}, ArgumentError, "there is no schedule 3"),
        ({"loss": "mse"}, ArgumentError, "loss is 'mse'"),
        ({"clip": -1}, ArgumentError, "clip is -1"),
        ({"seed": -1}, ArgumentError, "seed must be"),
        ({"seed": 2**63}, ArgumentError, "seed must be below"),
        ({"threads": 0}, ArgumentError, "threads must be an integer of at least 1"),
        ({"augment": 3}, ArgumentError, "augment must be"),
        ({"early_stopping": 3}, ArgumentError, "early_stopping needs a validation part"),
        ({"out": 3}, ArgumentError, "out must be a folder"),
        ({"data": 3}, ArgumentError, "must be a Dataset, a Part or arrays"),
        ({"data": (floats(3, 1, 8, 8), LABELS)}, ShapeError, "x .3, 1, 8, 8. and y .4,."),
        ({"data": (floats(4, 1, 8, 8), LABELS + 3)}, ArgumentError, "run from 3 to 3"),
        ({"data": (floats(4, 1, 8, 8), LABELS - 1)}, ArgumentError, "the network has 3 classes"),
        ({"data": (floats(4, 1, 8, 8), LABELS + 0.5)}, ArgumentError, "integers are expected"),
        ({"data": (floats(4, 1, 8, 8), np.zeros((4, 2), int))}, ShapeError, r"\(4,\) is expected"),
        ({"data": (floats(0, 1, 8, 8), LABELS[:0])}, ShapeError, "N of at least 1"),
        ({"data": (np.zeros((4, 8, 8), np.int16), LABELS)}, ArgumentError, "x is int16"),
        ({"data": (floats(4, 1, 8, 8), LABELS), "augment": Augment()}, ArgumentError, "uint8"),
        ({"data": (floats(4, 3, 8, 8), LABELS)}, ShapeError, "0 .Conv2d."),
        (
            {"data": (floats(4, 1, 8, 8), LABELS), "validation": (floats(4, 1, 9, 9), LABELS)},
            ShapeError,
            "validation samples are",
        ),
        (
            {
                "data": (floats(4, 1, 8, 8), LABELS),
                "validation": (floats(4, 1, 8, 8), LABELS + 7),
            },
            ArgumentError,
            "run from 7 to 7",
        ),
        ({"data": striped_data(), "validation": striped_part()}, ArgumentError, "has a validation"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, change, error, message):
    """Each wrong argument is one sentence, before the first step and before a folder is made."""
    arguments = {"data": striped_part(), "epochs": 1, "out": tmp_path / "run", **change}
    watcher = Watcher()
    with pytest.raises(error, match=message):
        fit(small_network(), arguments.pop("data"), callbacks=[watcher], **arguments)
    assert watcher.of("step") == []
    assert names(tmp_path) == []


def test_a_data_set_with_other_classes_is_refused():
    """A network that tells more classes apart than the data has is no fit for it."""
    with pytest.raises(ShapeError, match="the network has 4 classes, the data has 3"):
        fit(nn.networks.plain(1, (8, 8), 4), striped_data(), epochs=1)


def test_embedded_images_are_a_data_set():
    """A few of the embedded images train for an epoch."""
    data = load(samples=100)
    small = type(data)(**{**vars(data), "validation": data.validation.subset(50), "test": None})
    history = fit(nn.networks.plain(1, (28, 28), 10), small, epochs=1)
    assert history.records[0].validation_accuracy > 0.1
