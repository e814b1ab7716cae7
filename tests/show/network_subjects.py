"""Networks recorded for their page, with an image of noise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from report_pages import Element

from allconv import onnx
from allconv.show.network import evidence as ev
from allconv.show.network.page import Subject
from allconv.show.network.read import described, read_messages
from allconv.show.network.record import RunnableNetwork, record_network
from allconv.show.network.values import Photo, layer_values, maps_of, scores_of

SHAPE = (1, 3, 16, 16)


def quiet(what: str, done: int, total: int) -> None:
    """Progress that is not shown."""


def recorded(path: Path) -> RunnableNetwork:
    said = described(read_messages(path))
    return record_network(onnx.load(path), SHAPE, path.name, said)


def with_photo(path: Path, most: int = 4) -> Subject:
    """A file with an image of noise, and all that is computed for it."""
    run = recorded(path)
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    x = (np.moveaxis(pixels, 2, 0)[None] / 255).astype(np.float32)
    photo = Photo("holiday.png", pixels, x, onnx.load(path).classes)
    maps = layer_values(run, x, lambda array, field: maps_of(array, field, most), quiet)
    scores = scores_of(run, x)
    assert scores is not None
    found = ev.evidence(run, x, scores, scores.likeliest(1)[0], quiet)
    return Subject(run.network, run, photo, scores, found, maps)


def layers(root: Element) -> list[Element]:
    return root.all("article", "layer")


def check_links(root: Element) -> None:
    """Every link leads to one place of the page."""
    places = Counter(each.attributes["id"] for each in root.all() if "id" in each.attributes)
    targets = {each.attributes["href"] for each in root.all("a") if "href" in each.attributes}
    targets |= {each.attributes["href"] for each in root.all("use")}
    assert targets
    assert set(places.values()) == {1}
    assert {target[1:] for target in targets} <= set(places), targets
    assert all(target.startswith("#") for target in targets)
