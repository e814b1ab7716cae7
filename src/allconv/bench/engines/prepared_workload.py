"""What an engine gives a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from allconv.bench.making import STATE
from allconv.bench.workload import CHANNELS_LAST
from allconv.operators.base import Array

Told: TypeAlias = Mapping[str, Any]
"""A workload as the worker is told it, see `making`."""


@dataclass(frozen=True)
class PreparedWorkload:
    """A workload made ready: `call` is what is timed; `results` are compared between engines.

    `settings` says in a few words how the engine was set. `profile`, where there is one, times the
    steps of a run so many times, see `profile`.
    """

    call: Callable[[], object]
    results: Callable[[], Sequence[Array]]
    settings: str
    profile: Callable[[int], list[dict[str, Any]]] | None = None


class CannotRunError(Exception):
    """An engine cannot run this workload; the message says why."""


def arrays_of(told: Told) -> dict[str, Array]:
    """The arrays of a workload, images laid as the workload says."""
    with np.load(Path(told["arrays"]), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if told["layout"] == CHANNELS_LAST:
        for name in ("x", "gy"):
            if name in arrays:
                arrays[name] = channels_last(arrays[name])
    return arrays


def state_of(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The first weights of a network to be trained, by their names in it."""
    return {n.removeprefix(STATE): a for n, a in arrays.items() if n.startswith(STATE)}


def channels_last(array: Array) -> Array:
    """The same values (N, C, ...) in channels-last memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


def images_of(told: Told) -> list[Array]:
    """Images of all sizes of a workload of many."""
    draw = np.random.default_rng(0)
    return [
        draw.standard_normal((1, told["channels"], height, width)).astype(np.float32)
        for height, width in told["sizes"]
    ]


class InTurn:
    """A call that goes through arrays, another one each time."""

    def __init__(self, function: Callable[[Any], Any], arrays: Sequence[Any]) -> None:
        self._function = function
        self._arrays = arrays
        self._next = 0

    def __call__(self) -> Any:
        """Call the function on the next one."""
        array = self._arrays[self._next % len(self._arrays)]
        self._next += 1
        return self._function(array)

    def results(self) -> list[Array]:
        """What the function gives for the first array."""
        return [np.asarray(self._function(self._arrays[0]))]
