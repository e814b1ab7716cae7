"""Sequences of arrays, as exporters write `chunk` and lists: taken apart while one records.

No sequence is left in the graph: each of its arrays is a value, or known, and where an array is
taken the number of its place must be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names.call import Bytes, Call, Condition, Name, Several
from allconv.operators.arrange import Concatenate, Reshape, Slice
from allconv.operators.base import FLOATS, Array
from allconv.value import Value

MOST_PARTS = 1024
"""The arrays of a sequence."""


def _several(call: Call, number: int = 0) -> tuple[Any, ...]:
    given = call.operand(number)
    if not isinstance(given, Several):
        raise call.wrong(f"input {number} is no sequence")
    return given.items


def _made(call: Call, items: Sequence[Any]) -> Several:
    if len(items) > MOST_PARTS:
        raise call.too_large(f"a sequence of {len(items):,} arrays; {MOST_PARTS:,} are the most")
    return Several(tuple(items))


def _array(call: Call, number: int) -> Any:
    given = call.operand(number)
    if given is None or isinstance(given, Several):
        raise call.wrong(f"input {number} is no array")
    return given


def _place(call: Call, number: int, count: int, after: int = 0) -> int:
    """A known place in a sequence, or `after` its last, counted from the front."""
    given = call.known_integers(number)
    if len(given) != 1 or not -count <= given[0] < count + after:
        raise call.wrong(f"place {given} of a sequence of {count}")
    return given[0] + count if given[0] < 0 else given[0]


def _part(x: Any, axis: int, start: int, count: int) -> Any:
    """Some cells of an axis."""
    if isinstance(x, np.ndarray):
        return x[(slice(None),) * axis + (slice(start, start + count),)]
    if isinstance(x, Bytes | Condition):
        return replace(x, value=_part(x.value, axis, start, count))
    rank = len(x.shape)
    begins = tuple(start if a == axis else 0 for a in range(rank))
    counts = tuple(count if a == axis else n for a, n in enumerate(x.shape))
    return apply(Slice(begins, (1,) * rank, counts), x)


def _reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(x, np.ndarray):
        return x.reshape(shape)
    if isinstance(x, Bytes | Condition):
        return replace(x, value=_reshaped(x.value, shape))
    return apply(Reshape(shape), x)


def _split(call: Call) -> Several:
    """Parts along an axis: of given sizes, of one size (the last may be smaller), or of one cell,
    whose axis is kept unless `keepdims` is 0."""
    x = _array(call, 0)
    shape = _shape(x)
    axis, keep = call.axis(call.integer("axis", 0), len(shape)), call.flag("keepdims", 1)
    n = shape[axis]
    if not call.has(1):
        sizes: tuple[int, ...] = (1,) * min(n, MOST_PARTS + 1)
    elif call.known(1).ndim:
        sizes, keep = call.known_integers(1), True
    else:
        (size,) = call.known_integers(1)
        if size < 1:
            raise call.wrong(f"parts of {size} cells")
        count, keep = -(-n // size), True
        sizes = (*(size,) * min(count - 1, MOST_PARTS), n - size * (count - 1)) if count else ()
    _made(call, sizes)
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise call.wrong(f"parts of {sizes} do not make the {n} cells of axis {axis}")
    starts = np.cumsum((0, *sizes)).tolist()
    parts = [_part(x, axis, a, size) for a, size in zip(starts, sizes, strict=False)]
    without = (*shape[:axis], *shape[axis + 1 :])
    return Several(tuple(parts if keep else (_reshaped(each, without) for each in parts)))


def _at(call: Call) -> Any:
    items = _several(call)
    return items[_place(call, 1, len(items))]


def _length(call: Call) -> Array:
    return np.array(len(_several(call)), np.int64)


def _construct(call: Call) -> Several:
    return _made(call, [_array(call, number) for number in range(len(call))])


def _empty(call: Call) -> Several:
    call.integer("dtype", 1)
    return Several(())


def _insert(call: Call) -> Several:
    items = list(_several(call))
    place = _place(call, 2, len(items), after=1) if call.has(2) else len(items)
    items.insert(place, _array(call, 1))
    return _made(call, items)


def _erase(call: Call) -> Several:
    items = list(_several(call))
    del items[_place(call, 1, len(items)) if call.has(1) else -1]
    return Several(tuple(items))


def _joined(call: Call) -> Any:
    """All arrays one after the other, along an axis of theirs or along a new one."""
    items = list(_several(call))
    if not items:
        raise call.wrong("an empty sequence is joined")
    new, shape = call.flag("new_axis"), _shape(items[0])
    axis = call.axis(call.integer("axis"), len(shape) + new)
    if new:
        items = [_reshaped(x, (*_shape(x)[:axis], 1, *_shape(x)[axis:])) for x in items]
    if all(isinstance(x, np.ndarray) for x in items):
        call.check_constants((sum(x.size for x in items),))
        return np.concatenate(items, axis)
    dtype = _dtype(items[0])
    if any(_dtype(x) != dtype for x in items):
        raise call.unsupported("a sequence that joins arrays of several dtypes")
    whole: Value = apply(Concatenate(axis, len(items)), *(_floats(call, x) for x in items))
    if dtype == "bool":
        return Condition(whole)
    return whole if dtype in FLOATS else Bytes(whole, dtype)


def _shape(x: Any) -> tuple[int, ...]:
    """The shape of an array."""
    return tuple((x.value if isinstance(x, Bytes | Condition) else x).shape)


def _dtype(x: Any) -> str:
    """The dtype of an array in the file."""
    return "bool" if isinstance(x, Condition) else str(x.dtype)


def _floats(call: Call, x: Any) -> Value:
    """The floats that stand for an array."""
    if isinstance(x, Bytes | Condition):
        return x.value
    if isinstance(x, Value):
        return x
    if x.dtype.name not in (*FLOATS, "bool", "uint8", "int8", "uint16", "int16"):
        raise call.unsupported(f"a sequence that joins {x.dtype.name} of the data and known ones")
    return call.lift(x if x.dtype.name in FLOATS else x.astype(np.float32))


SEQUENCES = {
    "ConcatFromSequence": Name(_joined, ("axis", "new_axis")),
    "SequenceAt": Name(_at, settings=(1,)),
    "SequenceConstruct": Name(_construct),
    "SequenceEmpty": Name(_empty, ("dtype",)),
    "SequenceErase": Name(_erase, settings=(1,)),
    "SequenceInsert": Name(_insert, settings=(2,)),
    "SequenceLength": Name(_length),
    "SplitToSequence": Name(_split, ("axis", "keepdims"), settings=(1,)),
}
"""How the nodes of sequences are read, by the name of the operator."""
