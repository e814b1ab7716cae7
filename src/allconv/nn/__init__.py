"""Layers and networks: classes that keep settings and parameters and call `allconv.functional`."""

from allconv.nn import networks
from allconv.nn.arrange import Flatten, Identity
from allconv.nn.correlate import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from allconv.nn.dropout import Dropout
from allconv.nn.linear import Linear
from allconv.nn.local import LocallyConnected1d, LocallyConnected2d, LocallyConnected3d
from allconv.nn.module import Module
from allconv.nn.normalize import BatchNorm1d, BatchNorm2d, BatchNorm3d
from allconv.nn.parameter import Buffer, Parameter
from allconv.nn.pointwise import (
    ELU,
    GELU,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from allconv.nn.pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool2d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from allconv.nn.sequential import Sequential

__all__ = [
    "ELU",
    "GELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Buffer",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LocallyConnected1d",
    "LocallyConnected2d",
    "LocallyConnected3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "networks",
]
