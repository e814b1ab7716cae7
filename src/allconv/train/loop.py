"""Training: epochs of steps, each epoch validated, saved and recorded.

All that is random is drawn by key: the order and the changes of the images by (seed, epoch, index),
dropout by (seed, step). So a run that was killed goes on to the same bits as if it had not been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from math import isfinite
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from allconv.data.batches import prefetch
from allconv.data.dataset import Dataset
from allconv.data.preprocess import Preprocess
from allconv.errors import ArgumentError, Error, FileError, ShapeError
from allconv.files import make_folder
from allconv.nn.module import Module
from allconv.operators.base import Array
from allconv.train.callbacks import BeginInfo, Callback, StepInfo
from allconv.train.checkpoint import (
    LAST,
    Checkpoint,
    Position,
    check_fits,
    load_checkpoint,
    save_best,
    save_checkpoint,
    save_history,
)
from allconv.train.evaluate import Evaluation, evaluated
from allconv.train.feed import Augmentation, Feed, ImageFeed, feed_of
from allconv.train.history import History, Record, best_epoch, is_stopped
from allconv.train.inference import Inference
from allconv.train.interrupt import Interrupt, noticed
from allconv.train.optimizers import Optimizer, find_optimizer
from allconv.train.schedules import Schedule, find_schedule
from allconv.train.settings import Settings, check_same, describe
from allconv.train.step import Loss, Objective, TrainingStep, check_range


def fit(
    net: Module,
    data: Any,
    validation: Any = None,
    *,
    epochs: int,
    batch_size: int = 64,
    optimizer: Optimizer | str = "adamw",
    schedule: Schedule | str = "one-cycle",
    learning_rate: float | None = None,
    loss: Loss = "cross_entropy",
    label_smoothing: float = 0.0,
    clip: float | None = None,
    early_stopping: int | None = None,
    augment: Augmentation | Literal["default"] = "default",
    seed: int = 0,
    threads: int | None = None,
    out: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
) -> History:
    """Train a network on labelled samples; its parameters and buffers are replaced at the end.

    data: a `Dataset`, whose validation part chooses the best epoch and whose test part is read
        once, after the last weight is final; or a `Part`, or arrays (x, y): floats (N, ...) that
        are given to the network as they are, or uint8 images. Labels are integers (N,).
    validation: a `Part` or arrays, where `data` has none. With one, the network ends with the
        weights of the epoch that did best on it, otherwise with the last.
    optimizer, schedule: by name or with settings; `learning_rate` is the largest rate (None: what
        suits the optimizer).
    loss: "cross_entropy", or a function of (logits, labels) that returns a scalar.
    clip: largest norm of all gradients together.
    early_stopping: stop after so many epochs that are no better than the best.
    augment: changes of the training images; "default" is the data set's.
    out: folder for `last.safetensors`, `best.safetensors` and `history.jsonl`; one that holds a run
        already is refused.
    resume: folder of a run to go on with, to the same bits; it must have the same settings, but for
        `epochs`, `early_stopping` and `threads`.

    Ctrl-C ends the training after the step it is at: that step is saved in `out`, the network keeps
    its weights, and KeyboardInterrupt is raised.
    Errors: ArgumentError, ShapeError, FileError; Error where the loss is not finite.

    >>> import numpy as np
    >>> from allconv import nn
    >>> x = np.random.default_rng(0).standard_normal((64, 2)).astype(np.float32)
    >>> net = nn.Sequential(nn.Linear(2, 2))
    >>> history = fit(net, (x, x.argmax(1)), epochs=5, batch_size=8, learning_rate=0.1)
    >>> history.best.accuracy > 0.9
    True
    """
    train, held, test, augment = _feeds(net, data, validation, augment)
    optimizer = find_optimizer(optimizer)
    settings = Settings(
        epochs=epochs,
        batch_size=batch_size,
        objective=Objective(optimizer, loss, label_smoothing, clip),
        schedule=find_schedule(schedule),
        learning_rate=optimizer.rate if learning_rate is None else learning_rate,
        early_stopping=early_stopping,
        augment=augment,
        seed=seed,
    )
    if early_stopping is not None and held is None:
        raise ArgumentError("early_stopping needs a validation part")
    classes = len(data.classes) if isinstance(data, Dataset) else None
    run = _Run(net, settings, train, held, threads, callbacks)
    run.check_network(classes)
    run.begin(_folder(out, "out"), _folder(resume, "resume"))
    with noticed() as interrupt:
        run.train(interrupt)
    return run.end(test)


class _Run:
    """The state of one training."""

    def __init__(
        self,
        net: Module,
        settings: Settings,
        train: Feed,
        held: Feed | None,
        threads: int | None,
        callbacks: Sequence[Callback],
    ) -> None:
        self.net, self.settings, self.train_feed, self.held = net, settings, train, held
        self.callbacks = callbacks
        self.step = TrainingStep(net, settings.objective, seed=settings.seed, threads=threads)
        self.inference = Inference(net, threads=threads)
        self.steps = -(-len(train) // settings.batch_size)
        self.position = Position()
        self.records: tuple[Record, ...] = ()
        self.best: dict[str, Array] = {}
        self.network = describe(net, train.shape)
        self.out: Path | None = None

    def check_network(self, classes: int | None) -> None:
        """Refuse what will not fit before anything runs: every size of batch, all labels."""
        size = self.settings.batch_size
        for count in {min(size, len(self.train_feed)), len(self.train_feed) % size} - {0}:
            logits = self.step.prepare((count, *self.train_feed.shape))[0].logits.shape
            if classes not in (None, logits[1]):
                raise ShapeError(
                    f"the network tells {logits[1]} classes apart, the data has {classes}"
                )
            for feed in (self.train_feed, self.held):
                if feed is None:
                    continue
                if feed.labels.shape[1:] != logits[2:]:
                    raise ShapeError(
                        f"labels are {feed.labels.shape}; {(len(feed), *logits[2:])} is wanted, "
                        f"since the network gives {logits}"
                    )
                check_range(feed.labels, logits[1])
        if self.held is not None and self.held.shape != self.train_feed.shape:
            raise ShapeError(
                f"validation samples are {self.held.shape}, those for training "
                f"{self.train_feed.shape}"
            )

    def begin(self, out: Path | None, resume: Path | None) -> None:
        """Take up a run that is resumed, and make the folder."""
        settings = self.settings.as_text(self.train_feed, self.held)
        if resume is not None:
            checkpoint = load_checkpoint(resume)
            check_fits(resume / LAST, checkpoint, self.step.state, self.network)
            check_same(resume / LAST, checkpoint.settings, settings)
            self.step.replace(checkpoint.state)
            self.best = dict(checkpoint.best)
            self.records, self.position = checkpoint.records, checkpoint.position
        self.out = resume if out is None else out
        if self.out is None:
            return
        fresh = resume is None or self.out.resolve() != resume.resolve()
        if fresh and (self.out / LAST).exists():
            raise FileError(f"{self.out} holds a run already; choose another folder, or resume it")
        make_folder(self.out)
        if fresh:
            self._save()
        if self.records and self.best:
            save_best(self.out, self.best, self.records[best_epoch(self.records) - 1])
        save_history(self.out, self.records)

    def train(self, interrupt: Interrupt) -> None:
        """All epochs that are left."""
        self._tell("on_begin", self._beginning())
        while not self._is_done():
            self._epoch(interrupt)
            if interrupt.wanted and not self._is_done():
                self._stop()

    def _is_done(self) -> bool:
        stopped = is_stopped(self.records, self.settings.early_stopping)
        return stopped or self.position.epoch >= self.settings.epochs

    def _beginning(self) -> BeginInfo:
        return BeginInfo(
            epochs=self.settings.epochs,
            first=min(self.position.epoch + 1, self.settings.epochs),
            steps=self.steps,
            samples=len(self.train_feed),
            batch_size=self.settings.batch_size,
        )

    def _epoch(self, interrupt: Interrupt) -> None:
        """The steps that are left of one epoch, then its validation, record and checkpoint."""
        settings = self.settings
        source = self.train_feed.epoch(
            self.position.epoch,
            batch_size=settings.batch_size,
            seed=settings.seed,
            augment=settings.augment,
            shuffle=True,
        )
        ready = prefetch(islice(source, self.position.step, None))
        before = self.position
        try:
            begun = perf_counter()
            for x, labels in ready:
                waited = perf_counter() - begun
                self._step(x, labels, waited)
                self._tell("on_step", self._info(before))
                if interrupt.wanted and self.position.step < self.steps:
                    self._stop()
                begun = perf_counter()
        finally:
            ready.close()
        self._finish_epoch()

    def _rate(self) -> tuple[int, float]:
        """The number of the next step, and its learning rate."""
        settings = self.settings
        step = self.position.epoch * self.steps + self.position.step
        total = settings.epochs * self.steps
        return step, settings.schedule.rate(step, total, settings.learning_rate)

    def _step(self, x: Array, labels: Array, waited: float) -> None:
        begun = perf_counter()
        step, rate = self._rate()
        result = self.step(x, labels, rate=rate, step=step)
        now = self.position
        if not isfinite(result.loss):
            raise Error(
                f"the loss became {result.loss} in step {now.step + 1} of epoch {now.epoch + 1}; "
                f"use a smaller learning_rate than {self.settings.learning_rate:g}, or clip=1.0"
            )
        self.position = replace(
            now,
            step=now.step + 1,
            loss=now.loss + result.loss * labels.size,
            right=now.right + int((result.logits.argmax(1) == labels).sum()),
            seen=now.seen + labels.size,
            data_seconds=now.data_seconds + waited,
            step_seconds=now.step_seconds + perf_counter() - begun,
        )

    def _info(self, before: Position) -> StepInfo:
        """Where training is; the speed counts from `before`, where this process came in."""
        now, size = self.position, self.settings.batch_size
        done = min(now.step * size, len(self.train_feed)) - before.step * size
        seconds = now.data_seconds + now.step_seconds - before.data_seconds - before.step_seconds
        speed = done / seconds if seconds else 0.0
        left = len(self.train_feed) - min(now.step * size, len(self.train_feed))
        return StepInfo(
            epoch=now.epoch + 1,
            step=now.step,
            steps=self.steps,
            loss=now.loss / now.seen,
            accuracy=now.right / now.seen,
            images_per_second=speed,
            seconds_left=left / speed if speed else 0.0,
        )

    def _finish_epoch(self) -> None:
        begun = perf_counter()
        held = self._validate()
        now, rate = self.position, self.settings.schedule
        last = (now.epoch + 1) * self.steps - 1
        record = Record(
            epoch=now.epoch + 1,
            loss=now.loss / now.seen,
            accuracy=now.right / now.seen,
            validation_loss=None if held is None else held.loss,
            validation_accuracy=None if held is None else held.accuracy,
            rate=rate.rate(last, self.settings.epochs * self.steps, self.settings.learning_rate),
            data_seconds=now.data_seconds,
            step_seconds=now.step_seconds,
            validation_seconds=perf_counter() - begun,
        )
        if record.validation_loss is not None and not isfinite(record.validation_loss):
            raise Error(
                f"the validation loss became {record.validation_loss} in epoch {record.epoch}; "
                f"use a smaller learning_rate than {self.settings.learning_rate:g}"
            )
        self.records = (*self.records, record)
        self.position = Position(record.epoch)
        if held is not None and best_epoch(self.records) == record.epoch:
            self.best = self.step.parameters_and_buffers()
            if self.out is not None:
                save_best(self.out, self.best, record)
        if self.out is not None:
            self._save()
        self._tell("on_epoch", record)

    def _validate(self) -> Evaluation | None:
        if self.held is None:
            return None
        self.inference.bind(self.step.parameters_and_buffers())
        return evaluated(self.inference, self.held)

    def _save(self) -> None:
        if self.out is not None:
            settings = self.settings.as_text(self.train_feed, self.held)
            checkpoint = Checkpoint(
                self.step.state, self.best, self.position, self.records, self.network, settings
            )
            save_checkpoint(self.out, checkpoint)

    def _stop(self) -> None:
        """Leave the training at a step: saved, and with the weights it has."""
        self._save()
        self.net.load_state_dict(self.step.parameters_and_buffers())
        raise KeyboardInterrupt

    def _tell(self, name: str, about: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, name)(about)

    def end(self, test: Feed | None) -> History:
        """Give the network its final weights, then read the test part."""
        best = best_epoch(self.records)
        final = self.best or self.step.parameters_and_buffers()
        self.net.load_state_dict(final)
        stopped = len(self.records) < self.settings.epochs
        history = History(self.records, best, stopped)
        if test is not None:
            self.inference.bind(final)
            history = replace(history, test=evaluated(self.inference, test))
        self._tell("on_end", history)
        return history


def _feeds(
    net: Module, data: Any, validation: Any, augment: Augmentation | Literal["default"]
) -> tuple[Feed, Feed | None, Feed | None, Augmentation]:
    """Training, validation and test as batches, and the augmentation that is meant."""
    dtype = next((array.dtype.name for array in net.parameters().values()), "float32")
    chosen = None if augment == "default" else augment
    if isinstance(data, Dataset):
        if validation is not None:
            raise ArgumentError(
                "the data set has a validation part; pass data.train to use another"
            )
        parts = data.parts().items()
        feeds = {name: feed_of(part, dtype, data.preprocess, name) for name, part in parts}
        chosen = data.augment if augment == "default" else chosen
        return feeds["training"], feeds["validation"], feeds.get("test"), chosen
    train = feed_of(data, dtype, None)
    if chosen is not None and not isinstance(train, ImageFeed):
        raise ArgumentError("augment changes images; give uint8 images (N, H, W, C) for it")
    preprocess: Preprocess | None = train.preprocess if isinstance(train, ImageFeed) else None
    held = None if validation is None else feed_of(validation, dtype, preprocess, "validation")
    return train, held, None, chosen


def _folder(path: str | PathLike[str] | None, name: str) -> Path | None:
    if path is None:
        return None
    if not isinstance(path, str | PathLike):
        raise ArgumentError(f"{name} must be a folder, got {path!r}")
    return Path(path)
