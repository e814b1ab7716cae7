"""Small networks, data that can be told apart, and a callback that listens."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np

from allconv import nn
from allconv.data import Dataset, Part, load
from allconv.train import Callback

QUICK = {"epochs": 4, "batch_size": 16, "learning_rate": 0.02, "augment": None}


def stripes(count: int = 48, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 8 x 8 images uint8 of three classes: across, upright, both."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 50, (count, 8, 8), dtype=np.uint8)
    images[labels != 1, 3] += 100
    images[labels != 0, :, 4] += 100
    return images, labels.astype(np.int64)


def striped_part(count: int = 48, seed: int = 0) -> Part:
    """The same as a part."""
    images, labels = stripes(count, seed)
    return Part(images[..., None], labels)


def striped_data(count: int = 48) -> Dataset:
    """The same as a data set with validation and test."""
    return load(stripes(count), validation=stripes(18, 1), test=stripes(18, 2))


def small_network() -> nn.Sequential:
    """All that makes resuming hard: batch norm, dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


def digest(net: nn.Module) -> str:
    """SHA-256 of all parameters and buffers."""
    return digest_of(net.state_dict())


def digest_of(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of arrays and their names."""
    found = sha256()
    for name, array in arrays.items():
        found.update(name.encode() + array.tobytes())
    return found.hexdigest()


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


class Watcher(Callback):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def on_begin(self, begin):
        """See Callback."""
        self.told.append(("begin", begin))

    def on_step(self, info):
        """See Callback."""
        self.told.append(("step", info))

    def on_epoch(self, record):
        """See Callback."""
        self.told.append(("epoch", record))

    def on_end(self, history):
        """See Callback."""
        self.told.append(("end", history))

    def of(self, kind):
        """What was told by one method."""
        return [about for name, about in self.told if name == kind]
