"""The table of frameworks: how each lays out its arrays, and what it calls each kind of layer.

A row of calls is a text and the steps for what it has no word for; the words for settings are the
framework's. What is special to one is in special.py. README.md tells how to add a framework.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from allconv.conventions import special
from allconv.conventions.framework import Call, Framework
from allconv.conventions.layouts import Layout
from allconv.conventions.sized_layer import SizedLayer
from allconv.conventions.special import keras_layer, node, sums
from allconv.conventions.steps import (
    around,
    by_group,
    crop,
    cut,
    keep,
    no_spread,
    pad,
    padder,
    plus_bias,
    refuse,
    rows_alone,
    spread_taps,
    strided,
)
from allconv.errors import ArgumentError

# What words are given.


def unless(default: Any, given: Callable[[SizedLayer], Any]) -> Callable[[SizedLayer], Any]:
    """What a word is given, or None where that is the default on every axis."""

    def value(layer: SizedLayer) -> Any:
        found = given(layer)
        each = found if isinstance(found, tuple) else (found,)
        return None if set(each) == {default} else found

    return value


def _stride(layer: SizedLayer) -> Any:
    """Left out where it is 1 in a convolution; other calls have another default, or none."""
    return _strides_above_1(layer) if layer.kind == "convolution" else layer.stride


_strides_above_1 = unless(1, attrgetter("stride"))
_dilation = unless(1, attrgetter("dilation"))
_groups = unless(1, attrgetter("groups"))
_low = unless(0, attrgetter("low"))
_all_strides, _all_ends, _kernel = map(attrgetter, ("stride", "exact_ends", "window.kernel"))


# When a step is taken.


_both = attrgetter("strides_taps")


def _uncounted(layer: SizedLayer) -> bool:
    return not layer.count_padding


# What rows share.


def _names(weight: str, bias: str) -> dict[str, str]:
    return {"weight": weight, "bias": bias}


def _norm(weight: str, bias: str, mean: str, variance: str) -> dict[str, str]:
    return {**_names(weight, bias), "running_mean": mean, "running_var": variance}


_TORCH_NORM = _norm("weight", "bias", "running_mean", "running_var")
_IN_TF, _IN_TORCH = padder("tf.pad"), special.torch_pad
_LOWEST, _LOWEST_TF = ", constant_values=-np.inf", ', constant_values=float("-inf")'
_BY_GROUP = by_group("np.split", "np.concatenate")

_TORCH = Framework(
    "torch",  # `torch.nn.functional` on NumPy arrays
    Layout(
        "NC*", "OI*", "IO*", "OI", "OI*", _names("weight", "bias"), _TORCH_NORM,
        "correlates; same padding only at stride 1; momentum is the share of the new",
    ),
    'padding="same": d*(k-1) zeros, the odd one at the end; stride 1 only',
    {"": "import torch\nfrom torch.nn import functional as F"},
    {"stride": _stride, "padding": _low, "output_padding": unless(0, special.torch_extra),
     "dilation": _dilation, "groups": _groups},
    [no_spread("torch"), special.tensors],
    {
        "convolution": Call(
            "y = F.conv{p.axes}d({names}{settings})", [pad(special.one_number, _IN_TORCH)]
        ),
        "transposed": Call(
            "y = F.conv_transpose{p.axes}d({names}{settings})",
            [cut(special.torch_transposes, _IN_TORCH)],
        ),
        "linear": Call("y = F.linear({names})"),
        "max pooling": Call(
            "y = F.max_pool{p.axes}d(x, {p.window.kernel}{settings})",
            [pad(special.half, _IN_TORCH, ', value=float("-inf")')],
        ),
        "average pooling": Call(
            "y = F.avg_pool{p.axes}d(x, {p.window.kernel}{settings})",
            [pad(special.half, _IN_TORCH)],
        ),
        "uncounted average": Call(
            "y = F.avg_pool{p.axes}d(x, {p.window.kernel}{settings}, count_include_pad=False)",
            [refuse(lambda p: not special.half(p),
                    "torch leaves out only padding that is alike on both sides")],
        ),
        "batch normalisation": Call(
            "y = F.batch_norm(x, running_mean, running_var, weight, bias, eps={p.eps})"
        ),
        "bare normalisation": Call("y = F.batch_norm(x, running_mean, running_var, eps={p.eps})"),
    },
)  # fmt: skip

_TENSORFLOW = Framework(
    "TensorFlow",  # `tf.nn` on NumPy arrays, channels last
    Layout(
        "N*C", "*IO", "*OI", "IO", "*IM", _names("kernel", "bias"),
        _norm("scale", "offset", "mean", "variance"),
        "correlates; SAME makes ceil(I/s) outputs, the odd zero at the end",
    ),
    "SAME, as few zeros as give ceil(i/s) outputs, the odd one at the end",
    {"np.": "import numpy as np", "": "import tensorflow as tf"},
    {"strides": _stride, "padding": special.tf_padding, "dilations": _dilation},
    [no_spread("TensorFlow")],
    {
        "convolution": Call(
            "y = tf.nn.convolution(x, kernel{settings})",
            [plus_bias, pad(special.tf_same, _IN_TF), strided(_both),
             by_group("tf.split", "tf.concat")],
        ),
        "depthwise": Call(
            "y = tf.nn.depthwise_conv2d(x, kernel{settings})",
            [plus_bias, pad(by=_IN_TF), strided(special.uneven)],
            {"strides": lambda p: (1, *p.stride, 1), "padding": special.tf_padding,
             "dilations": _dilation},
        ),
        "transposed": Call(
            "y = tf.nn.conv_transpose(x, kernel, shape{settings})",
            [cut(special.tf_transposes, _IN_TF), plus_bias, spread_taps(),
             by_group("tf.split", "tf.concat"), special.tf_shape],
        ),
        "linear": Call("y = tf.tensordot(x, kernel, 1)", [plus_bias]),
        "max pooling": Call(
            'y = tf.nn.pool(x, {p.window.kernel}, "MAX"{settings})',
            [pad(special.tf_same, _IN_TF, _LOWEST_TF), strided(special.tf_strides_after)],
        ),
        "average pooling": Call(
            'y = tf.nn.pool(x, {p.window.kernel}, "AVG"{settings})',
            [refuse(lambda p: _uncounted(p) and p.is_padded and not special.tf_same(p),
                    "TensorFlow leaves out only the padding of SAME"),
             pad(_uncounted, _IN_TF), strided(special.tf_strides_after)],
        ),
        "batch normalisation": Call(
            "y = tf.nn.batch_normalization(x, mean, variance, offset, scale, {p.eps})"
        ),
        "bare normalisation": Call(
            "y = tf.nn.batch_normalization(x, mean, variance, None, None, {p.eps})"
        ),
    },
)  # fmt: skip

_KERAS = Framework(
    "Keras",  # one layer given the weights, on the backend that is installed, channels last
    Layout(
        "N*C", "*IO", "*OI", "IO", "*IM", _names("kernel", "bias"),
        _norm("gamma", "beta", "moving_mean", "moving_variance"),
        "as tensorflow; epsilon is 1e-3 unless given; momentum is the share of the old",
    ),
    "as tensorflow",
    {"": "import keras", "np.": "import numpy as np"},
    {"strides": _stride, "padding": special.keras_padding, "dilation_rate": _dilation,
     "use_bias": special.keras_bias, "groups": special.keras_groups},
    [no_spread("Keras")],
    {
        "convolution": Call(
            keras_layer("Conv{p.axes}D(kernel.shape[-1], {p.window.kernel}{settings})"),
            [pad(special.keras_names), strided(_both)],
        ),
        "depthwise": Call(
            keras_layer(
                "DepthwiseConv2D({p.window.kernel}, depth_multiplier=kernel.shape[-1]{settings})"
            ),
            [pad(special.keras_names), strided(special.uneven)],
        ),
        "transposed": Call(
            keras_layer("Conv{p.axes}DTranspose(kernel.shape[-2], {p.window.kernel}{settings})"),
            [refuse(_groups,
                    'Keras has no groups in transposed layers; "tensorflow" has a call'),
             cut(special.keras_names), spread_taps(_both)],
        ),
        "linear": Call(
            keras_layer("Dense(kernel.shape[-1]{settings})"), (), {"use_bias": special.keras_bias}
        ),
        "max pooling": Call(
            "y = keras.layers.MaxPooling{p.axes}D({p.window.kernel}{settings})(x)",
            [refuse(_dilation, 'Keras has no dilation in pooling; "tensorflow" has a call'),
             pad(special.keras_names, fill=_LOWEST)],
        ),
        "average pooling": Call(
            "y = keras.layers.AveragePooling{p.axes}D({p.window.kernel}{settings})(x)",
            [refuse(lambda p: _uncounted(p) and p.is_padded and not special.keras_names(p),
                    'Keras leaves out only the padding of "same"'),
             pad(_uncounted)],
        ),
        "batch normalisation": Call(keras_layer("BatchNormalization(epsilon={p.eps})")),
        "bare normalisation": Call(
            keras_layer("BatchNormalization(epsilon={p.eps}, center=False, scale=False)")
        ),
    },
)  # fmt: skip

_JAX = Framework(
    "JAX",  # `jax.lax` on NumPy arrays, in the layout of Flax (channels last)
    Layout(
        "N*C", "*IO", "*OI", "IO", "*IO", _names("kernel", "bias"),
        _norm("scale", "bias", "mean", "var"),
        "correlates; transposed with transpose_kernel=True, else the kernel is *IO, flipped",
        local=True,
    ),
    "SAME, as tensorflow",
    {"jnp.": "import jax.numpy as jnp", "": "from jax import lax"},
    {"window_dimensions": lambda p: around(p.layout.image, p.window.kernel, 1),
     "window_strides": lambda p: around(p.layout.image, p.stride, 1),
     "padding": lambda p: around(p.layout.image, p.exact_ends, (0, 0)),
     "window_dilation": unless(1, lambda p: around(p.layout.image, p.dilation, 1))},
    [],
    {
        "convolution": Call(
            "y = lax.conv_general_dilated(x, kernel{settings})", [plus_bias],
            {"window_strides": _all_strides, "padding": _all_ends,
             "lhs_dilation": unless(1, attrgetter("input_dilation")), "rhs_dilation": _dilation,
             "dimension_numbers": special.dimensions, "feature_group_count": _groups},
        ),
        "transposed": Call(
            "y = lax.conv_transpose(x, kernel{settings}, transpose_kernel=True)",
            [by_group("jnp.split", "jnp.concatenate"), plus_bias],
            {"strides": _all_strides, "padding": special.jax_ends, "rhs_dilation": _dilation,
             "dimension_numbers": special.dimensions},
        ),
        "locally connected": Call(
            "y = lax.conv_general_dilated_local(x, kernel{settings})",
            [refuse(_groups, "JAX's locally connected layers have no groups"), plus_bias],
            {"window_strides": _all_strides, "padding": _all_ends, "filter_shape": _kernel,
             "rhs_dilation": _dilation, "dimension_numbers": special.dimensions},
        ),
        "linear": Call("y = jnp.tensordot(x, kernel, 1)", [plus_bias]),
        "max pooling": Call("y = lax.reduce_window(x, -jnp.inf, lax.max{settings})"),
        "average pooling": Call(
            "y = lax.reduce_window(x, 0.0, lax.add{settings}) / {p.window.taps}"
        ),
        "uncounted average": Call(
            "counts = lax.reduce_window(jnp.ones_like(x), 0.0, lax.add{settings})\n"
            "y = lax.reduce_window(x, 0.0, lax.add{settings}) / counts"
        ),
        "batch normalisation": Call("y = (x - mean) * lax.rsqrt(var + {p.eps}) * scale + bias"),
        "bare normalisation": Call("y = (x - mean) * lax.rsqrt(var + {p.eps})"),
    },
)  # fmt: skip

_ONNX = Framework(
    "ONNX",  # one node, run by the reference evaluator; other runtimes take the same node
    Layout(
        "NC*", "OI*", "IO*", "OI", "OI*", _names("W", "B"),
        _norm("scale", "B", "input_mean", "input_var"),
        "correlates; SAME_UPPER and SAME_LOWER; momentum is the share of the old",
    ),
    "SAME_UPPER as tensorflow; SAME_LOWER has the odd one at the start",
    {"np.": "import numpy as np",
     "": "from onnx import helper\nfrom onnx.reference import ReferenceEvaluator"},
    {"strides": _stride, "pads": special.pads,
     "output_padding": unless(0, special.onnx_extra), "dilations": _dilation, "group": _groups},
    [no_spread("ONNX")],
    {
        "convolution": Call(node("Conv"), [crop]),
        "transposed": Call(
            node("ConvTranspose"),  # the evaluator splits the weights of groups wrongly
            [_BY_GROUP, cut(special.onnx_transposes)],
        ),
        "linear": Call(node("Gemm"), [rows_alone("Gemm")], {"transB": lambda p: 1}),
        "max pooling": Call(node("MaxPool", ", kernel_shape={p.window.kernel}"), [crop]),
        "average pooling": Call(
            node("AveragePool", ", kernel_shape={p.window.kernel}, count_include_pad=1"), [crop]
        ),
        "uncounted average": Call(node("AveragePool", ", kernel_shape={p.window.kernel}"), [crop]),
        "batch normalisation": Call(
            node("BatchNormalization"), [special.ones_and_zeros], {"epsilon": attrgetter("eps")}
        ),
    },
)  # fmt: skip

_IN_FILTERS = refuse(
    lambda p: _uncounted(p) or _dilation(p),
    "SciPy's filters count the padding and have no dilation",
)
_CENTRES, _FIRST = keep(lambda axis: axis.kernel // 2), keep(lambda axis: 0)
_SLIDING = [plus_bias, pad(), strided(), _BY_GROUP, spread_taps()]
_SCIPY = Framework(
    # `scipy.signal` slides one kernel over one array, without batch and channels, and has both
    # words: `correlate` leaves the kernel as it is, `convolve` flips it
    "SciPy",
    Layout(
        "NC*", "OI*", "IO*", "OI", "OI*", _names("weight", "bias"), _TORCH_NORM,
        "correlate and convolve, named apart; one kernel on one channel at a time",
    ),
    'mode="same": d*(k-1) zeros, the odd one at the start; stride 1 only',
    {"": "import numpy as np", "ndimage.": "from scipy import ndimage",
     "signal.": "from scipy import signal"},
    {"size": lambda p: (1, 1, *p.window.kernel)},
    [no_spread("SciPy")],
    {
        "convolution": Call(sums('signal.correlate(a, b, "valid", "direct")', "weight"), _SLIDING),
        "true convolution": Call(
            sums('signal.convolve(a, b, "valid", "direct")', "weight"), _SLIDING
        ),
        "transposed": Call(
            sums('signal.convolve(a, b, "full", "direct")', "weight.swapaxes(0, 1)"),
            [_BY_GROUP, cut(), plus_bias, spread_taps(), special.stuffed],
        ),
        "linear": Call("y = np.tensordot(x, weight, ((-1,), (1,)))", [plus_bias]),
        "max pooling": Call(
            'y = ndimage.maximum_filter(x{settings}, mode="nearest")',
            [_IN_FILTERS, pad(fill=_LOWEST), _CENTRES],
        ),
        "average pooling": Call(
            'y = ndimage.uniform_filter(x{settings}, mode="nearest")',
            [_IN_FILTERS, pad(), _CENTRES],
        ),
    },
)  # fmt: skip

_IN_TWO = refuse(lambda p: p.axes != 2, "OpenCV's images have 2 axes, these {p.axes}")
_OPENCV = Framework(
    # `filter2D` correlates one kernel with each channel of one image; with the anchor at the first
    # tap an output is the first cell that its window touches; what its border adds is not used
    "OpenCV",
    Layout(
        "N*C", "OI*", "IO*", "OI", "OI*", _names("weight", "bias"), _TORCH_NORM,
        "filter2D correlates, anchor in the middle, mirrored border; one kernel at a time",
    ),
    "as scipy, if told borderType=cv2.BORDER_CONSTANT: its borders are mirrored",
    {"": "import cv2", "np.": "import numpy as np"},
    {"ksize": lambda p: p.window.kernel[::-1]},
    [no_spread("OpenCV")],
    {
        "convolution": Call(
            "def cells(image, kernels):\n"
            "    channels = zip(np.moveaxis(image, -1, 0), kernels)\n"
            "    return sum(cv2.filter2D(a, -1, b, anchor=(0, 0)) for a, b in channels)\n\n"
            "y = np.stack([np.dstack([cells(image, each) for each in weight]) for image in x])",
            [_IN_TWO, plus_bias, pad(), _BY_GROUP, spread_taps(), _FIRST],
        ),
        "linear": Call(
            "y = cv2.gemm(x, weight, 1, None, 0, flags=cv2.GEMM_2_T)",
            [rows_alone("cv2.gemm"), plus_bias],
        ),
        "max pooling": Call(
            "y = [cv2.dilate(image, taps, anchor=(0, 0)) for image in x]\n"
            "y = np.reshape(y, x.shape)",
            [_IN_TWO, pad(fill=_LOWEST), _FIRST, special.taps],
        ),
        "average pooling": Call(
            "y = [cv2.blur(image{settings}, anchor=(0, 0)) for image in x]\n"
            "y = np.reshape(y, x.shape)",
            [_IN_TWO, refuse(_uncounted, "cv2.blur counts the padding"), pad(), _FIRST],
        ),
    },
)  # fmt: skip

TABLE = {
    "torch": _TORCH,
    "tensorflow": _TENSORFLOW,
    "keras": _KERAS,
    "jax": _JAX,
    "onnx": _ONNX,
    "scipy": _SCIPY,
    "opencv": _OPENCV,
}
LAYOUTS = {name: row.layout for name, row in TABLE.items()}
OURS = LAYOUTS["torch"]


def framework_of(name: str) -> Framework:
    """The row of a framework; another name is refused with the list."""
    if name not in TABLE:
        known = ", ".join(f'"{each}"' for each in TABLE)
        raise ArgumentError(f"framework is {name!r}; one of {known} is expected")
    return TABLE[name]
