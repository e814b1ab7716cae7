"""Cells that known numbers choose or turn: Compress, ReverseSequence, EyeLike, CumProd."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv import functional
from allconv.functional.call import apply
from allconv.onnx.format.tensors import dtype_name
from allconv.onnx.names.call import Bytes, Condition, NodeCall, NodeRule
from allconv.operators.arrange import Slice
from allconv.operators.base import Array
from allconv.operators.take import Take
from allconv.value import Value

MOST_FACTORS = 1024
"""The cells along an axis of which running products are made, a node each."""


def read_compress(call: NodeCall) -> Any:
    """The cells of an axis, or of all, for which a known condition holds."""
    x, condition = call.value(0), call.known(1)
    if condition.dtype.kind != "b" or condition.ndim != 1:
        raise call.wrong(
            f"the condition is {condition.dtype.name} {condition.shape}; bool (cells,) is expected"
        )
    axis = 0
    if call.given("axis"):
        axis = call.axis(call.integer("axis"), x.ndim)
    else:
        x = x.reshape((x.size,))
    if len(condition) > x.shape[axis]:
        raise call.wrong(f"{len(condition)} conditions are given for {x.shape[axis]} cells")
    return apply(Take(axis), x, call.lift(np.flatnonzero(condition).astype(np.int64)))


def read_reverse_sequence(call: NodeCall) -> Any:
    """The first cells of every row backwards, as many as a known number says; the others stay."""
    x, lengths = call.value(0), call.known_integers(1)
    time, batch = call.integer("time_axis"), call.integer("batch_axis")
    if x.ndim < 2 or {time, batch} != {0, 1}:
        raise call.wrong(
            f"time_axis is {time}, batch_axis {batch}; the first two axes of {x.shape} are expected"
        )
    n, rows = x.shape[time], x.shape[batch]
    if len(lengths) != rows or min(lengths, default=0) < 0 or max(lengths, default=0) > n:
        raise call.wrong(f"sequence_lens is {lengths}; {rows} numbers from 0 to {n} are expected")
    call.check_constants((rows, n))
    cells = np.arange(n) + np.zeros((rows, 1), np.int64)
    counts = np.array(lengths, np.int64)[:, None]
    mirrored = np.where(cells < counts, counts - 1 - cells, cells)
    of_row = np.arange(rows)[:, None]
    flat = of_row * n + mirrored if batch == 0 else (mirrored * rows + of_row).T
    taken = apply(Take(0), x.reshape((n * rows, *x.shape[2:])), call.lift(flat.reshape(-1)))
    return taken.reshape(x.shape)


def read_eye_like(call: NodeCall) -> Array:
    """1 on a diagonal of a matrix of the shape of another, else 0."""
    like = call.operand(0)
    if len(like.shape) != 2:  # rows and columns
        raise call.wrong(f"its input is {tuple(like.shape)}; (rows, columns) is expected")
    dtype = str(like.dtype)
    if call.given("dtype"):
        dtype = dtype_name(call.integer("dtype"), "the result")
    call.check_constants(like.shape)
    rows, columns = like.shape
    k = min(max(call.integer("k"), -rows), columns)
    return np.asarray(np.eye(rows, columns, k), dtype)


def read_cum_prod(call: NodeCall) -> Any:
    """Running products along an axis, one cell after the other."""
    x = call.value(0)
    axis = call.known_axis(1, x.ndim)
    exclusive, reverse = call.flag("exclusive"), call.flag("reverse")
    n = x.shape[axis]
    if n > MOST_FACTORS:
        raise call.too_large(f"products of {n:,} cells; at most {MOST_FACTORS:,} are supported")
    if not x.size:
        return x
    made: list[Value] = []
    product: Any = None
    for cell in range(n)[:: -1 if reverse else 1]:
        factor = apply(Slice.along(axis, x.shape, cell, 1), x)
        before, product = product, factor if product is None else product * factor
        if exclusive:
            made.append(call.lift(np.ones(factor.shape, x.dtype)) if before is None else before)
        else:
            made.append(product)
    return made[0] if n == 1 else functional.concatenate(made[:: -1 if reverse else 1], axis)


def read_has_element(call: NodeCall) -> Array:
    """Whether something is given at all, which is known."""
    return np.array(call.operand(0) is not None)


def read_element(call: NodeCall) -> Value | Bytes | Condition | Array:
    """What is given, which is a tensor."""
    given = call.operand(0)
    if not isinstance(given, Value | Bytes | Condition | np.ndarray):
        raise call.wrong("nothing is given")
    return given


READERS = {
    "Compress": NodeRule(read_compress, settings=(1,)),
    "CumProd": NodeRule(read_cum_prod, settings=(1,)),
    "EyeLike": NodeRule(read_eye_like),
    "OptionalGetElement": NodeRule(read_element),
    "OptionalHasElement": NodeRule(read_has_element),
    "ReverseSequence": NodeRule(read_reverse_sequence, settings=(1,)),
}
