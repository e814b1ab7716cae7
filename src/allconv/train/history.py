"""What training went through, an epoch a record."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from allconv.errors import FileError
from allconv.text import json_text, printable
from allconv.train.evaluate import Evaluation

if TYPE_CHECKING:
    from allconv.picture.chart import Picture

LARGEST = 2**62  # numbers of epochs are below


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

    def to_fields(self) -> dict[str, float | None]:
        """The fields as JSON has them: null for NaN and infinity, which it does not know."""
        return {
            name: value if value is not None and math.isfinite(value) else None
            for name, value in asdict(self).items()
        }

    def to_json(self) -> str:
        """One line of JSON."""
        return json_text(self.to_fields())

    @classmethod
    def from_fields(cls, given: Any) -> Self:
        """The record of a JSON object, null read as NaN; FileError for anything else.

        Without a validation part both of its fields are null, and are None.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(given, dict) or sorted(given) != sorted(names):
            raise FileError(f"a record of an epoch must have {', '.join(names)}")
        for name, value in given.items():
            if not _is_field(name, value):
                told = printable(repr(value), 40)
                raise FileError(f"the {name} of an epoch is {told}; a number is expected")
        validated = any(given[name] is not None for name in _VALIDATION)
        read: dict[str, Any] = {
            name: math.nan if value is None and (validated or name not in _VALIDATION) else value
            for name, value in given.items()
        }
        return cls(**read)


_VALIDATION = ("validation_loss", "validation_accuracy")


def _is_field(name: str, value: Any) -> bool:
    """Whether a value of JSON may be that of a field."""
    if name == "epoch":
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < LARGEST
    if value is None:
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


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

    def plot(self, theme: str = "auto") -> Picture:
        """The curves of loss, accuracy and learning rate as SVG, which notebooks show.

        It is text: `Path("curves.svg").write_text(history.plot())`. theme: "auto" (what the
        reader's system has), "light" or "dark".
        """
        from allconv.picture.chart import pictured
        from allconv.train.curves import curves

        return pictured(curves(self), theme)

    def _repr_svg_(self) -> str:
        return str(self.plot())

    def _repr_html_(self) -> str:
        return str(self.plot())


def best_epoch(records: tuple[Record, ...] | list[Record]) -> int:
    """The epoch with the highest validation accuracy, then lowest loss, then the first.

    The last one where there is no validation part; 0 before the first.
    """
    if not records or records[-1].validation_accuracy is None:
        return len(records)

    def order(record: Record) -> tuple[float, float]:
        loss = record.validation_loss or 0.0
        return -(record.validation_accuracy or 0.0), math.inf if math.isnan(loss) else loss

    return min(records, key=order).epoch


def is_stopped(records: tuple[Record, ...] | list[Record], patience: int | None) -> bool:
    """Whether the best epoch lies at least `patience` epochs back."""
    return patience is not None and len(records) - best_epoch(records) >= patience
