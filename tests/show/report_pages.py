"""Pages taken apart, and runs that were never trained, for the tests of reports."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

from allconv import data, nn
from allconv.show.report.run import TrainedRun
from allconv.show.report.samples import Samples
from allconv.train.evaluate import Evaluation
from allconv.train.history import History, Record
from allconv.train.recipe import Recipe

VOID = {"meta", "img", "br", "hr", "input", "link"}


@dataclass
class Element:
    """An element of a page, with what stands in it."""

    name: str
    attributes: dict[str, str | None]
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(each if isinstance(each, str) else each.text for each in self.inside)

    def all(self, name: str = "", kind: str = "") -> list[Element]:
        """The elements in it, at any depth, by name and class."""
        found = []
        for each in self.inside:
            if isinstance(each, Element):
                classes = (each.attributes.get("class") or "").split()
                if name in ("", each.name) and (not kind or kind in classes):
                    found.append(each)
                found += each.all(name, kind)
        return found

    def at(self, place: str) -> Element:
        """The one element with an id."""
        (found,) = (each for each in self.all() if each.attributes.get("id") == place)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, dict(attrs))
        assert len(made.attributes) == len(attrs), f"an attribute of {tag} comes twice"
        self.open[-1].inside.append(made)
        if tag not in VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data.replace("\u00a0", " "))


def read(page: str) -> Element:
    """A page as a tree; AssertionError where an element is not closed, or closed twice."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    (whole,) = reader.open
    return whole


def pictures(element: Element) -> list[Image.Image]:
    """The pictures in an element, decoded."""
    found = []
    for each in element.all("img"):
        kind, _, text = (each.attributes["src"] or "").partition(";base64,")
        image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
        assert f"data:image/{(image.format or '').lower()}" == kind
        image.load()
        found.append(image)
    return found


def make_run(
    classes: tuple[str, ...],
    images: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    logits: np.ndarray | None = None,
    epochs: int = 2,
) -> TrainedRun:
    """A run on these images, with what a network might have said: mostly right.

    It is tested on its training images; `names` are those of their files, over and over.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(len(images)) % len(classes)
    loaded = data.load((images, labels), validation=0.2)
    files = None if names is None else tuple(islice(cycle(names), len(loaded.train)))
    part = replace(loaded.train, names=files)
    report = replace(loaded.report, classes=classes)
    whole = replace(loaded, train=part, test=part, classes=classes, report=report)
    if logits is None:
        logits = rng.normal(size=(len(part), len(classes)))
        logits[np.arange(len(part)), part.labels] += 2
    found = Evaluation(logits, part.labels)
    records = tuple(
        Record(n, 1 / n, 0.5, 1 / n, 0.5, 0.01, 1.0, 1.0, 1.0) for n in range(1, epochs + 1)
    )
    kind = loaded.preprocess
    net = nn.networks.build("plain", kind.channels, (kind.height, kind.width), len(classes))
    return TrainedRun(
        "plain",
        net,
        whole,
        Recipe(epochs=epochs),
        History(records, epochs, stopped=False, test=found),
        Samples(part, found, classes),
        Path("run"),
        "model.onnx",
    )
