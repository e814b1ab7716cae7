"""Fine-tuning: a trained network on other images and classes.

By default the layers below the head stay as they are. What they give is computed once for every
image and its mirror image, so that an epoch is one of a linear layer. With `unfreeze` all layers
are trained behind that, the lower ones slower: a head that knows nothing would spoil what they
know (Kumar et al. 2022, arXiv:2202.10054). Normalisation keeps its statistics in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from allconv import engine
from allconv.data.dataset import Dataset, Part
from allconv.errors import ShapeError
from allconv.files import make_folder
from allconv.nn.linear import Linear
from allconv.nn.networks.parts import Named
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Spec
from allconv.operators.normalize import Normalize
from allconv.train.base import Base
from allconv.train.callbacks import Callback
from allconv.train.features import (
    MEMORY_LIMIT,
    FeatureFeed,
    Progress,
    compute_features,
    mean_and_spread,
)
from allconv.train.history import History
from allconv.train.inference import Inference
from allconv.train.layer_wise import LayerWise, layer_shares
from allconv.train.loop import train, train_feeds
from allconv.train.optimizers import Optimizer, find_optimizer
from allconv.train.recipe import Recipe, default_length, epochs_for
from allconv.train.run import check_free

HEAD_RATE = 1 / 4
"""The rate of a head on features that are standardised, as a share of the optimizer's own."""
HEAD_STEPS = 1500  # until it hardly changes any more; the best epoch is kept
LEAST_EPOCHS = 8
MOST_EPOCHS = 100
TUNED = ("epochs", "batch_size", "optimizer", "learning_rate")
"""The settings of a recipe that `tuning_defaults` gives."""
LOOKED_AT = 32  # images of which statistics are taken
LARGEST = 8.0  # mean or spread of what networks are given, but for those of bytes


class StatisticsWarning(UserWarning):
    """The numbers that a trained network is given are not like those that it was trained on."""


def tune(
    net: Named,
    data: Dataset,
    recipe: Recipe,
    *,
    unfreeze: bool = False,
    threads: int | None = None,
    out: Path | None = None,
    resume: Path | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Progress = lambda done, total: None,
    memory_limit: int = MEMORY_LIMIT,
) -> History:
    """Train `Base.network` on data that `Base.fitting` gave; its weights are replaced at the end.

    The recipe has what `tuning_defaults` gives. With `unfreeze` the head is trained first, as
    without, but for a run that is resumed.
    """
    for name, part in data.parts().items():
        if not len(part) and name != "test":
            raise ShapeError(f"{name} holds no image")
    check_free(out, resume)
    folder = resume if out is None else out
    if folder is not None:
        make_folder(folder)
    common: dict[str, Any] = {"out": out, "resume": resume, "callbacks": callbacks}

    def train_head(recipe: Recipe, **settings: Any) -> History:
        feeds = _feature_feeds(net, data, recipe, threads, folder, progress, memory_limit)
        return _train_head(net, data, recipe, feeds, threads=threads, **settings)

    if not unfreeze:
        return train_head(recipe, **common)
    head = _for_head(recipe, len(data.train))
    before = None if resume is not None else lambda: train_head(head)
    return train(net, data, None, recipe, before=before, threads=threads, **common)


def tuning_defaults(
    net: Named,
    data: Dataset,
    *,
    unfreeze: bool,
    epochs: int | None,
    batch_size: int | None,
    optimizer: Optimizer | str,
    learning_rate: float | None,
) -> dict[str, Any]:
    """These settings of a recipe, with what is not given: for the head alone a small rate and many
    epochs, which cost little; else for all layers, the lower ones slower."""
    found = find_optimizer(optimizer)
    count = len(data.train)
    if unfreeze:
        found = slower_below(net, data, found)
        epochs, batch_size = default_length(count, epochs, batch_size)
    else:
        learning_rate = found.rate * HEAD_RATE if learning_rate is None else learning_rate
        epochs, batch_size = _head_length(count, epochs, batch_size)
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": found,
        "learning_rate": learning_rate,
    }


def _head_length(count: int, epochs: int | None, batch_size: int | None) -> tuple[int, int]:
    _, batch_size = default_length(count, 1, batch_size)
    if epochs is None:
        epochs = epochs_for(HEAD_STEPS, count, batch_size, LEAST_EPOCHS, MOST_EPOCHS)
    return epochs, batch_size


def _for_head(recipe: Recipe, count: int) -> Recipe:
    """The recipe of the head before all layers are trained."""
    optimizer = recipe.objective.optimizer
    own = optimizer.inner if isinstance(optimizer, LayerWise) else optimizer
    epochs, _ = _head_length(count, None, recipe.batch_size)
    return replace(
        recipe, optimizer=own, learning_rate=own.rate * HEAD_RATE, epochs=epochs,
        early_stopping=None,
    )  # fmt: skip


