"""The settings of a run, checked once, and compared when it is resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

from allconv.errors import ArgumentError
from allconv.nn.module import Module
from allconv.nn.tracing import trace_module
from allconv.operators.base import Spec
from allconv.random import check_seed
from allconv.settings import number, told, whole
from allconv.text import printable
from allconv.train.feed import Augmentation, Feed
from allconv.train.objective import Objective
from allconv.train.schedules import Schedule

CLASSES, DATA = "classes", "training data"
FREE = ("epochs", "early_stopping", CLASSES)
"""Settings that may differ when a run is resumed: classes in their names only, see `check_classes`.
"""

MOST = 10**12
"""The largest number of epochs, or of images in a batch."""

_NAMES_TOLD, _LETTERS = 10, 40


@dataclass(frozen=True)
class Settings:
    """What decides the numbers of a run, beside the network and the data."""

    epochs: int
    batch_size: int
    objective: Objective
    schedule: Schedule
    learning_rate: float
    early_stopping: int | None
    augment: Augmentation
    seed: int

    def __post_init__(self) -> None:
        counts = ["epochs", "batch_size"]
        if self.early_stopping is not None:
            counts.append("early_stopping")
        for name in counts:
            object.__setattr__(self, name, whole(name, getattr(self, name), least=1, most=MOST))
        rate = number("learning_rate", self.learning_rate, "a number above 0", _is_rate)
        object.__setattr__(self, "learning_rate", rate)
        object.__setattr__(self, "seed", check_seed(self.seed))
        if self.seed >= 2**63:
            raise ArgumentError(f"seed must be below 2**63, got {self.seed}")
        if self.augment is not None and not callable(self.augment):
            raise ArgumentError(
                f"augment must be an Augment, a function of (images, rng) or None, "
                f"got {told(self.augment)}"
            )

    def as_text(
        self, train: Feed, validation: Feed | None, classes: tuple[str, ...] | None = None
    ) -> dict[str, Any]:
        """The settings, the classes and digests of the data, as JSON can keep and compare them."""
        objective = self.objective
        return {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "optimizer": repr(objective.optimizer),
            "loss": _named(objective.loss),
            "label_smoothing": objective.label_smoothing,
            "clip": objective.clip,
            "schedule": repr(self.schedule),
            "learning_rate": self.learning_rate,
            "early_stopping": self.early_stopping,
            "augment": _named(self.augment),
            "seed": self.seed,
            DATA: train.fingerprint(),
            "validation data": None if validation is None else validation.fingerprint(),
            CLASSES: None if classes is None else list(classes),
        }


def check_same(path: Path, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse to resume a run with other settings or data, which would give other numbers."""
    for name, value in given.items():
        if name not in FREE and saved.get(name) != value:
            if name.endswith("data"):
                raise ArgumentError(
                    f"{printable(path)} was made with other {name}; resume with the same"
                )
            raise ArgumentError(
                f"{printable(path)} was made with {name} {printable(str(saved.get(name)), 80)}, "
                f"now it is {value}; resume with the same, or begin another run"
            )


def check_classes(path: Path, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse to resume with other classes, by their names; classes renamed on equal data are fine.

    What earlier versions saved does not hold the names.
    """
    before, now = saved.get(CLASSES), given[CLASSES]
    if not isinstance(before, list) or now is None or sorted(map(str, before)) == sorted(now):
        return
    if len(before) != len(now) or saved.get(DATA) != given[DATA]:
        raise ArgumentError(
            f"{printable(path)} was made with {_told(before)}, now there are {_told(now)}; resume "
            "with the images of then, or begin another run to learn the classes of now"
        )


def _told(classes: Sequence[Any]) -> str:
    """How many classes, and the first of their names."""
    names = [printable(str(name), _LETTERS) for name in classes[:_NAMES_TOLD]]
    more = f" and {len(classes) - len(names):,} more" if len(classes) > len(names) else ""
    return f"{len(classes):,} classes ({', '.join(names)}{more})"


def describe(net: Module, shape: tuple[int, ...]) -> dict[str, str]:
    """A network in words, and a digest of its structure for samples of a shape."""
    parameters = net.parameters().values()
    count = sum(array.size for array in parameters)
    dtype = next((array.dtype.name for array in parameters), "float32")
    graph = trace_module(net, Spec((1, *shape), dtype)).graph
    return {
        "text": f"{type(net).__name__} for samples {shape} with {count:,} parameters in "
        f"{len(parameters)} arrays",
        "digest": sha256(str(graph).encode()).hexdigest(),
    }


def _is_rate(n: float) -> bool:
    return 0 < n < inf


def _named(value: Any) -> str | None:
    """A setting as text that is the same in another process."""
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text
