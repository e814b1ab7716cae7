"""The images that come along are a part of Fashion-MNIST, small, balanced and attributed."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from allconv import data
from allconv.data import Augment

FOLDER = Path(data.__file__).parent / "embedded"
OFFICIAL = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def test_what_is_embedded():
    """9,000 + 1,000 + 2,000 grey images of 28 x 28, each class a tenth of each part."""
    found = data.load()
    assert found.classes == CLASSES
    assert found.report.counts == {
        "training": (900,) * 10,
        "validation": (100,) * 10,
        "test": (200,) * 10,
    }
    assert found.train.images.shape == (9000, 28, 28, 1)
    assert found.augment == Augment(flip=True, shift=2)
    assert found.report.warnings() == []


def test_size_and_notice():
    """Under 6 MB in all, with the licence, its owner and the source beside the files."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 6_000_000
    notice = (FOLDER / "NOTICE").read_text()
    for words in ("MIT License", "Copyright (c) 2017 Zalando SE", "zalandoresearch/fashion-mnist"):
        assert words in notice


def test_samples_choose_among_the_training_images():
    """A small part is balanced too."""
    assert data.load(samples=50).report.counts["training"] == (5,) * 10


@pytest.mark.skipif(
    not OFFICIAL.is_dir(), reason="needs the official files: apt-get install dataset-fashion-mnist"
)
@pytest.mark.parametrize(("name", "each"), [("train", 1000), ("t10k", 200)])
def test_the_official_images(name, each):
    """They are the first of each class of the official files, in their order."""
    for kind, header, size in (("labels", 8, 1), ("images", 16, 784)):
        official = gzip.decompress(
            (OFFICIAL / f"{name}-{kind}-idx{3 if size > 1 else 1}-ubyte.gz").read_bytes()
        )
        ours = lzma.decompress(
            (FOLDER / f"{name}-{kind}-idx{3 if size > 1 else 1}-ubyte.xz").read_bytes()
        )
        rows = np.frombuffer(official, np.uint8, offset=header).reshape(-1, size)
        if kind == "labels":
            seen, chosen = [0] * 10, []
            for place, label in enumerate(rows[:, 0].tolist()):
                if seen[label] < each:
                    chosen.append(place)
                    seen[label] += 1
        assert np.array_equal(
            np.frombuffer(ours, np.uint8, offset=header).reshape(-1, size), rows[chosen]
        )
