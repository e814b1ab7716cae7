"""MobileNets, ResNets and EfficientNet-B0 as torchvision nests them: one state fits both, and so do
the results. Tables of widths are ours, which `tests/nn/test_photographs.py` holds against published
numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from torch_calls import torch

from allconv.nn import networks
from allconv.nn.networks.efficientnet import STAGES as EFFICIENT
from allconv.nn.networks.mobilenet_v2 import STAGES
from allconv.nn.networks.mobilenet_v3 import LARGE, SMALL, Block

T = torch.nn
CLASSES = 5


class Network(T.Module):
    """Modules by name, one after the other, flattened before the last."""

    def __init__(self, **modules: Any) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Any) -> Any:
        *body, head = self.children()
        for module in body:
            x = module(x)
        return head(torch.flatten(x, 1))


class Adding(T.Module):
    """Layers under a name, added to the input where the shape is kept."""

    def __init__(self, name: str, layers: Any, adds: bool) -> None:
        super().__init__()
        self.add_module(name, layers)
        self.name, self.adds = name, adds

    def forward(self, x: Any) -> Any:
        y = getattr(self, self.name)(x)
        return x + y if self.adds else y


class Squeeze(T.Module):
    """Squeeze-and-excitation."""

    def __init__(
        self, channels: int, squeezed: int, act: Any = T.ReLU, gate: Any = T.Hardsigmoid
    ) -> None:
        super().__init__()
        self.avgpool = T.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = T.Conv2d(channels, squeezed, 1), T.Conv2d(squeezed, channels, 1)
        self.activation, self.scale_activation = act(), gate()

    def forward(self, x: Any) -> Any:
        scale = self.fc2(self.activation(self.fc1(self.avgpool(x))))
        return self.scale_activation(scale) * x


def squeezed(channels: float) -> int:
    """The nearest multiple of 8, but not less than nine tenths."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near if near >= 0.9 * channels else near + 8


class Bottleneck(T.Module):
    """A block of ResNet-50."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = 4 * width
        self.conv1, self.bn1 = T.Conv2d(before, width, 1, bias=False), T.BatchNorm2d(width)
        self.conv2 = T.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = T.BatchNorm2d(width)
        self.conv3, self.bn3 = T.Conv2d(width, after, 1, bias=False), T.BatchNorm2d(after)
        self.relu, self.downsample = T.ReLU(), None
        if stride > 1 or before != after:
            shortcut = T.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = T.Sequential(shortcut, T.BatchNorm2d(after))

    def forward(self, x: Any) -> Any:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


class Basic(T.Module):
    """A block of ResNet-18."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = T.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1, self.relu = T.BatchNorm2d(width), T.ReLU()
        self.conv2 = T.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2, self.downsample = T.BatchNorm2d(width), None
        if stride > 1 or before != width:
            shortcut = T.Conv2d(before, width, 1, stride, bias=False)
            self.downsample = T.Sequential(shortcut, T.BatchNorm2d(width))

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (self.downsample(x) if self.downsample else x))


