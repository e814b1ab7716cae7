"""What training went through, an epoch a record."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from allconv.errors import FileError
from allconv.train.evaluate import Evaluation


@dataclass(frozen=True)
class Record:
    """One epoch, counted from 1.

    Loss and accuracy are means over the batches as they were trained on, before each step; those of
    the validation part are of the weights after the epoch. `rate` is that of the last step. Of the
    seconds, `data_seconds` were spent waiting for batches, `step_seconds` in steps.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    rate: float
    data_seconds: float
    step_seconds: float
    validation_seconds: float

    @property
    def seconds(self) -> float:
        """All of the time of the epoch."""
        return self.data_seconds + self.step_seconds + self.validation_seconds

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_fields(cls, given: Any) -> Self:
        """The record of a JSON object; FileError for anything else."""
        names = [field.name for field in fields(cls)]
        if not isinstance(given, dict) or sorted(given) != sorted(names):
            raise FileError(f"a record of an epoch must have {', '.join(names)}")
        for name, value in given.items():
            empty = value is None and name.startswith("validation_")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not empty and not (number and math.isfinite(value)):
                raise FileError(f"the {name} of an epoch is {value!r}; a number is wanted")
        return cls(**given)


@dataclass(frozen=True, eq=False)
class History:
    """The records of all epochs, which of them was best, and what the test part gave.

    `best_epoch` is that of the weights which the network has now: the best of the validation part,
    else the last. `stopped` says that early stopping ended the training.
    """

    records: tuple[Record, ...]
    best_epoch: int
    stopped: bool
    test: Evaluation | None = None

    @property
    def best(self) -> Record:
        """The record of the best epoch."""
        return self.records[self.best_epoch - 1]


def best_epoch(records: tuple[Record, ...] | list[Record]) -> int:
    """The epoch with the highest validation accuracy, then lowest loss, then the first.

    The last one where there is no validation part; 0 before the first.
    """
    if not records or records[-1].validation_accuracy is None:
        return len(records)

    def order(record: Record) -> tuple[float, float]:
        return -(record.validation_accuracy or 0.0), record.validation_loss or 0.0

    return min(records, key=order).epoch


def is_stopped(records: tuple[Record, ...] | list[Record], patience: int | None) -> bool:
    """Whether the best epoch lies at least `patience` epochs back."""
    return patience is not None and len(records) - best_epoch(records) >= patience
