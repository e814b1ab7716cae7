"""What training says: a bar for the epoch it is in, a line for each that is done."""

from __future__ import annotations

from allconv.cli.output import Screen
from allconv.text import duration, percent
from allconv.train.callbacks import BeginInfo, Callback, StepInfo
from allconv.train.history import Record


class EpochLines(Callback):
    """Shows a training on a screen; `title` stands before each line.

    With `every` a line only for the first and the last epoch, for those that are better than all
    before, and for each of so many: epochs of a head alone are many and short.
    """

    def __init__(self, screen: Screen, title: str = "", every: int = 1) -> None:
        self._screen = screen
        self._title = f"{title}  " if title else ""
        self._every = every
        self._epochs = self._samples = self._first = 0
        self._best = -1.0

    def on_begin(self, begin: BeginInfo) -> None:
        self._epochs, self._samples, self._first = begin.epochs, begin.samples, begin.first

    def on_step(self, info: StepInfo) -> None:
        left = info.seconds_left
        if info.images_per_second:
            left += (self._epochs - info.epoch) * self._samples / info.images_per_second
        note = (
            f"loss {info.loss:.3f}  accuracy {percent(info.accuracy)}  "
            f"{info.images_per_second:,.0f} images/s  {duration(left)} left"
        )
        self._screen.show(self._name(info.epoch), info.step, info.steps, note)

    def on_epoch(self, record: Record) -> None:
        self._screen.hide()
        if not self._is_told(record):
            return
        seconds = record.data_seconds + record.step_seconds
        parts = [
            self._name(record.epoch),
            f"loss {record.loss:.3f}",
            f"accuracy {percent(record.accuracy)}",
        ]
        if record.validation_accuracy is not None:
            parts.append(f"validation {percent(record.validation_accuracy)}")
        if seconds:
            parts.append(f"{self._samples / seconds:,.0f} images/s")
        parts.append(duration(record.seconds))
        self._screen.line("  ".join(parts))

    def _is_told(self, record: Record) -> bool:
        accuracy = -1.0 if record.validation_accuracy is None else record.validation_accuracy
        is_better = accuracy > self._best
        self._best = max(accuracy, self._best)
        ends = record.epoch in (self._first, self._epochs)
        return ends or is_better or record.epoch % self._every == 0

    def _name(self, epoch: int) -> str:
        return f"{self._title}epoch {epoch:{len(str(self._epochs))}}/{self._epochs}"
