"""Networks to train, as plain data from which any engine builds its own."""

from __future__ import annotations

from typing import Any, TypeAlias

from allconv.bench.workload import STEP, Workload

Row: TypeAlias = list[Any]
"""A kind of layer and its numbers: ["conv", in, out, kernel, stride, padding], ["bn", channels],
["relu"], ["maxpool", kernel, stride], ["dropout", p], ["flatten"], ["linear", in, out],
["globalavg"]."""


def _block(before: int, after: int, stride: int = 1) -> list[Row]:
    return [["conv", before, after, 3, stride, 1], ["bn", after], ["relu"]]


def _stages(before: int, widths: tuple[int, ...], dropout: float) -> list[Row]:
    """Two blocks a width, each stage halved by pooling."""
    rows: list[Row] = []
    for width in widths:
        rows += [*_block(before, width), *_block(width, width)]
        rows += [["maxpool", 2, 2], ["dropout", dropout]]
        before = width
    return rows


def _all_cnn() -> list[Row]:
    rows = [*_block(1, 32), *_block(32, 32), *_block(32, 32, 2), ["dropout", 0.25]]
    rows += [*_block(32, 64), *_block(64, 64), *_block(64, 64, 2), ["dropout", 0.25]]
    return [*rows, ["conv", 64, 10, 1, 1, 0], ["globalavg"], ["flatten"]]


def _all_cnn_c() -> list[Row]:
    rows: list[Row] = []
    before = 3
    for width in (96, 192):
        for stride in (1, 1, 2):
            rows += [["conv", before, width, 3, stride, 1], ["relu"]]
            before = width
        rows.append(["dropout", 0.5])
    for out, kernel in ((192, 3), (192, 1)):
        rows += [["conv", 192, out, kernel, 1, 0], ["relu"]]
    return [*rows, ["conv", 192, 10, 1, 1, 0], ["globalavg"], ["flatten"]]


NETWORKS: dict[str, list[Row]] = {
    "convnet": [*_stages(1, (32, 64), 0.25), ["flatten"], ["linear", 64 * 7 * 7, 10]],
    "all-cnn": _all_cnn(),
    "all-cnn-c": _all_cnn_c(),
    "wide": [*_stages(3, (48, 96, 192), 0.25), ["flatten"], ["linear", 192 * 6 * 6, 10]],
}
"""convnet, all-cnn and all-cnn-c are those of `allconv.nn.networks`; wide is convnet with one more
stage and half as many channels again."""

STEPS = [  # network, optimizer, shape of a batch
    ("convnet", "adamw", (64, 1, 28, 28)),
    ("convnet", "sgd", (64, 1, 28, 28)),
    ("all-cnn", "adamw", (64, 1, 28, 28)),
    ("wide", "adamw", (32, 3, 48, 48)),
    ("wide", "sgd", (32, 3, 48, 48)),
    ("all-cnn-c", "sgd", (32, 3, 32, 32)),
]
COMPARED_STEPS = 3  # the losses of so many, without dropout, tell whether engines agree
CLASSES, RATE, MOMENTUM, WEIGHT_DECAY = 10, 1e-3, 0.9, 5e-4


def training_workloads() -> list[Workload]:
    """Whole steps: forward, loss, backward, update."""
    return [
        Workload(
            f"{name}, {' x '.join(map(str, shape))}, {optimizer}",
            "training step",
            STEP,
            {"layers": NETWORKS[name], "optimizer": optimizer, "shape": list(shape)},
        )
        for name, optimizer, shape in STEPS
    ]


def without_dropout(rows: list[Row]) -> list[Row]:
    """The same layers without random ones, so that engines can be compared."""
    return [["dropout", 0.0] if row[0] == "dropout" else row for row in rows]


def built(rows: list[Row], nn: Any) -> Any:
    """The network of `allconv.nn` or `torch.nn` that rows describe: both have the same names."""

    def module(row: Row) -> Any:
        kind, *numbers = row
        return getattr(nn, MODULES[kind])(*(numbers or FIXED.get(kind, [])))

    return nn.Sequential(*map(module, rows))


MODULES = {
    "conv": "Conv2d",
    "bn": "BatchNorm2d",
    "relu": "ReLU",
    "maxpool": "MaxPool2d",
    "dropout": "Dropout",
    "flatten": "Flatten",
    "linear": "Linear",
    "globalavg": "AdaptiveAvgPool2d",
}
FIXED = {"globalavg": [1]}  # to one cell
