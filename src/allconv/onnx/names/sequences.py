"""Sequences of arrays, as exporters write `chunk` and lists: taken apart while one records.

No sequence is left in the graph: each of its arrays is a value, or known, and where an array is
taken the number of its place must be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names.call import Bytes, Condition, HeldAsFloats, NodeCall, NodeRule, Several
from allconv.onnx.names.move import moved, part
from allconv.operators.arrange import Concatenate, Reshape
from allconv.operators.base import FLOATS, Array
from allconv.value import Value

MOST_PARTS = 1024
"""The arrays of a sequence."""


def _several(call: NodeCall, number: int = 0) -> tuple[Any, ...]:
    given = call.operand(number)
    if not isinstance(given, Several):
        raise call.wrong(f"input {number} is not a sequence")
    return given.items


def _made(call: NodeCall, items: Sequence[Any]) -> Several:
    if len(items) > MOST_PARTS:
        raise call.too_large(
            f"a sequence of {len(items):,} arrays; at most {MOST_PARTS:,} are supported"
        )
    return Several(tuple(items))


def _array(call: NodeCall, number: int) -> Any:
    given = call.operand(number)
    if given is None or isinstance(given, Several):
        raise call.wrong(f"input {number} is not an array")
    return given


def _place(call: NodeCall, number: int, count: int, after: int = 0) -> int:
    """A known place in a sequence, or `after` its last, counted from the front."""
    given = call.known_integers(number)
    if len(given) != 1 or not -count <= given[0] < count + after:
        raise call.wrong(f"the place is {given}; the sequence has {count} arrays")
    return given[0] + count if given[0] < 0 else given[0]


def _split(call: NodeCall) -> Several:
    """Parts along an axis: of given sizes, of one size (the last may be smaller), or of one cell,
    whose axis is kept unless `keepdims` is 0."""
    x = _array(call, 0)
    axis, keep = call.axis(call.integer("axis", 0), len(x.shape)), call.flag("keepdims", 1)
    n = x.shape[axis]
    if not call.has(1):
        sizes: tuple[int, ...] = (1,) * min(n, MOST_PARTS + 1)
    elif call.known(1).ndim:
        sizes, keep = call.known_integers(1), True
    else:
        (size,) = call.known_integers(1)
        if size < 1:
            raise call.wrong(f"split is {size}; at least 1 is expected")
        count, keep = -(-n // size), True
        sizes = (*(size,) * min(count - 1, MOST_PARTS), n - size * (count - 1)) if count else ()
    _made(call, sizes)
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise call.wrong(f"parts of {sizes} do not make the {n} cells of axis {axis}")
    ends = zip(accumulate(sizes), sizes, strict=True)
    parts = [part(x, axis, range(end - size, end)) for end, size in ends]
    without = Reshape((*x.shape[:axis], *x.shape[axis + 1 :]))
    return Several(tuple(parts if keep else (moved(without, each) for each in parts)))


def _at(call: NodeCall) -> Any:
    items = _several(call)
    return items[_place(call, 1, len(items))]


def _length(call: NodeCall) -> Array:
    return np.array(len(_several(call)), np.int64)


def _construct(call: NodeCall) -> Several:
    return _made(call, [_array(call, number) for number in range(len(call))])


def _empty(call: NodeCall) -> Several:
    call.integer("dtype", 1)
    return Several(())


def _insert(call: NodeCall) -> Several:
    items = list(_several(call))
    place = _place(call, 2, len(items), after=1) if call.has(2) else len(items)
    items.insert(place, _array(call, 1))
    return _made(call, items)


def _erase(call: NodeCall) -> Several:
    items = list(_several(call))
    del items[_place(call, 1, len(items)) if call.has(1) else -1]
    return Several(tuple(items))


def _joined(call: NodeCall) -> Any:
    """All arrays one after the other, along an axis of theirs or along a new one."""
    items = list(_several(call))
    if not items:
        raise call.wrong("an empty sequence is joined")
    new = call.flag("new_axis")
    axis = call.axis(call.integer("axis"), len(items[0].shape) + new)
    if new:
        items = [moved(Reshape((*x.shape[:axis], 1, *x.shape[axis:])), x) for x in items]
    if all(isinstance(x, np.ndarray) for x in items):
        call.check_constants((sum(x.size for x in items),))
        return np.concatenate(items, axis)
    dtype = str(items[0].dtype)
    if any(str(x.dtype) != dtype for x in items):
        raise call.unsupported("a sequence that joins arrays of several dtypes")
    whole: Value = apply(Concatenate(axis, len(items)), *(_floats(call, x) for x in items))
    if dtype == "bool":
        return Condition(whole)
    return whole if dtype in FLOATS else Bytes(whole, dtype)


def _floats(call: NodeCall, x: Any) -> Value:
    """The floats that stand for an array."""
    if isinstance(x, HeldAsFloats):
        return x.value
    if isinstance(x, Value):
        return x
    if x.dtype.name not in (*FLOATS, "bool", "uint8", "int8", "uint16", "int16"):
        raise call.unsupported(f"a sequence that joins {x.dtype.name} of the data and known ones")
    return call.lift(x if x.dtype.name in FLOATS else x.astype(np.float32))


SEQUENCES = {
    "ConcatFromSequence": NodeRule(_joined),
    "SequenceAt": NodeRule(_at, settings=(1,)),
    "SequenceConstruct": NodeRule(_construct),
    "SequenceEmpty": NodeRule(_empty),
    "SequenceErase": NodeRule(_erase, settings=(1,)),
    "SequenceInsert": NodeRule(_insert, settings=(2,)),
    "SequenceLength": NodeRule(_length),
    "SplitToSequence": NodeRule(_split, settings=(1,)),
}
"""How the nodes of sequences are read, by the name of the operator."""
