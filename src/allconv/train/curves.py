"""The curves of a training: loss, accuracy and learning rate, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from allconv.picture.chart import Chart, Series

if TYPE_CHECKING:
    from allconv.train.history import History, Record

TRAINING, VALIDATION = 1, 0  # looks of their lines


def curves(history: History) -> tuple[Chart, Chart, Chart]:
    """Charts of loss, accuracy and rate; the chosen epoch is marked where a part chose it."""
    records = history.records
    chosen = history.best_epoch if _is_validated(records) else None
    mark = f"epoch {chosen} is kept"
    return (
        Chart("Loss", _lines(records, "loss"), marked=chosen, mark=mark, base=0.0),
        Chart("Accuracy", _lines(records, "accuracy"), marked=chosen, mark=mark, is_share=True),
        Chart("Learning rate", (Series("rate", [r.rate for r in records], look=3),), base=0.0),
    )


def _lines(records: Sequence[Record], name: str) -> tuple[Series, ...]:
    training = Series("training", [getattr(r, name) for r in records], TRAINING)
    if not _is_validated(records):
        return (training,)
    held = [getattr(r, f"validation_{name}") for r in records]
    return Series("validation", held, VALIDATION), training


def _is_validated(records: Sequence[Record]) -> bool:
    return any(record.validation_accuracy is not None for record in records)
