"""The record of dropout."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.dropout import Dropout
from records.record import Function, Record, draw_array, draw_dtype, draw_shape, refusal

WORD = 2**32


def philox(counter: list[int], key: list[int]) -> int:
    """Word 0 of Philox-4x32-10 in whole numbers of Python (Salmon et al. 2011)."""
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            second // WORD ^ counter[1] ^ key[0],
            second % WORD,
            first // WORD ^ counter[3] ^ key[1],
            first % WORD,
        ]
        key = [(key[0] + 0x9E3779B9) % WORD, (key[1] + 0xBB67AE85) % WORD]
    return counter[0]


def draw(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Seeds and steps of every size; 1 - p is a power of two, so quotients are exact."""
    p, layer = data.draw(st.sampled_from([0.0, 0.5, 0.75])), data.draw(st.integers(0, 2**32 - 1))
    seed, step = data.draw(st.integers(0, 2**63 - 1)), data.draw(st.integers(0, 2**63 - 1))
    x = draw_array(data, draw_shape(data), draw_dtype(data))
    return Dropout(p, layer), (x, np.array([seed, step], np.int64))


def brute(operator: Dropout, x: Array, key: Array):
    """Each element kept or dropped by a word of its own."""
    seed, step = map(int, key)
    y = np.zeros(x.shape)
    for e, cell in enumerate(np.ndindex(x.shape)):
        counter = [e % WORD, e // WORD, step % WORD, operator.layer]
        if philox(counter, [seed % WORD, seed // WORD]) >= operator.p * WORD:
            y[cell] = x[cell] / (1 - operator.p)
    return (y,)


KEY = Spec((2,), "int64")

RECORDS = (
    Record(
        Dropout,
        draw,
        brute,
        linear=(("x",),),
        fixed=("key",),
        refusals=(
            refusal("p must be at least 0 and below 1, got 1", lambda: Dropout(1.0)),
            refusal("p must be at least 0 and below 1, got -0.1", lambda: Dropout(-0.1)),
            refusal(r"key of dropout is int64 \(2,\)", lambda: Dropout(0.5), (3,), (2,)),
            refusal("not int64", lambda: Dropout(0.5), Spec((3,), "int64"), KEY),
            refusal("Dropout takes x, key; got 1", lambda: Dropout(0.5), (3,)),
        ),
    ),
)

FUNCTIONS = (
    Function(
        "dropout",
        torch="x p=0.5 training=True",
        ours=("layer=0", "seed=None"),
        given=lambda n: (np.ones(3), 0.5),
    ),
)