def conv(before: int, after: int, k: int, s: int, groups: int, act: Any, norm: Any) -> Any:
    """Convolution, normalisation, activation."""
    layer = T.Conv2d(before, after, k, s, k // 2, groups=groups, bias=False)
    return T.Sequential(layer, norm(after), *([act()] if act else []))


def mobilenet_v2() -> Any:
    """Blocks are named conv, and their last convolution is no block of its own."""
    norm, act, before = T.BatchNorm2d, T.ReLU6, 32
    layers = [conv(3, 32, 3, 2, 1, act, norm)]
    for factor, width, blocks, first in STAGES:
        for stride in [first] + [1] * (blocks - 1):
            inside = factor * before
            wide = [conv(before, inside, 1, 1, 1, act, norm)] if factor > 1 else []
            wide.append(conv(inside, inside, 3, stride, inside, act, norm))
            block = T.Sequential(*wide, T.Conv2d(inside, width, 1, bias=False), norm(width))
            layers.append(Adding("conv", block, stride == 1 and before == width))
            before = width
    layers.append(conv(before, 1280, 1, 1, 1, act, norm))
    head = T.Sequential(T.Dropout(0.2), T.Linear(1280, CLASSES))
    return Network(features=T.Sequential(*layers), pool=T.AdaptiveAvgPool2d(1), classifier=head)


def mobilenet_v3(table: tuple[Block, ...], hidden: int) -> Any:
    """Blocks are named block; a quarter of their channels is rounded to a multiple of 8."""
    norm, before = partial(T.BatchNorm2d, eps=0.001, momentum=0.01), 16
    layers = [conv(3, 16, 3, 2, 1, T.Hardswish, norm)]
    for kernel, inside, width, squeeze, activation, stride in table:
        act = getattr(T, activation.__name__)
        wide = [conv(before, inside, 1, 1, 1, act, norm)] if inside != before else []
        wide.append(conv(inside, inside, kernel, stride, inside, act, norm))
        wide += [Squeeze(inside, squeezed(inside / 4))] if squeeze else []
        block = T.Sequential(*wide, conv(inside, width, 1, 1, 1, None, norm))
        layers.append(Adding("block", block, stride == 1 and before == width))
        before = width
    layers.append(conv(before, 6 * before, 1, 1, 1, T.Hardswish, norm))
    head = T.Sequential(
        T.Linear(6 * before, hidden), T.Hardswish(), T.Dropout(0.2), T.Linear(hidden, CLASSES)
    )
    return Network(features=T.Sequential(*layers), pool=T.AdaptiveAvgPool2d(1), classifier=head)


def resnet(block: Any, factor: int, depths: tuple[int, ...]) -> Any:
    """Four stages of blocks, whose results have so many times their width."""
    before, stages = 64, {}
    for number, depth in enumerate(depths):
        blocks = []
        for place in range(depth):
            blocks.append(block(before, 64 << number, 2 if number and not place else 1))
            before = factor * (64 << number)
        stages[f"layer{number + 1}"] = T.Sequential(*blocks)
    first = T.Conv2d(3, 64, 7, 2, 3, bias=False)
    return Network(
        conv1=first, bn1=T.BatchNorm2d(64), relu=T.ReLU(), maxpool=T.MaxPool2d(3, 2, 1),
        **stages, avgpool=T.AdaptiveAvgPool2d(1), fc=T.Linear(before, CLASSES),
    )  # fmt: skip


def efficientnet_b0() -> Any:
    """Stages of blocks, each with squeeze-and-excitation to a quarter of what goes into it."""
    norm, act, before = T.BatchNorm2d, T.SiLU, 32
    stages = [conv(3, 32, 3, 2, 1, act, norm)]
    for factor, kernel, first, width, count in EFFICIENT:
        blocks = []
        for stride in [first] + [1] * (count - 1):
            inside = factor * before
            layers = [conv(before, inside, 1, 1, 1, act, norm)] if factor > 1 else []
            layers.append(conv(inside, inside, kernel, stride, inside, act, norm))
            layers.append(Squeeze(inside, before // 4, act, T.Sigmoid))
            layers.append(conv(inside, width, 1, 1, 1, None, norm))
            block = T.Sequential(*layers)
            blocks.append(Adding("block", block, stride == 1 and before == width))
            before = width
        stages.append(T.Sequential(*blocks))
    stages.append(conv(before, 1280, 1, 1, 1, act, norm))
    head = T.Sequential(T.Dropout(0.2), T.Linear(1280, CLASSES))
    return Network(features=T.Sequential(*stages), avgpool=T.AdaptiveAvgPool2d(1), classifier=head)


NETWORKS: dict[str, Callable[[], Any]] = {
    "mobilenet-v2": mobilenet_v2,
    "mobilenet-v3-small": partial(mobilenet_v3, SMALL, 1024),
    "mobilenet-v3-large": partial(mobilenet_v3, LARGE, 1280),
    "resnet-18": partial(resnet, Basic, 1, (2, 2, 2, 2)),
    "resnet-50": partial(resnet, Bottleneck, 4, (3, 4, 6, 3)),
    "efficientnet-b0": efficientnet_b0,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_state_of_torch(name: str, tmp_path: Path) -> None:
    """It has the same names in the same order, is loaded as it is, and gives the same answers.

    So does a safetensors file of it, as a wrapper of PyTorch names its parts, without counters.
    """
    torch.manual_seed(0)
    theirs = NETWORKS[name]()
    for layer in theirs.modules():  # as PyTorch begins, answers would not depend on the image
        if isinstance(layer, T.Conv2d):
            T.init.kaiming_normal_(layer.weight)
        if isinstance(layer, T.BatchNorm2d):
            T.init.uniform_(layer.running_var, 0.5, 1.5)
            T.init.normal_(layer.running_mean, std=0.1)
            T.init.normal_(layer.bias, std=0.1)
    state = {n: a.detach().numpy() for n, a in theirs.eval().state_dict().items()}
    ours = networks.build(name, 3, (64, 37), CLASSES)
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    x = np.random.default_rng(0).standard_normal((2, 3, 64, 37)).astype(np.float32)
    with torch.inference_mode():
        expected = theirs(torch.from_numpy(x)).numpy()
    scale = np.abs(expected).max()
    assert np.ptp(expected, axis=0).max() > 1e-2 * scale
    np.testing.assert_allclose(ours(x), expected, rtol=0, atol=1e-5 * scale)
    kept = {f"module.{n}": a for n, a in state.items() if "num_batches_tracked" not in n}
    save_file(kept, tmp_path / "state.safetensors")
    again = networks.build(name, 3, (64, 37), CLASSES)
    again.load_state_dict(tmp_path / "state.safetensors")
    assert again(x).tobytes() == ours(x).tobytes()
