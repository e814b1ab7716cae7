"""What type checkers know of the layers: written by scripts/layer_types, from the code."""

from typing import Any

from allconv.functional.settings import Padding, Sizes
from allconv.nn import networks as networks
from allconv.nn.activations import PReLU as PReLU
from allconv.nn.activations import RReLU as RReLU
from allconv.nn.arrange import Flatten as Flatten
from allconv.nn.arrange import Identity as Identity
from allconv.nn.dropout import Dropout as Dropout
from allconv.nn.linear import Linear as Linear
from allconv.nn.module import Module as Module
from allconv.nn.norms import GroupNorm as GroupNorm
from allconv.nn.norms import LayerNorm as LayerNorm
from allconv.nn.norms import RMSNorm as RMSNorm
from allconv.nn.parameter import Buffer as Buffer
from allconv.nn.parameter import Parameter as Parameter
from allconv.nn.sequential import Sequential as Sequential

class AdaptiveAvgPool1d(Module):
    axes: int
    output_size: Any
    def __init__(self, output_size: Any) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AdaptiveAvgPool2d(Module):
    axes: int
    output_size: Any
    def __init__(self, output_size: Any) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AdaptiveAvgPool3d(Module):
    axes: int
    output_size: Any
    def __init__(self, output_size: Any) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AdaptiveMaxPool1d(Module):
    axes: int
    output_size: Any
    return_indices: bool
    def __init__(self, output_size: Any, *, return_indices: bool = False) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AdaptiveMaxPool2d(Module):
    axes: int
    output_size: Any
    return_indices: bool
    def __init__(self, output_size: Any, *, return_indices: bool = False) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AdaptiveMaxPool3d(Module):
    axes: int
    output_size: Any
    return_indices: bool
    def __init__(self, output_size: Any, *, return_indices: bool = False) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AvgPool1d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int | None
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AvgPool2d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int | None
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class AvgPool3d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int | None
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class BatchNorm1d(Module):
    num_features: int
    eps: float
    momentum: float
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        *,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class BatchNorm2d(Module):
    num_features: int
    eps: float
    momentum: float
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        *,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class BatchNorm3d(Module):
    num_features: int
    eps: float
    momentum: float
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        *,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class CELU(Module):
    alpha: float
    def __init__(self, alpha: float = 1.0) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ChannelShuffle(Module):
    groups: int
    def __init__(self, groups: int) -> None: ...
    def forward(self, x: Any) -> Any: ...

class CircularPad1d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class CircularPad2d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class CircularPad3d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ConstantPad1d(Module):
    axes: int
    padding: Sizes
    value: float
    def __init__(self, padding: Sizes, value: float) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ConstantPad2d(Module):
    axes: int
    padding: Sizes
    value: float
    def __init__(self, padding: Sizes, value: float) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ConstantPad3d(Module):
    axes: int
    padding: Sizes
    value: float
    def __init__(self, padding: Sizes, value: float) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Conv1d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: Any
    padding_mode: str
    input_dilation: Sizes
    flip: bool
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
        padding_mode: str = "zeros",
        input_dilation: Sizes = 1,
        flip: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Conv2d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: Any
    padding_mode: str
    input_dilation: Sizes
    flip: bool
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
        padding_mode: str = "zeros",
        input_dilation: Sizes = 1,
        flip: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Conv3d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: Any
    padding_mode: str
    input_dilation: Sizes
    flip: bool
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
        padding_mode: str = "zeros",
        input_dilation: Sizes = 1,
        flip: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ConvTranspose1d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    stride: Sizes
    padding: Padding
    output_padding: Sizes
    groups: int
    bias: Any
    dilation: Sizes
    output_size: Sizes | None
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ConvTranspose2d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    stride: Sizes
    padding: Padding
    output_padding: Sizes
    groups: int
    bias: Any
    dilation: Sizes
    output_size: Sizes | None
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ConvTranspose3d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    stride: Sizes
    padding: Padding
    output_padding: Sizes
    groups: int
    bias: Any
    dilation: Sizes
    output_size: Sizes | None
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ELU(Module):
    alpha: float
    def __init__(self, alpha: float = 1.0) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Fold(Module):
    axes: int
    output_size: Sizes
    kernel_size: Sizes
    dilation: Sizes
    padding: Sizes
    stride: Sizes
    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class GELU(Module):
    approximate: str
    def __init__(self, approximate: str = "none") -> None: ...
    def forward(self, x: Any) -> Any: ...

class GLU(Module):
    dim: int
    def __init__(self, dim: int = -1) -> None: ...
    def forward(self, x: Any) -> Any: ...

