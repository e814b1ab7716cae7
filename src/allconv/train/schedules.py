"""Learning rates that change while training: functions of the step.

`rate(step, total, base)` is the rate of step 0 <= step < total; `base` is the largest rate.
With t = step / max(1, total - 1) from 0 to 1:

    constant    base
    step        base * factor**(how many milestones are at most step / total)
    cosine      base * (final + (1 - final) * (1 + cos(pi*t)) / 2)
    one-cycle   from start*base up to base in the first `rise` of the steps, then down to
                final*base, both along half a cosine
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import cos, pi

from allconv.errors import ArgumentError
from allconv.intake.settings import is_sequence, number, short_repr


@dataclass(frozen=True)
class Schedule(ABC):
    """Base of the schedules."""

    @abstractmethod
    def rate(self, step: int, total: int, base: float) -> float:
        """The learning rate of a step."""


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate throughout.

    >>> Constant().rate(3, 10, 0.1)
    0.1
    """

    def rate(self, step: int, total: int, base: float) -> float:
        """See `Schedule.rate`."""
        return base


@dataclass(frozen=True)
class Step(Schedule):
    """The rate times `factor` at each of some shares of the training.

    >>> [round(Step((0.5, 0.75)).rate(step, 8, 1.0), 4) for step in (0, 3, 4, 6)]
    [1.0, 1.0, 0.1, 0.01]
    """

    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1

    def __post_init__(self) -> None:
        given = self.milestones if is_sequence(self.milestones) else (None,)
        kind = "shares of the training between 0 and 1"
        shares = tuple(number("milestones", share, kind, _is_inside) for share in given)
        object.__setattr__(self, "milestones", shares)
        _check_share(self, "factor")

    def rate(self, step: int, total: int, base: float) -> float:
        """See `Schedule.rate`."""
        passed = sum(step >= share * total for share in self.milestones)
        return base * self.factor**passed


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from the base rate to `final` of it (Loshchilov and Hutter 2017).

    >>> [round(Cosine().rate(step, 5, 1.0), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        _check_share(self, "final")

    def rate(self, step: int, total: int, base: float) -> float:
        """See `Schedule.rate`."""
        return base * _between(1.0, self.final, step / max(1, total - 1))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to the base rate, then down to nearly nothing (Smith and Topin 2019, arXiv:1708.07120).

    >>> [round(OneCycle(0.5, 0.1, 0.0).rate(step, 5, 1.0), 2) for step in range(5)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """

    rise: float = 0.3
    start: float = 0.04
    final: float = 0.0001

    def __post_init__(self) -> None:
        kind = "a share of the steps between 0 and 1"
        object.__setattr__(self, "rise", number("rise", self.rise, kind, _is_inside))
        _check_share(self, "start")
        _check_share(self, "final")

    def rate(self, step: int, total: int, base: float) -> float:
        """See `Schedule.rate`."""
        t = step / max(1, total - 1)
        if t < self.rise:
            return base * _between(self.start, 1.0, t / self.rise)
        return base * _between(1.0, self.final, (t - self.rise) / (1 - self.rise))


_NAMED: dict[str, type[Schedule]] = {
    "constant": Constant,
    "step": Step,
    "cosine": Cosine,
    "one-cycle": OneCycle,
}


def schedule_names() -> tuple[str, ...]:
    """The names that `find_schedule` takes."""
    return tuple(_NAMED)


def find_schedule(schedule: Schedule | str) -> Schedule:
    """A schedule by name, or the one that is given."""
    if isinstance(schedule, Schedule):
        return schedule
    if not isinstance(schedule, str) or schedule not in _NAMED:
        raise ArgumentError(
            f"there is no schedule {short_repr(schedule)}; there are {', '.join(_NAMED)}"
        )
    return _NAMED[schedule]()


def _between(first: float, last: float, t: float) -> float:
    """From first (t = 0) to last (t = 1) along half a cosine."""
    return last + (first - last) * (1 + cos(pi * t)) / 2


def _check_share(schedule: Schedule, name: str) -> None:
    """Make a setting a float from 0 to 1."""
    kind = "a share of the base rate from 0 to 1"
    n = number(name, getattr(schedule, name), kind, lambda n: 0 <= n <= 1)
    object.__setattr__(schedule, name, n)


def _is_inside(share: float) -> bool:
    return 0 < share < 1
