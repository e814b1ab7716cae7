"""One training as it goes on: its epochs of steps, each validated, saved and recorded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

from allconv.data.batches import prefetch
from allconv.errors import Error, FileError, ShapeError
from allconv.files import make_folder
from allconv.nn.module import Module
from allconv.operators.base import Array
from allconv.text import printable
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
from allconv.train.feed import Feed
from allconv.train.history import History, Record, best_epoch, is_stopped
from allconv.train.inference import Inference
from allconv.train.interrupt import Interrupt
from allconv.train.recipe import Recipe
from allconv.train.same_run import check_classes, check_same, describe, run_as_text
from allconv.train.step import TrainingStep, check_range


def check_free(out: Path | None, resume: Path | None) -> bool:
    """Whether `out` is another folder than the run that is resumed; then it must hold no run."""
    fresh = out is not None and (resume is None or out.resolve() != resume.resolve())
    if out is not None and fresh and (out / LAST).exists():
        raise FileError(
            f"{printable(out)} holds a run already; choose another folder, or resume it"
        )
    return fresh


class TrainingRun:
    """The state of one training."""

    def __init__(
        self,
        net: Module,
        recipe: Recipe,
        train: Feed,
        held: Feed | None,
        threads: int | None,
        callbacks: Sequence[Callback],
        classes: tuple[str, ...] | None = None,
    ) -> None:
        self.net, self.recipe, self.train_feed, self.validation = net, recipe, train, held
        self.classes = classes
        self.callbacks = callbacks
        self.step = TrainingStep(net, recipe.objective, seed=recipe.seed, threads=threads)
        self.inference = Inference(net, threads=threads)
        self.steps = -(-len(train) // recipe.batch_size)
        self.position = Position()
        self.records: tuple[Record, ...] = ()
        self.best: dict[str, Array] = {}
        self.network = describe(net, train.shape)
        self.out: Path | None = None

    def check_network(self) -> None:
        """Refuse what will not fit before anything runs: every size of batch, all labels."""
        classes = None if self.classes is None else len(self.classes)
        size = self.recipe.batch_size
        for count in {min(size, len(self.train_feed)), len(self.train_feed) % size} - {0}:
            logits = self.step.prepare((count, *self.train_feed.shape))[0].results[1].shape
            if classes not in (None, logits[1]):
                raise ShapeError(f"the network has {logits[1]} classes, the data has {classes}")
            for feed in (self.train_feed, self.validation):
                if feed is None:
                    continue
                if feed.labels.shape[1:] != logits[2:]:
                    raise ShapeError(
                        f"labels are {feed.labels.shape}; {(len(feed), *logits[2:])} is expected, "
                        f"since the network gives {logits}"
                    )
                check_range(feed.labels, logits[1])
        if self.validation is not None and self.validation.shape != self.train_feed.shape:
            raise ShapeError(
                f"validation samples are {self.validation.shape}, those for training "
                f"{self.train_feed.shape}"
            )

    def begin(self, out: Path | None, resume: Path | None) -> None:
        """Take up a run that is resumed, and make the folder."""
        if resume is not None:
            settings = self._settings()
            checkpoint = load_checkpoint(resume)
            check_classes(resume / LAST, checkpoint.settings, settings)
            check_fits(resume / LAST, checkpoint, self.step.state, self.network)
            check_same(resume / LAST, checkpoint.settings, settings)
            self.step.replace(checkpoint.state)
            self.best = dict(checkpoint.best)
            self.records, self.position = checkpoint.records, checkpoint.position
            if self.position.step >= self.steps:
                raise FileError(
                    f"{printable(resume / LAST)} is not a usable checkpoint: it is "
                    f"{self.position.step} steps into an epoch of {self.steps}; start without "
                    "resume"
                )
        fresh = check_free(out, resume)
        self.out = resume if out is None else out
        if self.out is None:
            return
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
            if interrupt.pressed and not self._is_done():
                self._stop()

    def _is_done(self) -> bool:
        stopped = is_stopped(self.records, self.recipe.early_stopping)
        return stopped or self.position.epoch >= self.recipe.epochs

    def _beginning(self) -> BeginInfo:
        return BeginInfo(
            epochs=self.recipe.epochs,
            first=min(self.position.epoch + 1, self.recipe.epochs),
            steps=self.steps,
            samples=len(self.train_feed),
            batch_size=self.recipe.batch_size,
        )

    def _epoch(self, interrupt: Interrupt) -> None:
        """The steps that are left of one epoch, then its validation, record and checkpoint."""
        recipe = self.recipe
        source = self.train_feed.epoch(
            self.position.epoch,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            augment=None if isinstance(recipe.augment, str) else recipe.augment,
            shuffle=True,
        )
        before = self.position
        with closing(prefetch(islice(source, self.position.step, None))) as ready:
            begun = perf_counter()
            for x, labels in ready:
                waited = perf_counter() - begun
                self._step(x, labels, waited)
                self._tell("on_step", self._info(before))
                if interrupt.pressed and self.position.step < self.steps:
                    self._stop()
                begun = perf_counter()
        self._finish_epoch()

    def _rate(self) -> tuple[int, float]:
        """The number of the next step, and its learning rate."""
        step = self.position.epoch * self.steps + self.position.step
        return step, self.recipe.rate(step, self.recipe.epochs * self.steps)

    def _step(self, x: Array, labels: Array, waited: float) -> None:
        begun = perf_counter()
        step, rate = self._rate()
        result = self.step(x, labels, rate=rate, step=step)
        now = self.position
        loss = now.loss + result.loss * labels.size
        if not isfinite(loss):
            raise Error(
                f"the loss became {result.loss} in step {now.step + 1} of epoch {now.epoch + 1}; "
                f"use a smaller learning_rate than {self.recipe.largest_rate:g}, or clip=1.0"
            )
        self.position = replace(
            now,
            step=now.step + 1,
            loss=loss,
            right=now.right + int((result.logits.argmax(1) == labels).sum()),
            seen=now.seen + labels.size,
            data_seconds=now.data_seconds + waited,
            step_seconds=now.step_seconds + perf_counter() - begun,
        )

    def _info(self, before: Position) -> StepInfo:
        """Where training is; the speed counts from `before`, where this process came in."""
        now, size = self.position, self.recipe.batch_size
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
        now = self.position
        last = (now.epoch + 1) * self.steps - 1
        record = Record(
            epoch=now.epoch + 1,
            loss=now.loss / now.seen,
            accuracy=now.right / now.seen,
            validation_loss=None if held is None else held.loss,
            validation_accuracy=None if held is None else held.accuracy,
            rate=self.recipe.rate(last, self.recipe.epochs * self.steps),
            data_seconds=now.data_seconds,
            step_seconds=now.step_seconds,
            validation_seconds=perf_counter() - begun,
        )
        if record.validation_loss is not None and not isfinite(record.validation_loss):
            raise Error(
                f"the validation loss became {record.validation_loss} in epoch {record.epoch}; "
                f"use a smaller learning_rate than {self.recipe.largest_rate:g}"
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
        if self.validation is None:
            return None
        self.inference.bind(self.step.parameters_and_buffers())
        return evaluated(self.inference, self.validation)

    def _save(self) -> None:
        if self.out is not None:
            checkpoint = Checkpoint(
                state=self.step.state,
                best=self.best,
                position=self.position,
                records=self.records,
                network=self.network,
                settings=self._settings(),
            )
            save_checkpoint(self.out, checkpoint)

    def _settings(self) -> dict[str, Any]:
        return run_as_text(self.recipe, self.train_feed, self.validation, self.classes)

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
        stopped = len(self.records) < self.recipe.epochs
        history = History(self.records, best, stopped)
        if test is not None:
            self.inference.bind(final)
            history = replace(history, test=evaluated(self.inference, test))
        self._tell("on_end", history)
        return history
