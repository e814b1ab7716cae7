"""What hostile arguments are made of, beside plain Python and NumPy."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from allconv import nn


def fail(*args: Any, **keywords: Any) -> NoReturn:
    """What a class of the user's may do when it is asked for anything."""
    raise RuntimeError("no")


class Failing:
    """An object that raises whatever it is asked for."""

    __array__ = __index__ = __int__ = __float__ = __len__ = __iter__ = __bool__ = fail
    __getitem__ = __eq__ = __lt__ = __repr__ = __dlpack__ = fail  # type: ignore[assignment]
    __hash__ = object.__hash__


class OwnInt(int):
    """A whole number of a class of the user's."""


class OwnArray(np.ndarray[Any, Any]):
    """An array of a class of the user's."""


class OwnList(list[Any]):
    """A list of a class of the user's."""


class Inside(nn.Module):
    """A module that contains itself."""

    def __init__(self) -> None:
        self.relu = nn.ReLU()
        self.inside = self

    def forward(self, x: Any) -> Any:
        """Never ends."""
        return self.inside(self.relu(x))


def deep_list(depth: int = 5000) -> list[Any]:
    """A list in a list in a list."""
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


def looped_list() -> list[Any]:
    """A list that holds itself."""
    looped: list[Any] = []
    looped.append(looped)
    return looped


def deep_network(depth: int = 5000) -> nn.Module:
    """A module in a module in a module."""
    net: nn.Module = nn.ReLU()
    for _ in range(depth):
        net = nn.Sequential(net)
    return net


def swapped(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array in the other byte order."""
    return np.ones(shape, ">f4")


def frozen(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A read-only array."""
    array = np.ones(shape, np.float32)
    array.flags.writeable = False
    return array


def backwards(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array with negative strides."""
    return np.ones(shape, np.float32)[(slice(None, None, -1),) * len(shape)]


def misaligned(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array that begins between two addresses of its dtype."""
    raw = np.zeros(4 * int(np.prod(shape)) + 1, np.uint8)[1:]
    return raw.view(np.float32).reshape(shape)


def masked(shape: tuple[int, ...], *, hidden: bool = True) -> Any:
    """A masked array, of which something is hidden or nothing."""
    mask = np.zeros(shape, bool)
    if hidden and mask.size:
        mask[(0,) * len(shape)] = True
    return np.ma.array(np.ones(shape, np.float32), mask=mask)
