"""How a network is trained: the settings of a run, named, defaulted and checked once.

`fit`, `ImageClassifier` and the command say them in their own manners; all of them make a `Recipe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, Literal

from allconv.errors import ArgumentError
from allconv.intake.settings import number, short_repr, whole
from allconv.random import check_seed
from allconv.train.feed import Augmentation
from allconv.train.objective import Loss, Objective
from allconv.train.optimizers import Optimizer, find_optimizer
from allconv.train.schedules import Schedule, find_schedule

MOST = 10**12
"""The largest number of epochs, or of images in a batch."""

BATCH = 64
EPOCHS = 8
STEPS = 400  # that a network of this package needs at least to find its way
MOST_EPOCHS = 60


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What decides the numbers of a run, beside the network and the data; see `fit`."""

    epochs: int
    batch_size: int = BATCH
    optimizer: Optimizer | str = "adamw"
    schedule: Schedule | str = "one-cycle"
    learning_rate: float | None = None
    loss: Loss = "cross_entropy"
    label_smoothing: float = 0.0
    clip: float | None = 1.0
    early_stopping: int | None = None
    augment: Augmentation | Literal["default"] = "default"
    seed: int = 0

    def __post_init__(self) -> None:
        objective = self.objective  # refuses what it cannot have
        object.__setattr__(self, "schedule", find_schedule(self.schedule))
        counts = ["epochs", "batch_size"]
        if self.early_stopping is not None:
            counts.append("early_stopping")
        for name in counts:
            object.__setattr__(self, name, whole(name, getattr(self, name), least=1, most=MOST))
        given = objective.optimizer.rate if self.learning_rate is None else self.learning_rate
        rate = number("learning_rate", given, "a number above 0", _is_rate)
        object.__setattr__(self, "learning_rate", rate)
        object.__setattr__(self, "seed", check_seed(self.seed))
        if self.seed >= 2**63:
            raise ArgumentError(f"seed must be below 2**63, got {self.seed}")
        if not (self.augment is None or self.augment == "default" or callable(self.augment)):
            raise ArgumentError(
                f"augment must be an Augment, a function of (images, rng) or None, "
                f"got {short_repr(self.augment)}"
            )

    @cached_property
    def objective(self) -> Objective:
        """What is minimised, and by which optimizer."""
        optimizer = find_optimizer(self.optimizer)
        return Objective(optimizer, self.loss, self.label_smoothing, self.clip)

    @property
    def largest_rate(self) -> float:
        """The largest learning rate of the run: the optimizer's, where none is given."""
        return self.objective.optimizer.rate if self.learning_rate is None else self.learning_rate

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step of so many."""
        return find_schedule(self.schedule).rate(step, steps, self.largest_rate)

    def as_text(self) -> dict[str, Any]:
        """The settings as JSON can keep and compare them."""
        objective = self.objective
        return {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "optimizer": repr(objective.optimizer),
            "loss": _named(objective.loss),
            "label_smoothing": objective.label_smoothing,
            "clip": objective.clip,
            "schedule": repr(self.schedule),
            "learning_rate": self.largest_rate,
            "early_stopping": self.early_stopping,
            "augment": _named(self.augment),
            "seed": self.seed,
        }


def default_length(samples: int, epochs: int | None, batch_size: int | None) -> tuple[int, int]:
    """(epochs, batch size) for so many training samples, where one of them is not given: enough
    steps for few images, few epochs for many.

    64 samples a batch, fewer (down to 8) where that makes under 16 batches; 8 epochs, more (up to
    60) where that makes under 400 steps.

    >>> [default_length(*given) for given in ((9000, None, None), (56, None, None), (56, 3, None))]
    [(8, 64), (58, 8), (3, 8)]
    """
    if batch_size is None:
        batch_size = BATCH
        while batch_size > 8 and samples < 16 * batch_size:
            batch_size //= 2
    if epochs is None:
        epochs = epochs_for(STEPS, samples, batch_size, EPOCHS, MOST_EPOCHS)
    return epochs, batch_size


def epochs_for(steps: int, samples: int, batch_size: int, least: int, most: int) -> int:
    """The epochs that make so many steps, from `least` to `most` of them."""
    batches = max(-(-samples // max(batch_size, 1)), 1)
    return min(max(least, -(-steps // batches)), most)


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