def _train_head(
    net: Named,
    data: Dataset,
    recipe: Recipe,
    feeds: Mapping[str, FeatureFeed],
    **settings: Any,
) -> History:
    """Train the head of a network on what the layers below give."""
    first = feeds["training"]
    head = Linear(first.shape[0], len(data.classes)).astype(first.dtype)
    own: Linear = net.head
    mean, spread = first.mean.astype(np.float64), first.spread.astype(np.float64)
    weight, bias = np.asarray(own.weight, np.float64), np.asarray(own.bias, np.float64)
    head.load_state_dict({"weight": weight * spread, "bias": bias + (weight * mean).sum(1)})
    try:
        return train_feeds(
            head, first, feeds["validation"], feeds.get("test"), replace(recipe, augment=None),
            classes=data.classes, **settings,
        )  # fmt: skip
    finally:
        weight = np.asarray(head.parameters()["weight"], np.float64) / spread
        bias = np.asarray(head.parameters()["bias"], np.float64) - (weight * mean).sum(1)
        own.load_state_dict({"weight": weight, "bias": bias})


def slower_below(net: Named, data: Dataset, optimizer: Optimizer | str) -> LayerWise:
    """An optimizer for all of a network, the lower layers slower."""
    return LayerWise(find_optimizer(optimizer), layer_shares(net, data.preprocess.shape))


def _feature_feeds(
    net: Named,
    data: Dataset,
    recipe: Recipe,
    threads: int | None,
    folder: Path | None,
    progress: Progress,
    memory_limit: int,
) -> dict[str, FeatureFeed]:
    """Features of all parts, by their names; mirrored for training where that suits the images."""
    inference = Inference(net.base, threads=threads)
    parts = data.parts()
    augment = data.augment if recipe.augment == "default" else recipe.augment
    flips = bool(getattr(augment, "flip", False))
    total = sum(len(part) for part in parts.values()) + flips * len(data.train)
    begun, found = 0, {}
    for name, part in parts.items():
        mirrored = flips and name == "training"
        found[name] = compute_features(
            inference, part, data.preprocess,
            mirrored=mirrored, folder=folder, memory_limit=memory_limit,
            # A lambda with a default has no type.
            progress=lambda done, _, begun=begun: progress(begun + done, total),  # type: ignore[misc]
        )  # fmt: skip
        begun += len(part) * (1 + mirrored)
    mean, spread = mean_and_spread(found["training"])
    dtype = network_dtype(net)
    return {
        name: FeatureFeed(part.labels, dtype, found[name], mean, spread)
        for name, part in parts.items()
        if len(part)
    }


def odd_statistics(base: Base, data: Dataset) -> Iterator[str]:
    """What looks wrong about the numbers that the network is given, a sentence each.

    The first batch normalisation is the measure: its statistics are those of the images that the
    network was trained on.
    """
    kind = data.preprocess
    part = data.train.subset(LOOKED_AT)
    x = kind.apply(np.ascontiguousarray(part.images))
    spread, shift = float(x.std()), float(abs(x.mean()))
    if not (min(base.prepared.std) < 1 / 100 or max(spread, shift) < LARGEST):
        yield (
            f"the network is given numbers of mean {float(x.mean()):.3g} and spread {spread:.3g}, "
            "which few were trained on; is the preset right?"
        )
    found = _first_normalisation(base, part, x)
    if found is not None and not (found[0] < 1.5 and 1 / 4 < found[1] < 4):
        yield (
            f"the first normalisation of {base.name} sees values {found[1]:.3g} times as spread as "
            f"those that it was trained on, shifted by {found[0]:.3g} of their deviations: "
            "another preset was meant, or these images are unlike those"
        )


def _first_normalisation(
    base: Base, part: Part, x: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> tuple[float, float] | None:
    """The shift and the spread of what the first batch normalisation sees, by its statistics."""
    net = base.features()
    dtype = network_dtype(net)
    recorded = trace_module(net, Spec(x.shape, dtype))
    graph = recorded.graph
    node = next((n for n in graph.nodes if isinstance(n.operator, Normalize)), None)
    held = dict(zip(graph.inputs[1:], recorded.state, strict=False))
    if node is None or node.inputs[1] not in held or node.inputs[2] not in held:
        return None
    state = net.state_dict()
    mean, variance = (np.asarray(state[held[v]], np.float64) for v in node.inputs[1:3])
    below = replace(graph, outputs=(node.inputs[0],)).pruned()
    arrays = [state[name] for name in recorded.state]
    (y,) = engine.Program(below)(x.astype(dtype, copy=False), *arrays)
    y = np.moveaxis(np.asarray(y, np.float64), 1, -1).reshape(-1, y.shape[1])
    deviation = np.sqrt(variance + 1e-5)
    return (
        float(np.median(np.abs(y.mean(0) - mean) / deviation)),
        float(np.median(y.std(0) / deviation)),
    )
