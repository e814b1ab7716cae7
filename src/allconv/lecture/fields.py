"""Dilated convolution: how far a stack of layers sees."""

from __future__ import annotations

from typing import Any

import allconv as ac
from allconv import nn
from allconv.lecture.example import example
from allconv.lecture.parts import DILATED
from allconv.operators.base import Array


@example(
    DILATED,
    "Receptive fields after dilations 1, 2 and 4",
    slide="Aside: Dilated Convolution, (a), (b), (c); Yu and Koltun 2016, arXiv:1511.07122",
    printed="3 7 15",
    inputs={"kernel": 3, "dilations": [1, 2, 4]},
    drawn=True,
    note="Three layers, one on the other: how many cells across a unit of each sees, down to the "
    "image.",
)
def dilated(kernel: Array, dilations: Array) -> Any:
    layers = [nn.Conv1d(1, 1, int(kernel), dilation=d) for d in dilations.tolist()]
    stacks = [nn.Sequential(*layers[: n + 1]) for n in range(len(layers))]
    return [ac.receptive_field(stack, (1, 1, 100))[0][0].size for stack in stacks]
