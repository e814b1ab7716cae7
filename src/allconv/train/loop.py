"""Training: epochs of steps, each epoch validated, saved and recorded.

All that is random is drawn by key: the order and the changes of the images by (seed, epoch, index),
dropout by (seed, step). So a run that was killed goes on to the same bits as if it had not been.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from allconv.data.dataset import Dataset
from allconv.data.preprocess import Preprocess
from allconv.errors import ArgumentError
from allconv.nn.module import Module
from allconv.nn.tracing import network_dtype
from allconv.train.callbacks import Callback
from allconv.train.feed import Augmentation, Feed, ImageFeed, feed_of
from allconv.train.history import History
from allconv.train.interrupt import defer_interrupt
from allconv.train.objective import Loss
from allconv.train.optimizers import Optimizer
from allconv.train.recipe import Recipe
from allconv.train.run import TrainingRun, check_free
from allconv.train.schedules import Schedule


def fit(
    net: Module,
    data: Any,
    validation: Any = None,
    *,
    epochs: int,
    batch_size: int = Recipe.batch_size,
    optimizer: Optimizer | str = Recipe.optimizer,
    schedule: Schedule | str = Recipe.schedule,
    learning_rate: float | None = Recipe.learning_rate,
    loss: Loss = Recipe.loss,
    label_smoothing: float = Recipe.label_smoothing,
    clip: float | None = Recipe.clip,
    early_stopping: int | None = Recipe.early_stopping,
    augment: Augmentation | Literal["default"] = Recipe.augment,
    seed: int = Recipe.seed,
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
    clip: largest norm of all gradients together (None: any), so that no batch throws training off.
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
    recipe = Recipe(
        epochs=epochs, batch_size=batch_size, optimizer=optimizer, schedule=schedule,
        learning_rate=learning_rate, loss=loss, label_smoothing=label_smoothing, clip=clip,
        early_stopping=early_stopping, augment=augment, seed=seed,
    )  # fmt: skip
    return train(
        net, data, validation, recipe, threads=threads, out=out, resume=resume, callbacks=callbacks
    )


def train(
    net: Module,
    data: Any,
    validation: Any,
    recipe: Recipe,
    *,
    threads: int | None = None,
    out: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    before: Callable[[], object] | None = None,
) -> History:
    """`fit` by a recipe; `before` is called when all is checked, and may change the weights."""
    training, held, test, augment = _feeds(net, data, validation, recipe.augment)
    if recipe.early_stopping is not None and held is None:
        raise ArgumentError("early_stopping needs a validation part")
    classes = data.classes if isinstance(data, Dataset) else None
    return train_feeds(
        net, training, held, test, replace(recipe, augment=augment), classes=classes,
        threads=threads, out=out, resume=resume, callbacks=callbacks, before=before,
    )  # fmt: skip


def train_feeds(
    net: Module,
    training: Feed,
    held: Feed | None,
    test: Feed | None,
    recipe: Recipe,
    *,
    classes: tuple[str, ...] | None = None,
    threads: int | None = None,
    out: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    before: Callable[[], object] | None = None,
) -> History:
    """`fit` on samples that are ready."""
    run = TrainingRun(net, recipe, training, held, threads, callbacks, classes)
    run.check_network()
    folders = _folder(out, "out"), _folder(resume, "resume")
    if before is not None:
        check_free(*folders)
        before()
        run.step.restart()
    run.begin(*folders)
    with defer_interrupt() as interrupt:
        run.train(interrupt)
    return run.end(test)


def _feeds(
    net: Module, data: Any, validation: Any, augment: Augmentation | Literal["default"]
) -> tuple[Feed, Feed | None, Feed | None, Augmentation]:
    """Training, validation and test as batches, and the augmentation that is meant."""
    dtype = network_dtype(net)
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
