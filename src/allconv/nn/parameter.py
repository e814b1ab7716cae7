"""What a module owns: arrays that training changes, buffers that it only keeps, and how they begin.

Parameters are drawn by key (seed, name of the parameter), in whatever order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.intake.arrays import frozen, take_array
from allconv.intake.limits import check_size, within_limits
from allconv.operators.base import FLOATS, Array, Spec
from allconv.random import generator
from allconv.text import counted, few_lines, printable

__all__ = ["Buffer", "Parameter"]

FEW = 100  # numbers that are shown


class Initializer(ABC):
    """Base of the ways in which an array begins."""

    @abstractmethod
    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        """A float64 array of the shape."""


@dataclass(frozen=True)
class SameNumber(Initializer):
    """The same number everywhere."""

    value: float

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return np.full(shape, self.value)


@dataclass(frozen=True)
class HeNormal(Initializer):
    """Normal with variance 2 / fan_in, which keeps the scale of signals through ReLU.

    `fan_in` is the number of inputs that meet in one output. He et al. 2015, arXiv:1502.01852,
    equation 10.
    """

    fan_in: float

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        return np.asarray(generator.standard_normal(shape) * np.sqrt(2.0 / self.fan_in))


class Parameter:
    """A place for one array of a module: read-only, replaced as a whole.

    Made from an array, or (`drawn`) from a shape and the way it begins: then it is drawn when it is
    first looked at, by key (seed, name of the parameter in the network that was asked).
    """

    trainable = True
    optional = False  # whether a state may lack it
    _forgotten = False  # whether it has a shape, but no numbers for good

    def __init__(self, array: Any) -> None:
        taken = take_array("array", array)
        if taken.dtype.name not in FLOATS and self.trainable:
            raise ArgumentError(
                f"a parameter is {taken.dtype.name}; float32 or float64 is expected"
            )
        self.spec = Spec.of(taken)
        self.initializer: Initializer | None = None
        self._array: Array | None = _copied(taken)

    @classmethod
    def holding(cls, array: Array) -> Self:
        """A place for a read-only array of floats that nobody else keeps: it is not copied."""
        place = cls.__new__(cls)
        place.spec, place.initializer, place._array = Spec.of(array), None, array
        return place

    @classmethod
    def drawn(
        cls, shape: tuple[int, ...], initializer: Initializer, dtype: str = "float32"
    ) -> Self:
        """A place of this shape, to be drawn."""
        check_size("a parameter", shape)
        place = cls.__new__(cls)
        place.spec, place.initializer, place._array = Spec(shape, dtype), initializer, None
        return place

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec})"

    def value(self, name: str) -> Array:
        """The array; drawn with seed 0 and this name if it was not yet."""
        if self._forgotten:
            raise ShapeError(
                f"{name} is read while a network that was rewritten is recorded for another size; "
                "rewrite the network for that size"
            )
        if self._array is None:
            self._array = self._draw(0, name)
        return self._array

    def begin(self, seed: int, name: str) -> None:
        """Draw anew, by key (seed, name); a place made from an array stays as it is."""
        if self.initializer is not None:
            self._array = self._draw(seed, name)

    def _draw(self, seed: int, name: str) -> Array:
        initializer = self.initializer or SameNumber(0.0)
        with within_limits(name):
            drawn = initializer.draw(self.spec.shape, generator(seed, name))
            # Through float32, so that a network of either dtype begins with the same weights.
            return _copied(drawn.astype(np.float32).astype(self.spec.dtype))

    def fit(self, name: str, given: Any) -> Array:
        """A given array as one that can stand here; refused with the name where it does not fit."""
        array = take_array(name, given)
        if array.shape != self.spec.shape:
            raise ShapeError(f"{name} is {array.shape}; {self.spec.shape} is expected")
        if np.dtype(self.spec.dtype).kind == "f":
            if array.dtype.kind not in "fiu":
                raise ArgumentError(f"{name} is {array.dtype.name}; {self.spec.dtype} is expected")
        elif array.dtype.kind not in "iu":
            raise ArgumentError(f"{name} is {array.dtype.name}; {self.spec.dtype} is expected")
        with within_limits(name), np.errstate(all="ignore"):  # what is beyond float32 is infinite
            return _copied(array.astype(self.spec.dtype))

    def replace(self, array: Array) -> None:
        """Put an array that `fit` returned here."""
        self._array = array

    def _forget(self) -> None:
        """Keep the shape and dtype alone."""
        self._array, self._forgotten = None, True

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)  # the array is read-only, so both can hold it
        memo[id(self)] = copy
        return copy

    def convert(self, dtype: str) -> None:
        """Change floats to another dtype; integers stay."""
        if self.spec.is_float and self.spec.dtype != dtype:
            self.spec = Spec(self.spec.shape, dtype)
            if self._array is not None:
                with np.errstate(all="ignore"):
                    self._array = _copied(self._array.astype(dtype))


class Buffer(Parameter):
    """A place for an array that training does not change by its gradient, as running statistics."""

    trainable = False


class Arrays(dict[str, Array]):
    """A dictionary of arrays by name; its `repr` tells what many numbers are, not each of them.

    >>> import numpy as np
    >>> Arrays({"0.weight": np.zeros((32, 3, 3, 3), np.float32)})
    Arrays(1 array, 864 numbers):
      0.weight  float32 (32, 3, 3, 3)
    """

    def __repr__(self) -> str:
        return few_lines(str(self))

    def __str__(self) -> str:
        numbers = sum(array.size for array in self.values())
        if numbers <= FEW:
            return dict.__repr__(self)
        names = [printable(name, 48) for name in self]
        wide = max(map(len, names))
        rows = [
            f"  {name:{wide}}  {Spec.of(array)}"
            for name, array in zip(names, self.values(), strict=True)
        ]
        return "\n".join([f"Arrays({counted(len(self), 'array')}, {numbers:,} numbers):", *rows])


def constant(shape: tuple[int, ...], value: float) -> Parameter:
    """A parameter that begins with the same number everywhere."""
    return Parameter.drawn(shape, SameNumber(value))


def tally() -> Buffer:
    """A count that no layer reads: kept for PyTorch's files, which have it or not."""
    count = Buffer.drawn((), SameNumber(0.0), "int64")
    count.optional = True
    return count


def _copied(array: Array) -> Array:
    """A copy that nobody can write into."""
    return frozen(np.array(array, order="C"))
