"""What each function of `allconv.functional` is called elsewhere."""

from __future__ import annotations

import re

from allconv import functional
from allconv.errors import ArgumentError

_FRAMEWORKS = ("torch", "keras", "jax", "onnx")
_LISTED = {  # torch, Keras, JAX, ONNX; "": it has none; a name "=" is ours, in the usual module.
    # A function that is not listed has no name elsewhere.
    "adaptive_avg_pool": ("=", "layers.AdaptiveAveragePooling2D", "", ""),
    "adaptive_max_pool": ("=", "layers.AdaptiveMaxPooling2D", "", ""),
    "avg_pool": ("=", "layers.AveragePooling2D", "lax.reduce_window", "AveragePool"),
    "batch_norm": ("=", "layers.BatchNormalization", "", "BatchNormalization"),
    "channel_shuffle": ("=", "", "", ""),
    "celu": ("=", "ops.celu", "nn.celu", "Celu"),
    "concatenate": ("cat", "ops.concatenate", "numpy.concatenate", "Concat"),
    "conv": ("=", "layers.Conv2D", "lax.conv_general_dilated", "Conv"),
    "conv_transpose": ("=", "layers.Conv2DTranspose", "lax.conv_transpose", "ConvTranspose"),
    "cross_entropy": ("=", "losses.SparseCategoricalCrossentropy", "", "SoftmaxCrossEntropyLoss"),
    "cumsum": ("cumsum", "ops.cumsum", "numpy.cumsum", "CumSum"),
    "dropout": ("=", "layers.Dropout", "", "Dropout"),
    "elu": ("=", "ops.elu", "nn.elu", "Elu"),
    "flatten": ("flatten", "layers.Flatten", "lax.collapse", "Flatten"),
    "fold": ("=", "ops.fold", "", "Col2Im"),
    "gelu": ("=", "ops.gelu", "nn.gelu", "Gelu"),
    "glu": ("=", "ops.glu", "nn.glu", ""),
    "group_norm": ("=", "layers.GroupNormalization", "", "GroupNormalization"),
    "hardshrink": ("=", "ops.hard_shrink", "", "Shrink"),
    "hardsigmoid": ("=", "ops.hard_sigmoid", "nn.hard_sigmoid", "HardSigmoid"),
    "hardswish": ("=", "ops.hard_silu", "nn.hard_swish", "HardSwish"),
    "hardtanh": ("=", "ops.hard_tanh", "nn.hard_tanh", "Clip"),
    "affine_grid": ("=", "", "", "AffineGrid"),
    "grid_sample": ("=", "", "", "GridSample"),
    "one_hot": ("=", "ops.one_hot", "nn.one_hot", "OneHot"),
    "index_select": ("index_select", "ops.take", "numpy.take", "Gather"),
    "interpolate": ("=", "layers.UpSampling2D", "image.resize", "Resize"),
    "instance_norm": ("=", "", "", "InstanceNormalization"),
    "layer_norm": ("=", "layers.LayerNormalization", "", "LayerNormalization"),
    "leaky_relu": ("=", "ops.leaky_relu", "nn.leaky_relu", "LeakyRelu"),
    "linear": ("=", "layers.Dense", "numpy.tensordot", "Gemm"),
    "local_response_norm": ("=", "", "", "LRN"),
    "locally_connected": ("", "", "lax.conv_general_dilated_local", ""),
    "locally_connected_transpose": ("", "", "", ""),
    "log_softmax": ("=", "ops.log_softmax", "nn.log_softmax", "LogSoftmax"),
    "logsigmoid": ("=", "ops.log_sigmoid", "nn.log_sigmoid", ""),
    "lp_pool": ("=", "", "", "LpPool"),
    "max_pool": ("=", "layers.MaxPooling2D", "lax.reduce_window", "MaxPool"),
    "max_unpool": ("=", "", "", "MaxUnpool"),
    "mish": ("=", "activations.mish", "nn.mish", "Mish"),
    "pad": ("=", "ops.pad", "numpy.pad", "Pad"),
    "pixel_shuffle": ("=", "", "", "DepthToSpace"),
    "pixel_unshuffle": ("=", "", "", "SpaceToDepth"),
    "prelu": ("=", "layers.PReLU", "", "PRelu"),
    "relu": ("=", "ops.relu", "nn.relu", "Relu"),
    "relu6": ("=", "ops.relu6", "nn.relu6", "Clip"),
    "rms_norm": ("=", "ops.rms_normalization", "", "RMSNormalization"),
    "rrelu": ("=", "", "", ""),
    "selu": ("=", "ops.selu", "nn.selu", "Selu"),
    "sigmoid": ("=", "ops.sigmoid", "nn.sigmoid", "Sigmoid"),
    "silu": ("=", "ops.silu", "nn.silu", ""),
    "softmax": ("=", "ops.softmax", "nn.softmax", "Softmax"),
    "softmin": ("=", "", "", ""),
    "softplus": ("=", "ops.softplus", "nn.softplus", "Softplus"),
    "softshrink": ("=", "ops.soft_shrink", "", "Shrink"),
    "softsign": ("=", "ops.softsign", "nn.soft_sign", "Softsign"),
    "tanh": ("=", "ops.tanh", "numpy.tanh", "Tanh"),
    "tanhshrink": ("=", "ops.tanh_shrink", "", ""),
    "threshold": ("=", "ops.threshold", "", "ThresholdedRelu"),
    "unfold": ("=", "ops.unfold", "lax.conv_general_dilated_patches", ""),
}


def families() -> tuple[str, ...]:
    """The functions of `allconv.functional`, those of one, two and three axes as one.

    >>> families()[:4]
    ('adaptive_avg_pool', 'adaptive_max_pool', 'affine_grid', 'avg_pool')
    """
    return tuple(dict.fromkeys(map(_family, functional.__all__)))


def names(function: str) -> dict[str, str]:
    """What torch, Keras, JAX and ONNX call a function of `allconv.functional`.

    Names as they are imported, of ONNX the operator; of functions over one, two or three axes that
    of two. A framework without such a thing is left out.

    >>> names("conv2d")  # doctest: +NORMALIZE_WHITESPACE
    {'torch': 'torch.nn.functional.conv2d', 'keras': 'keras.layers.Conv2D',
     'jax': 'jax.lax.conv_general_dilated', 'onnx': 'Conv'}
    >>> names("locally_connected2d")
    {'jax': 'jax.lax.conv_general_dilated_local'}
    """
    family = _family(str(function))
    if family not in families():
        raise ArgumentError(f"function is {function!r}; a name in allconv.functional is expected")
    theirs = dict(zip(_FRAMEWORKS, _LISTED.get(family, ("",) * len(_FRAMEWORKS)), strict=True))
    if theirs["torch"] == "=":
        theirs["torch"] = f"nn.functional.{_two(family)}"
    return {
        framework: name if framework == "onnx" else f"{framework}.{name}"
        for framework, name in theirs.items()
        if name
    }


def _family(function: str) -> str:
    return re.sub(r"[123]d$", "", function)


def _two(family: str) -> str:
    """The function of two axes, of a family that slides a window."""
    name = f"{family}2d"
    return name if name in functional.__all__ else family
