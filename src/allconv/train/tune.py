"""Fine-tuning: a trained network on other images and classes.

By default the layers below the head stay as they are. What they give is computed once for every
image and its mirror image, so that an epoch is one of a linear layer. With `unfreeze` all layers
are trained, the lower ones slower. Normalisation keeps its statistics in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from allconv import engine
from allconv.data.dataset import Dataset, Part
from allconv.files import make_folder
from allconv.nn.linear import Linear
from allconv.nn.networks.parts import Named
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Spec
from allconv.operators.normalize import Normalize
from allconv.train.base import Base
from allconv.train.callbacks import Callback
from allconv.train.features import MEMORY_LIMIT, FeatureFeed, Progress, compute_features, measure
from allconv.train.history import History
from allconv.train.inference import Inference
from allconv.train.layer_wise import LayerWise, layer_shares
from allconv.train.loop import train, train_feeds
from allconv.train.optimizers import Optimizer, find_optimizer
from allconv.train.recipe import Recipe

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

    With `unfreeze` the optimizer of the recipe is one that `slower_below` made.
    """
    if unfreeze:
        return train(
            net, data, None, recipe, threads=threads, out=out, resume=resume, callbacks=callbacks
        )
    folder = resume if out is None else out
    if folder is not None:
        make_folder(folder)
    feeds = _feature_feeds(net, data, recipe, threads, folder, progress, memory_limit)
    first = feeds["training"]
    head = Linear(first.shape[0], len(data.classes)).astype(first.dtype)
    own: Linear = net.head
    mean, spread = first.mean.astype(np.float64), first.spread.astype(np.float64)
    weight, bias = np.asarray(own.weight, np.float64), np.asarray(own.bias, np.float64)
    head.load_state_dict({"weight": weight * spread, "bias": bias + (weight * mean).sum(1)})
    try:
        return train_feeds(
            head, first, feeds["validation"], feeds.get("test"), replace(recipe, augment=None),
            classes=data.classes, threads=threads, out=out, resume=resume, callbacks=callbacks,
        )  # fmt: skip
    finally:
        weight = np.asarray(head.parameters()["weight"], np.float64) / spread
        bias = np.asarray(head.parameters()["bias"], np.float64) - (weight * mean).sum(1)
        own.load_state_dict({"weight": weight, "bias": bias})


def slower_below(net: Named, data: Dataset, optimizer: Optimizer | str) -> LayerWise:
    """An optimizer for all of a network, the lower layers slower."""
    kind = data.preprocess
    shares = layer_shares(net, (kind.channels, kind.height, kind.width))
    return LayerWise(find_optimizer(optimizer), shares)


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
            progress=lambda done, _, begun=begun: progress(begun + done, total),  # type: ignore[misc]
        )  # fmt: skip
        begun += len(part) * (1 + mirrored)
    mean, spread = measure(found["training"])
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
            f"those that it was trained on, shifted by {found[0]:.3g} of their deviations; are the "
            "images prepared as then?"
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
