"""A value in a graph that is being recorded: it has a shape and a dtype, and no numbers yet.

Arithmetic, indexing, a few methods and a written table of NumPy functions record operators;
everything that would need the numbers raises `TraceError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from math import nan, prod
from typing import Any, NoReturn, Protocol

import numpy as np

from allconv.errors import ArgumentError, ShapeError, TraceError
from allconv.intake.limits import check_axes
from allconv.intake.settings import flag, float_dtype, is_sequence, is_whole, short_repr, whole
from allconv.operators import elementary, pointwise
from allconv.operators.arrange import Concatenate, Convert, Reshape, Slice, Transpose
from allconv.operators.base import Operator, Spec
from allconv.operators.einsum import einsum
from allconv.operators.extremes import Largest, Product, Smallest
from allconv.operators.matmul import product
from allconv.operators.order import ArgExtreme
from allconv.operators.reduce import Reduction, Sum, full_like
from allconv.operators.repeated import tiled, triangle
from allconv.operators.take import RunningSum


class Recorder(Protocol):
    """What a value needs of the builder it belongs to."""

    def record(self, operator: Operator, *operands: Any) -> Any:
        """Record an operator and return its result (a tuple of several)."""

    def scalar(self, number: float, dtype: str) -> Value:
        """A number as a constant of shape ()."""


class Value:
    """A symbolic array. Compared by identity."""

    __slots__ = ("builder", "name", "spec")

    def __init__(self, spec: Spec, builder: Recorder, name: str = "") -> None:
        self.spec = spec
        self.builder = builder
        self.name = name

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, known while tracing."""
        return self.spec.shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.spec.rank

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.spec.size

    def __repr__(self) -> str:
        return f"<{self.name or 'value'}: {self.spec}>"

    def _apply(self, operator: Operator, *operands: Any) -> Value:
        """Record an operator of one result."""
        result: Value = self.builder.record(operator, *operands)
        return result

    def __add__(self, other: Any) -> Value:
        return self._apply(pointwise.Add(), self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Value:
        return self._apply(pointwise.Subtract(), self, other)

    def __rsub__(self, other: Any) -> Value:
        return self._apply(pointwise.Subtract(), other, self)

    def __mul__(self, other: Any) -> Value:
        return self._apply(pointwise.Multiply(), self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Value:
        return self._apply(pointwise.Divide(), self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._apply(pointwise.Divide(), other, self)

    def __neg__(self) -> Value:
        return self._apply(pointwise.Negate(), self)

    def __abs__(self) -> Value:
        return self._apply(pointwise.Absolute(), self)

    def __pow__(self, exponent: Any) -> Value:
        """Whole powers are products, 0.5 is the square root, others are as NumPy has them."""
        number = isinstance(exponent, int | float | np.integer | np.floating)
        if isinstance(exponent, bool):
            raise TraceError(f"x ** {exponent}: a number is expected")
        if number and exponent == 0.5:
            return self._apply(pointwise.Sqrt(), self)
        if not number or abs(exponent) > 16 or exponent % 1:
            return self._apply(elementary.Power(), self, exponent)
        exponent = int(exponent)
        power: Value = full_like(self, 1.0) if exponent == 0 else self
        for _ in range(abs(exponent) - 1):
            power = power * self
        return 1.0 / power if exponent < 0 else power

    def __rpow__(self, base: Any) -> Value:
        return self._apply(elementary.Power(), base, self)

    def __matmul__(self, other: Any) -> Value:
        """(..., M, K) @ (..., K, N), vectors too, as in NumPy."""
        return _product(self, other)

    def __rmatmul__(self, other: Any) -> Value:
        return _product(other, self)

    def __getitem__(self, index: Any) -> Value:
        return _take(self, index)

    def reshape(self, *shape: Any) -> Value:
        """The same values in row-major order under another shape; one size may be -1."""
        given = shape[0] if len(shape) == 1 and is_sequence(shape[0]) else shape
        check_axes("the shape of reshape", len(given))
        if not all(is_whole(n) for n in given):
            raise ArgumentError(f"reshape to {short_repr(shape)}: whole numbers are expected")
        sizes = [int(n) for n in given]
        if sizes.count(-1) > 1:
            raise ArgumentError(f"reshape to {short_repr(tuple(sizes))}: one size can be -1")
        if -1 in sizes:
            rest = prod(n for n in sizes if n != -1)
            sizes[sizes.index(-1)] = self.spec.size // rest if rest else 0
        if tuple(sizes) == self.shape:
            return self
        return self._apply(Reshape(tuple(sizes)), self)

    def transpose(self, *order: Any) -> Value:
        """The axes in another order (reversed when none is given)."""
        given = order[0] if len(order) == 1 and is_sequence(order[0]) else order
        check_axes("the order of transpose", len(given))
        if not len(given) or (len(given) == 1 and given[0] is None):
            return self._apply(Transpose(tuple(reversed(range(self.ndim)))), self)
        if not all(is_whole(a) and -self.ndim <= a < self.ndim for a in given):
            raise ArgumentError(f"transpose by {short_repr(order)}; the value has {self.ndim} axes")
        return self._apply(Transpose(tuple(int(a) % self.ndim for a in given)), self)

    @property
    def T(self) -> Value:  # noqa: N802 (NumPy's name)
        """The axes reversed."""
        return self.transpose()

    def sum(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Value:
        """The sum over some axes (all when None)."""
        axes = self._axes(axis)
        keep = flag("keepdims", keepdims)
        return self._apply(Sum(axes, keep), self) if axes else self

    def _axes(self, axis: Any) -> tuple[int, ...]:
        """Axes counted from the front, in order."""
        if axis is None:
            return tuple(range(self.ndim))
        if is_sequence(axis):
            check_axes("axis", len(axis))
        axes = tuple(axis) if is_sequence(axis) else (axis,)
        for a in axes:
            if not is_whole(a) or not -self.ndim <= a < self.ndim:
                raise ArgumentError(f"axis is {short_repr(axis)}; the shape is {self.shape}")
        return tuple(sorted(int(a) % self.ndim for a in axes))

    def mean(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Value:
        """The mean over some axes (all when None)."""
        total = self.sum(axis, keepdims)
        count = prod(self.shape[a] for a in self._axes(axis))
        return total / (count or nan)

    def max(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Value:
        """The largest number over some axes (all when None); equal ones share the gradient."""
        return self._reduced(Largest, axis, keepdims)

    def min(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Value:
        """The smallest number over some axes (all when None); equal ones share the gradient."""
        return self._reduced(Smallest, axis, keepdims)

    def prod(self, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Value:
        """The product over some axes (all when None)."""
        return self._reduced(Product, axis, keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Value:
        """The index of the largest number, int64, along an axis (of all cells when None)."""
        return self._index(axis, keepdims, smallest=False)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Value:
        """The index of the smallest number, int64, along an axis (of all cells when None)."""
        return self._index(axis, keepdims, smallest=True)

    def _reduced(self, kind: type[Reduction], axis: Any, keepdims: bool) -> Value:
        axes, keep = self._axes(axis), flag("keepdims", keepdims)
        if kind is not Product and any(self.shape[a] == 0 for a in axes):
            raise ShapeError(f"axis {short_repr(axis)} of {self.shape} has no cells to choose from")
        return self._apply(kind(axes, keep), self) if axes else self

    def _index(self, axis: Any, keepdims: bool, *, smallest: bool) -> Value:
        keep = flag("keepdims", keepdims)
        flat = self.reshape((self.size,)) if axis is None else self
        (along,) = (0,) if axis is None else self._axes(whole("axis", axis))
        found = self._apply(ArgExtreme(along, smallest, keep=keep and axis is not None), flat)
        return found.reshape((1,) * self.ndim) if keep and axis is None else found

    def astype(self, dtype: Any) -> Value:
        """The same values as float32 or float64."""
        name = float_dtype("dtype", dtype)
        if name == self.dtype:
            return self
        kind = Convert if self.spec.is_float else elementary.FromWhole
        return self._apply(kind(name), self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        operator = _UFUNCS.get(ufunc.__name__)
        if operator is None or method != "__call__" or keywords:
            _refuse(f"np.{ufunc.__name__}")
        return operator(self, *inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        recorded = _FUNCTIONS.get(function.__name__)
        if recorded is None:
            _refuse(f"np.{function.__name__}")
        try:
            signature(recorded).bind(*args, **keywords)
        except TypeError as error:
            raise TraceError(f"np.{function.__name__} of a traced value: {error}") from None
        return recorded(*args, **keywords)

    def __array__(self, *args: Any, **keywords: Any) -> NoReturn:
        _refuse("np.asarray")

    def __bool__(self) -> NoReturn:
        _refuse("if, and, or, not")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | float | np.ndarray | np.generic):
            _refuse("==")
        return self is other

    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a traced value has no attribute {name}")
        _refuse(f".{name}")

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TraceError("a traced value cannot be written into; make a new one")

    def __iter__(self) -> Iterator[Value]:
        return (self[n] for n in range(len(self)))

    def __len__(self) -> int:
        if not self.shape:
            raise TraceError("len() of a value without axes")
        return self.shape[0]


def _refused(what: str) -> Callable[..., NoReturn]:
    return lambda *operands: _refuse(what)


for _method, _what in {
    "float": "float()", "int": "int()", "index": "an index or range()", "complex": "complex()",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "mod": "%", "rmod": "%", "floordiv": "//",
    "rfloordiv": "//", "and": "&", "or": "|", "invert": "~",
}.items():  # fmt: skip
    setattr(Value, f"__{_method}__", _refused(_what))


def _product(a: Any, b: Any) -> Value:
    for each in (a, b):
        if not isinstance(each, Value | np.ndarray):
            raise TraceError(f"@ takes arrays, got {short_repr(each)}")
    recorder = (a if isinstance(a, Value) else b).builder
    result: Value = product(recorder.record, a, b)
    return result


def _refuse(what: str) -> NoReturn:
    raise TraceError(
        f"{what} needs the numbers of a value that is being traced, which has only a shape; "
        f"NumPy functions recorded here: {', '.join(sorted({*_UFUNCS, *_FUNCTIONS}))}"
    )


def _take(value: Value, index: Any) -> Value:
    """NumPy's basic indexing: whole numbers, slices and ..."""
    parts = list(index if isinstance(index, tuple) else (index,))
    if not all(_is_basic(part) for part in parts):
        raise TraceError(f"index {short_repr(index)}: whole numbers, slices and ... are recorded")
    gap = value.ndim - sum(p is not Ellipsis for p in parts)
    if gap < 0 or sum(p is Ellipsis for p in parts) > 1:
        raise TraceError(f"index {short_repr(index)} does not fit the shape {value.shape}")
    where = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    parts[where : where + 1] = [slice(None)] * gap
    start, step, count, kept = [], [], [], []
    for part, n in zip(parts, value.shape, strict=True):
        if isinstance(part, slice):
            try:
                cells = range(n)[part]
            except Exception as error:  # no number, or a class of the user's
                raise TraceError(f"index {short_repr(part)}: {error}") from None
            kept.append(len(cells))
        else:
            if not -n <= part < n:
                raise TraceError(f"index {short_repr(part)} is outside an axis of {n}")
            cells = range(n)[part : part + 1 or None]
        start.append(cells.start if len(cells) else 0)
        step.append(cells.step)
        count.append(len(cells))
    taken = value._apply(Slice(tuple(start), tuple(step), tuple(count)), value)
    return taken.reshape(tuple(kept))


def _is_basic(part: Any) -> bool:
    return is_whole(part) or isinstance(part, slice) or part is Ellipsis


def _ufunc(operator: Operator) -> Callable[..., Any]:
    return lambda value, *inputs: value.builder.record(operator, *inputs)


def _least(value: Value, a: Any, b: Any) -> Value:
    """The smaller of two: minus the larger of both negated."""
    return -value._apply(pointwise.Maximum(), -a, -b)


def _concatenate(arrays: Sequence[Any], axis: int = 0) -> Any:
    first = next(each for each in arrays if isinstance(each, Value))
    (place,) = first._axes(whole("axis", axis))
    return first.builder.record(Concatenate(place, len(arrays)), *arrays)


def _einsum(equation: Any, *operands: Any) -> Any:
    if not isinstance(equation, str) or not operands:
        raise TraceError('np.einsum of a traced value takes a text such as "ij,jk->ik", and arrays')
    first = next(each for each in operands if isinstance(each, Value))
    if any(not isinstance(each, Value | np.ndarray) for each in operands):
        raise TraceError("np.einsum of a traced value takes arrays")
    return einsum(first.builder.record, equation, operands)


def _running(x: Value, axis: Any) -> Value:
    flat = x.reshape((x.size,)) if axis is None else x
    (along,) = flat._axes(0 if axis is None else whole("axis", axis))
    return flat._apply(RunningSum(along), flat)


def _times(given: Any) -> tuple[int, ...]:
    return tuple(whole("reps", n) for n in (given if is_sequence(given) else (given,)))


_UFUNCS: dict[str, Callable[..., Any]] = {
    **{name: _ufunc(operator) for name, operator in elementary.UFUNCS.items()},
    "power": lambda value, a, b: a**b if isinstance(a, Value) else b.__rpow__(a),
    "minimum": lambda value, a, b: _least(value, a, b),
    "ceil": lambda value, x: -value._apply(elementary.Floor(), -x),
    "matmul": lambda value, a, b: _product(a, b),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda x, axis=None, keepdims=False: x.sum(axis, keepdims),
    "mean": lambda x, axis=None, keepdims=False: x.mean(axis, keepdims),
    "max": lambda a, axis=None, keepdims=False: a.max(axis, keepdims),
    "min": lambda a, axis=None, keepdims=False: a.min(axis, keepdims),
    "amax": lambda a, axis=None, keepdims=False: a.max(axis, keepdims),
    "amin": lambda a, axis=None, keepdims=False: a.min(axis, keepdims),
    "prod": lambda a, axis=None, keepdims=False: a.prod(axis, keepdims),
    "argmax": lambda a, axis=None, keepdims=False: a.argmax(axis, keepdims=keepdims),
    "argmin": lambda a, axis=None, keepdims=False: a.argmin(axis, keepdims=keepdims),
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes=None: x.transpose(axes),
    "concatenate": _concatenate,
    "einsum": _einsum,
    "cumsum": lambda a, axis=None: _running(a, axis),
    "tile": lambda a, reps: tiled(a.builder.record, a, _times(reps)),
    "tril": lambda m, k=0: triangle(m.builder.record, m, whole("k", k), upper=False),
    "triu": lambda m, k=0: triangle(m.builder.record, m, whole("k", k), upper=True),
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
}
