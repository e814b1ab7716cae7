"""Looking on while a network trains."""

from __future__ import annotations

from dataclasses import dataclass

from allconv.train.history import History, Record


@dataclass(frozen=True)
class BeginInfo:
    """What is about to be done: epochs `first` to `epochs`, each of so many steps."""

    epochs: int
    first: int
    steps: int
    samples: int
    batch_size: int


@dataclass(frozen=True)
class StepInfo:
    """Where training is: step `step` of `steps` in epoch `epoch`, all counted from 1.

    Loss and accuracy are means of this epoch so far; seconds_left is of this epoch.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float


class Callback:
    """Base of what looks on; each method may be left out. What they raise ends the training."""

    def on_begin(self, begin: BeginInfo) -> None:
        """Before the first step, which may compile kernels."""

    def on_step(self, info: StepInfo) -> None:
        """After each step."""

    def on_epoch(self, record: Record) -> None:
        """After each epoch: validated, and saved where there is a folder."""

    def on_end(self, history: History) -> None:
        """After the last epoch and the test."""
