"""What a caller of `load` may choose, checked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.data.images import PIXEL_LIMIT
from allconv.data.split import check_fraction, check_positive
from allconv.errors import ArgumentError
from allconv.intake.settings import short_repr
from allconv.random import check_seed

MEMORY_LIMIT = 2**30
"""Bytes of decoded images kept in memory, and of arrays read from a file, unless told otherwise."""

Progress = Callable[[int, int], None]

_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class LoadOptions:
    """The arguments of `load` but the source; `image_size` is (height, width) or None."""

    image_size: tuple[int, int] | None = None
    samples: int | None = None
    seed: int = 0
    strict: bool = False
    validation: float | None = None
    test: float | None = None
    channels: int | None = None
    pixel_limit: int = PIXEL_LIMIT
    memory_limit: int = MEMORY_LIMIT
    progress: Progress | None = None

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name in ("pixel_limit", "memory_limit"):
            check_positive(name, getattr(self, name))
        if self.samples is not None:
            check_positive("samples", self.samples)
        if self.channels not in (None, 1, 3):
            raise ArgumentError(f"channels must be 1, 3 or None, got {short_repr(self.channels)}")
        if self.validation is not None:
            check_fraction("validation", self.validation, zero=False)
        if self.test is not None:
            check_fraction("test", self.test, zero=True)
        if (self.validation or 0) + (self.test or 0) >= 1:
            raise ArgumentError(
                f"validation and test are {self.validation} and {self.test} of the images; "
                "together they must leave some for training"
            )


def image_size(value: Any) -> tuple[int, int] | None:
    """(height, width) from a side, a pair or None; ArgumentError for anything else."""
    if value is None:
        return None
    sides = tuple(value) if isinstance(value, tuple | list) else (value, value)
    whole = all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in sides)
    if len(sides) != 2 or not whole or not all(1 <= side <= _LARGEST_SIDE for side in sides):
        raise ArgumentError(
            f"image_size must be one side or (height, width), each 1 to {_LARGEST_SIDE}, "
            f"got {value!r}"
        )
    return int(sides[0]), int(sides[1])
