"""What a 200x200 image costs: fully connected, locally connected, convolutional; sizes; how
far dilated layers see."""

from __future__ import annotations

from typing import Any

import allconv as ac
from allconv import nn
from allconv.lecture.example import example
from allconv.operators.base import Array

IMAGE = {"side": 200, "kernel": 10}


@example(
    "Fully connected: 200x200 image, 40K hidden units",
    slide="""
        200x200 image, 40K hidden units -> ~2B parameters!!!
        Spatial correlation is local; waste of resources, and we do not have enough training
        samples anyway
    """,
    printed="~2B",
    inputs={"side": 200, "hidden": 40_000},
)
def fully_connected(side: Array, hidden: Array) -> Any:
    size = int(side)
    net = nn.Sequential(nn.Flatten(), nn.Linear(size * size, int(hidden)))
    return [net.summary((1, 1, size, size)).parameters]


def counted(side: Array, kernel: Array) -> Any:
    """Fully connected, locally connected and convolutional: what each layer counts."""
    size = int(side)
    return ac.count_layers(1, 1, (size, size), int(kernel), padding="same")


@example(
    "Fully connected, to the last one: weights and biases",
    slide="200x200 image, 40K hidden units",
    printed="1,600,000,000 40,000",
    inputs={"side": 200},
    drawn=True,
    note="As many hidden units as pixels. Weights, then biases.",
)
def fully_connected_exactly(side: Array) -> Any:
    layer, _, _ = ac.count_layers(1, 1, (int(side), int(side)), 1)
    return [layer.weights, layer.biases]


@example(
    "Locally connected, 10x10: weights for each of 40K hidden units",
    slide="Locally Connected Layer: a hidden unit sees its neighbourhood, 10x10 say",
    printed="4,000,000",
    inputs=IMAGE,
    drawn=True,
    note="As many hidden units as pixels; biases are not counted, and a window at the border has "
    "all its weights.",
    working=lambda side, kernel: "\n".join(map(str, counted(side, kernel))),
)
def locally_connected(side: Array, kernel: Array) -> Any:
    _, layer, _ = counted(side, kernel)
    return [layer.weights]


@example(
    "Convolution, 10x10: the same weights for all, and as many multiply-adds",
    slide="Share the same parameters across different locations",
    printed="100 4,000,000",
    inputs=IMAGE,
    drawn=True,
    note="Weights, then multiply-adds of the whole image: products with padding zeros count, too.",
    working=lambda side, kernel: "\n".join(map(str, counted(side, kernel))),
)
def convolutional(side: Array, kernel: Array) -> Any:
    _, _, layer = counted(side, kernel)
    return [layer.weights, layer.multiply_adds]


@example(
    "The size of the output",
    slide="Dim = Dim(I) - Dim(W) + 1, drawn with Dim(I) = 4 and Dim(W) = 3",
    printed="2",
    inputs={"input": 4, "kernel": 3},
)
def output_size(input: Array, kernel: Array) -> Any:
    return [ac.sizes.output_size(int(input), int(kernel))]


@example(
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
