"""`allconv train --from`: a network to begin from, as the options describe it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allconv.cli.failures import Misuse
from allconv.cli.output import Screen
from allconv.cli.runs import unfinished
from allconv.data import Dataset
from allconv.data.presets import Preset
from allconv.errors import FileError
from allconv.nn import networks
from allconv.nn.networks.parts import Named
from allconv.text import printable
from allconv.train.base import MODEL, UNPREPARED, Base, open_base
from allconv.train.history import History
from allconv.train.recipe import Recipe
from allconv.train.tune import odd_statistics, tune


def chosen_preset(options: Mapping[str, Any]) -> Preset | None:
    """The preparation that --preset, or --mean and --std, name."""
    mean, std, preset = options["mean"], options["std"], options["preset"]
    if (mean is None) != (std is None):
        raise Misuse("--mean and --std go together; give both, or a --preset")
    if mean is None:
        return None if preset is None else str(preset)
    if preset is not None:
        raise Misuse("--preset and --mean do not go together; give one of them")
    return tuple(mean), tuple(std)


def begin_from(options: dict[str, Any]) -> Base:
    """The network of --from; its size is that of the images where no other is asked for."""
    preset = chosen_preset(options)
    _check_place(Path(options["base"]))
    try:
        base = open_base(options["base"], preset, options["layout"])
    except FileError as error:
        if UNPREPARED not in error.message:
            raise
        raise Misuse(
            f"{printable(options['base'])} {UNPREPARED}; give --preset, or --mean and --std "
            "(--preset imagenet for networks trained on ImageNet)"
        ) from None
    if options["image_size"] is None and base.size is not None:
        options["image_size"] = base.size
    return base


def _check_place(path: Path) -> None:
    """Say what --from is where it is neither a file nor the folder of a finished run."""
    shown = printable(path)
    if path.is_dir():
        told = unfinished(path / MODEL)
        if told is not None:
            raise FileError(told)
        if not os.path.lexists(path / MODEL):
            raise FileError(
                f"{shown} holds no {MODEL}; the folder of a run or an .onnx file is expected"
            )
    elif not os.path.lexists(path) and str(path) in networks.names():
        raise FileError(
            f"there is no file {shown}; --model {shown} trains that network from random weights"
        )


def based(
    shown: Screen, base: Base, data: Dataset, options: Mapping[str, Any]
) -> tuple[Named, Dataset]:
    """The network for the classes of the data, and the data as it takes it; says what is kept."""
    data = base.fitting(data)
    net = base.network(data, options["seed"])
    width = net.head.in_features
    known = len(base.known(data.classes, width))
    count = len(data.classes)
    new = f"{known} of {count} classes are known to it, " if known else ""
    depths = " from all depths" if net.base.depths else ""
    layers = "the layers below stay as they are"
    if options["unfreeze"]:
        layers = "it is trained alone first, then all layers"
    shown.line(f"from {base.name}: {new}a new last layer on {width:,} features{depths}; {layers}")
    for sentence in odd_statistics(base, data):
        shown.line(f"warning: {sentence}")
    return net, data


def tuned(shown: Screen, net: Named, data: Dataset, recipe: Recipe, **settings: Any) -> History:
    """Train it, with a line while features are computed."""

    def progress(done: int, total: int) -> None:
        shown.show("computing features", done, total, f"{done:,}/{total:,} images")
        if done == total:
            shown.hide()

    return tune(net, data, recipe, progress=progress, **settings)
