"""Labelled images for a command, with the report on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allconv.cli.output import Screen
from allconv.text import duration

if TYPE_CHECKING:
    from allconv.data import Dataset


def load_data(shown: Screen, options: Mapping[str, Any], channels: int | None = None) -> Dataset:
    """The images that `settings.data_options` describe; says what was found in them."""
    from allconv.data import load

    begun = time.perf_counter()
    data = load(
        options["data"],
        image_size=options["image_size"],
        samples=options["samples"],
        seed=options["seed"],
        strict=options["strict"],
        channels=channels,
        pixel_limit=options["pixel_limit"],
        progress=lambda done, total: shown.show("reading images", done, total, f"{done}/{total}"),
    )
    shown.hide()
    for line in data.report.lines():
        shown.line(line)
    asked = options["samples"]
    if asked is not None and asked > len(data.train):
        shown.line(f"--samples is {asked:,}; all {len(data.train):,} training images are used")
    shown.line(f"read in {duration(time.perf_counter() - begun)}")
    return data
