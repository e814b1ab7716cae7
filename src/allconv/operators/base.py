"""What an operator is: a frozen dataclass of settings that knows its own mathematics.

An operator says what it refuses (`check`), the shape of its results (`shape`), what it *is*
(`define`: the obvious NumPy form, never made faster, the oracle of every test), its gradient
written in operators again (`adjoint`) and what it costs (`cost`). It knows nothing of machines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allconv.errors import ShapeError, UnsupportedError
from allconv.intake.limits import check_size

Array = NDArray[Any]
Values: TypeAlias = tuple[Any, ...]
"""Values of a trace, on which operators are recorded; None where there is no gradient."""
FLOATS = ("float32", "float64")
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")


@cache
def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a dtype: "float32". Kept, since NumPy makes it anew each time, slowly."""
    return str(dtype.name)


@dataclass(frozen=True, slots=True)
class Spec:
    """The shape and dtype of an array that may not exist yet.

    >>> str(Spec((1, 3, 8, 8), "float32"))
    'float32 (1, 3, 8, 8)'
    """

    shape: tuple[int, ...]
    dtype: str = "float32"

    @classmethod
    def of(cls, array: Array) -> Spec:
        """The spec of an array."""
        return cls(array.shape, dtype_name(array.dtype))

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether values are float32 or float64."""
        return self.dtype in FLOATS

    def with_shape(self, shape: tuple[int, ...]) -> Spec:
        """The same dtype with another shape."""
        return Spec(shape, self.dtype)

    def with_size(self, axis: int, *sizes: int) -> Spec:
        """The same with one size in place of an axis, or with none or several."""
        return self.with_shape((*self.shape[:axis], *sizes, *self.shape[axis + 1 :]))

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


class Operator(ABC):
    """Base of all operators. Subclasses are frozen dataclasses, abstract or final.

    `inputs` names the operands; a name that ends in "?" may be left out.
    """

    inputs: ClassVar[tuple[str, ...]] = ("x",)

    @property
    def name(self) -> str:
        """The name shown in plans and messages."""
        return type(self).__name__

    def infer(self, *x: Spec) -> tuple[Spec, ...]:
        """Check the operands and return the specs of the results."""
        self.check_count(len(x))
        self.check_dtypes(*x)
        self.check(*x)
        results = self.shape(*x)
        for spec in results:
            check_size(f"the result of {self.name}", spec.shape)
        return results

    def check_count(self, given: int) -> None:
        """Refuse too few or too many operands."""
        least = sum(not name.endswith("?") for name in self.inputs)
        if not least <= given <= len(self.inputs):
            raise ShapeError(f"{self.name} takes {', '.join(self.inputs)}; got {given} arrays")

    def check(self, *x: Spec) -> None:
        """Raise `ShapeError` where the operands do not fit; the default refuses mixed floats."""
        dtypes = {spec.dtype for spec in x if spec.is_float}
        if len(dtypes) > 1:
            raise ShapeError(f"{self.name}: float32 and float64 meet; convert one with .astype")

    def check_dtypes(self, *x: Spec) -> None:
        """Refuse dtypes in which nothing is computed: float16, complex, objects."""
        for spec in x:
            if spec.dtype not in FLOATS + WHOLE:
                raise ShapeError(
                    f"{self.name}: {spec.dtype} is not computed here; use .astype(np.float32)"
                )

    def check_floats(self, *x: Spec) -> None:
        """Refuse operands that are not float32 or float64."""
        for spec in x:
            if not spec.is_float:
                raise ShapeError(
                    f"{self.name} takes float32 or float64, not {spec.dtype}; "
                    "use .astype(np.float32)"
                )

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        """The specs of the results; by default one, that of the first operand."""
        return (x[0],)

    @abstractmethod
    def define(self, *x: Array) -> tuple[Array, ...]:
        """The definition, on arrays: floats are computed in float64, others in their own dtype."""

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        """The gradient of each operand (None where there is none), from operands, results and the
        gradients of the results (None where nothing depends on them). Written in operators."""
        raise UnsupportedError(f"{self.name} has no gradient")

    def expand(self, *x: Any) -> Values | None:
        """The results in more elementary operators, where the gradient is taken through those."""
        return None

    def cost(self, *x: Spec) -> int:
        """Multiply-adds of one evaluation; 0 for what only moves or compares."""
        return 0

    def __call__(self, *values: Any) -> Any:
        """Record this operator on symbolic values; one result, or a tuple of several."""
        return values[0].builder.record(self, *values)


class Discrete(Operator):
    """Base of what has no slope: indices, whole numbers, truth values. No gradient goes through."""

    def adjoint(self, x: Values, y: Values, gy: Values) -> Values:
        return (None,) * len(x)


@dataclass(frozen=True)
class OfAxis(Operator):
    """Base of what is done along one axis of floats."""

    axis: int

    def check(self, *x: Spec) -> None:
        self.check_floats(x[0])
        if not 0 <= self.axis < x[0].rank:
            raise ShapeError(
                f"{self.name}: axis is {self.axis}; an axis of {x[0].shape} is expected"
            )


def native(x: Array) -> Array:
    """The array itself, or a copy if its bytes are swapped."""
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def wide(x: Array) -> Array:
    """Floats as float64, the dtype of definitions; others as they are.

    Row by row, whatever the layout of x: the order of summation depends on it.
    """
    return np.array(x, np.float64 if x.dtype.kind == "f" else x.dtype, order="C")


def narrow(y: Array, like: Array) -> Array:
    """A result of a definition in the dtype of an operand."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(y.astype(like.dtype.name, copy=False)).reshape(y.shape)