class GlobalAvgPool1d(Module):
    axes: int
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class GlobalAvgPool2d(Module):
    axes: int
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class GlobalAvgPool3d(Module):
    axes: int
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class GlobalMaxPool1d(Module):
    axes: int
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class GlobalMaxPool2d(Module):
    axes: int
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class GlobalMaxPool3d(Module):
    axes: int
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Hardshrink(Module):
    lambd: float
    def __init__(self, lambd: float = 0.5) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Hardsigmoid(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Hardswish(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Hardtanh(Module):
    min_val: float
    max_val: float
    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None: ...
    def forward(self, x: Any) -> Any: ...

class InstanceNorm1d(Module):
    num_features: int
    eps: float
    momentum: float
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        *,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class InstanceNorm2d(Module):
    num_features: int
    eps: float
    momentum: float
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        *,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class InstanceNorm3d(Module):
    num_features: int
    eps: float
    momentum: float
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        *,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LPPool1d(Module):
    axes: int
    norm_type: float
    kernel_size: Sizes
    stride: Sizes | None
    ceil_mode: bool
    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        *,
        ceil_mode: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LPPool2d(Module):
    axes: int
    norm_type: float
    kernel_size: Sizes
    stride: Sizes | None
    ceil_mode: bool
    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        *,
        ceil_mode: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LPPool3d(Module):
    axes: int
    norm_type: float
    kernel_size: Sizes
    stride: Sizes | None
    ceil_mode: bool
    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        *,
        ceil_mode: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LeakyReLU(Module):
    negative_slope: float
    def __init__(self, negative_slope: float = 0.01) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LocalResponseNorm(Module):
    size: int
    alpha: float
    beta: float
    k: float
    def __init__(
        self,
        size: int,
        alpha: float = 0.0001,
        beta: float = 0.75,
        k: float = 1.0,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LocallyConnected1d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    input_size: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: Any
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LocallyConnected2d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    input_size: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: Any
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LocallyConnected3d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    input_size: Sizes
    stride: Sizes
    padding: Padding
    dilation: Sizes
    groups: int
    bias: Any
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        bias: bool = True,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LocallyConnectedTranspose1d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    input_size: Sizes
    stride: Sizes
    padding: Padding
    output_padding: Sizes
    groups: int
    bias: Any
    dilation: Sizes
    output_size: Sizes | None
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LocallyConnectedTranspose2d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    input_size: Sizes
    stride: Sizes
    padding: Padding
    output_padding: Sizes
    groups: int
    bias: Any
    dilation: Sizes
    output_size: Sizes | None
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LocallyConnectedTranspose3d(Module):
    axes: int
    in_channels: int
    out_channels: int
    kernel_size: Sizes
    input_size: Sizes
    stride: Sizes
    padding: Padding
    output_padding: Sizes
    groups: int
    bias: Any
    dilation: Sizes
    output_size: Sizes | None
    weight: Any
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        input_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        *,
        bias: bool = True,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LogSigmoid(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class LogSoftmax(Module):
    dim: int
    def __init__(self, dim: int = 1) -> None: ...
    def forward(self, x: Any) -> Any: ...

class MaxPool1d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    dilation: Sizes
    ceil_mode: bool
    return_indices: bool
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class MaxPool2d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    dilation: Sizes
    ceil_mode: bool
    return_indices: bool
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class MaxPool3d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    dilation: Sizes
    ceil_mode: bool
    return_indices: bool
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class MaxUnpool1d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    output_size: Sizes | None
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any, indices: Any) -> Any: ...

class MaxUnpool2d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    output_size: Sizes | None
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any, indices: Any) -> Any: ...

class MaxUnpool3d(Module):
    axes: int
    kernel_size: Sizes
    stride: Sizes | None
    padding: Sizes
    output_size: Sizes | None
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        *,
        output_size: Sizes | None = None,
    ) -> None: ...
    def forward(self, x: Any, indices: Any) -> Any: ...

class Mish(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class PixelShuffle(Module):
    upscale_factor: int
    def __init__(self, upscale_factor: int) -> None: ...
    def forward(self, x: Any) -> Any: ...

class PixelUnshuffle(Module):
    downscale_factor: int
    def __init__(self, downscale_factor: int) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReLU(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReLU6(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReflectionPad1d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReflectionPad2d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReflectionPad3d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReplicationPad1d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReplicationPad2d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ReplicationPad3d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class SELU(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class SiLU(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Sigmoid(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Softmax(Module):
    dim: int
    def __init__(self, dim: int = 1) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Softmin(Module):
    dim: int
    def __init__(self, dim: int = 1) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Softplus(Module):
    beta: float
    threshold: float
    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Softshrink(Module):
    lambd: float
    def __init__(self, lambd: float = 0.5) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Softsign(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Tanh(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Tanhshrink(Module):
    def __init__(self) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Threshold(Module):
    threshold: float
    value: float
    def __init__(self, threshold: float, value: float) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Unfold(Module):
    axes: int
    kernel_size: Sizes
    dilation: Sizes
    padding: Sizes
    stride: Sizes
    def __init__(
        self,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class Upsample(Module):
    size: Any
    scale_factor: Any
    mode: str
    align_corners: bool | None
    recompute_scale_factor: bool | None
    antialias: bool
    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        *,
        antialias: bool = False,
    ) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ZeroPad1d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ZeroPad2d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

class ZeroPad3d(Module):
    axes: int
    padding: Sizes
    def __init__(self, padding: Sizes) -> None: ...
    def forward(self, x: Any) -> Any: ...

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Buffer",
    "CELU",
    "ChannelShuffle",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "ELU",
    "Flatten",
    "Fold",
    "GELU",
    "GLU",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalAvgPool3d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GlobalMaxPool3d",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LocallyConnected1d",
    "LocallyConnected2d",
    "LocallyConnected3d",
    "LocallyConnectedTranspose1d",
    "LocallyConnectedTranspose2d",
    "LocallyConnectedTranspose3d",
    "LogSigmoid",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Mish",
    "Module",
    "PReLU",
    "Parameter",
    "PixelShuffle",
    "PixelUnshuffle",
    "RMSNorm",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "SELU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Unfold",
    "Upsample",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
    "networks",
]
