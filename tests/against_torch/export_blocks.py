"""What the networks of this folder share: blocks of layers, in plain PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'allconv[bench]'")
T = torch.nn
F = T.functional

Tensor = Any
CLASSES = 5


def seeded(net: Any) -> Any:
    """A network for inference with weights that make its answers depend on its input.

    As PyTorch begins, statistics of batch normalisation are 0 and 1, deep networks fade out, and
    slopes and scales are alike, so that an exporter would write one for all.
    """
    for module in net.modules():
        name = type(module).__name__
        if name in ("PReLU", "ConvNeXtBlock"):
            T.init.uniform_(module.weight if name == "PReLU" else module.scale, 0.1, 0.6)
        if isinstance(module, torch.nn.modules.conv._ConvNd):
            T.init.kaiming_normal_(module.weight)
        if name.startswith(("BatchNorm", "GroupNorm", "LayerNorm", "InstanceNorm")):
            if module.weight is not None:
                T.init.uniform_(module.weight, 0.5, 1.5)
                T.init.normal_(module.bias, std=0.1)
            if getattr(module, "running_var", None) is not None:
                T.init.uniform_(module.running_var, 0.5, 1.5)
                T.init.normal_(module.running_mean, std=0.1)
    return net.eval()


def conv(a: int, b: int, k: int = 3, s: int = 1, groups: int = 1, act: Any = T.ReLU) -> Any:
    """Convolution, batch normalisation, activation."""
    layers = [T.Conv2d(a, b, k, s, k // 2, groups=groups, bias=False), T.BatchNorm2d(b)]
    return T.Sequential(*layers, *([act()] if act else []))


class Squeeze(T.Module):
    """Squeeze-and-excitation: channels weighed by what a small network makes of their means."""

    def __init__(self, channels: int, inside: int, act: Any, gate: Any) -> None:
        super().__init__()
        self.pool = T.AdaptiveAvgPool2d(1)
        self.down, self.up = T.Conv2d(channels, inside, 1), T.Conv2d(inside, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.up(self.act(self.down(self.pool(x)))))


class Inverted(T.Module):
    """An inverted residual: 1x1, depthwise, perhaps squeeze-and-excitation, 1x1."""

    def __init__(
        self,
        a: int,
        b: int,
        wide: int,
        s: int = 1,
        k: int = 3,
        act: Any = T.ReLU6,
        gate: Any = None,
    ) -> None:
        super().__init__()
        layers = [conv(a, wide, 1, act=act), conv(wide, wide, k, s, wide, act)]
        if gate is not None:
            layers.append(
                Squeeze(wide, max(wide // 4, 4), T.SiLU if act is T.SiLU else T.ReLU, gate)
            )
        self.layers = T.Sequential(*layers, conv(wide, b, 1, act=None))
        self.adds = s == 1 and a == b

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return x + y if self.adds else y


class Basic(T.Module):
    """A basic block of ResNet."""

    def __init__(self, a: int, b: int, s: int = 1) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(a, b, 3, s), conv(b, b, act=None)
        self.shortcut = conv(a, b, 1, s, act=None) if s > 1 or a != b else T.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


class Channels(T.Module):
    """Layer normalisation over the channels of (N, C, H, W), by permuting them to the end."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = T.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Double(T.Module):
    """Two convolutions of a U-Net."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.layers = T.Sequential(conv(a, b), conv(b, b))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
