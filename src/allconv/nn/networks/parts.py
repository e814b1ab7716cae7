"""What the networks for photographs are made of; names of modules are those of torchvision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from allconv import functional
from allconv.errors import ShapeError
from allconv.nn.activations import ReLU
from allconv.nn.arrange import Flatten
from allconv.nn.correlate import Conv2d
from allconv.nn.module import Module
from allconv.nn.normalize import BatchNorm2d
from allconv.nn.pool import GlobalAvgPool2d
from allconv.nn.sequential import Sequential

LEAST = 32  # five strides of 2 leave one cell


class Named(Sequential):
    """Modules one after the other, under names instead of numbers."""

    def __init__(self, **modules: Module) -> None:
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)


class Residual(Named):
    """The input plus the result of the modules. He et al. 2015, arXiv:1512.03385."""

    def forward(self, *x: Any) -> Any:
        """The sum."""
        return x[0] + super().forward(*x)


class SqueezeExcitation(Module):
    """Each channel times a number between 0 and 1, which two layers find from all channels' means.

    Hu et al. 2018, arXiv:1709.01507; with the hard sigmoid of Howard et al. 2019, arXiv:1905.02244.
    """

    activation_kind: ClassVar[type[Module]] = ReLU

    def __init__(self, channels: int, squeezed: int) -> None:
        self.channels, self.squeezed = channels, squeezed
        self.avgpool = GlobalAvgPool2d()
        self.fc1 = Conv2d(channels, squeezed, 1)
        self.activation = self.activation_kind()
        self.fc2 = Conv2d(squeezed, channels, 1)

    def forward(self, x: Any) -> Any:
        """x (N, C, H, W) -> the same shape."""
        scale = self.fc2(self.activation(self.fc1(self.avgpool(x))))
        return x * self.gate(scale)

    def gate(self, scale: Any) -> Any:
        """The number of each channel."""
        return functional.hardtanh(scale * (1.0 / 6.0) + 0.5, 0.0, 1.0)


def classifier(features: Iterable[Module], head: Module) -> Named:
    """Layers one after the other, the mean of each channel, and a head on that."""
    return Named(
        features=Sequential(*features),
        avgpool=GlobalAvgPool2d(),
        flatten=Flatten(),
        classifier=head,
    )


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel: int = 1,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: Callable[[], Module] | None = None,
    eps: float = 1e-5,
    momentum: float = 0.1,
) -> Sequential:
    """A convolution without bias, padded by half its kernel; BatchNorm; the activation, if any."""
    return Sequential(
        Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        BatchNorm2d(out_channels, eps, momentum),
        *([activation()] if activation else []),
    )


def inverted_residual(
    in_channels: int,
    expanded: int,
    out_channels: int,
    kernel: int,
    stride: int,
    *,
    squeezed: int = 0,
    excitation: Callable[[int, int], Module] = SqueezeExcitation,
    activation: Callable[[], Module],
    eps: float = 0.001,
    momentum: float = 0.01,
) -> Named:
    """A block that is wide inside; added to its input where it keeps its shape.

    Conv 1x1, expanded, unless there are so many channels already; depthwise convolution;
    squeeze-and-excitation if `squeezed`; Conv 1x1, out_channels, without activation. Their
    normalisation is by default that of MobileNetV3.

    Sandler et al. 2018, arXiv:1801.04381, table 1 and figure 4.
    """
    settings: dict[str, Any] = {"eps": eps, "momentum": momentum}
    active: dict[str, Any] = settings | {"activation": activation}
    layers: list[Module] = []
    if expanded != in_channels:
        layers.append(conv_norm(in_channels, expanded, **active))
    layers.append(conv_norm(expanded, expanded, kernel, stride, groups=expanded, **active))
    if squeezed:
        layers.append(excitation(expanded, squeezed))
    layers.append(conv_norm(expanded, out_channels, **settings))
    kind = Residual if stride == 1 and in_channels == out_channels else Named
    return kind(block=Sequential(*layers))


def check_least(name: str, size: tuple[int, int], least: int = LEAST) -> None:
    """Refuse images that are too small for a network: `LEAST` where it halves them five times."""
    if min(size) < least:
        raise ShapeError(f"images are {size[0]} x {size[1]}; {name} needs {least} x {least}")
