"""How the attributes of single nodes are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onnx import TensorProto, helper, numpy_helper

Draw = np.random.Generator


def few(draw: Draw, low: int, high: int, count: int) -> list[int]:
    """So many whole numbers from low to high."""
    return [int(n) for n in draw.integers(low, high + 1, count)]


def number(draw: Draw) -> float:
    """A number as attributes have them, sometimes a joint."""
    values = [0.0, 1.0, -1.0, 0.5, 2.0, float(np.float32(draw.standard_normal()))]
    return values[draw.integers(len(values))]


def pick(draw: Draw, *choices: Any) -> Any:
    """One of these."""
    return choices[draw.integers(len(choices))]


# How an attribute is drawn, from the number of axes of x
ATTRIBUTES: dict[str, Callable[[Draw, int], Any]] = {
    "allowzero": lambda d, r: pick(d, 0, 1),
    "alpha": lambda d, r: number(d),
    "approximate": lambda d, r: pick(d, "none", "tanh", "other"),
    "auto_pad": lambda d, r: pick(d, "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
    "axes": lambda d, r: few(d, -r, r, int(d.integers(1, 3))),
    "axis": lambda d, r: few(d, -r, r, 1)[0],
    "beta": lambda d, r: number(d),
    "bias": lambda d, r: number(d),
    "broadcast": lambda d, r: pick(d, 0, 1, 1),
    "ceil_mode": lambda d, r: pick(d, 0, 1),
    "count_include_pad": lambda d, r: pick(d, 0, 1),
    "detect_negative": lambda d, r: pick(d, 0, 1),
    "detect_positive": lambda d, r: pick(d, 0, 1),
    "dilations": lambda d, r: few(d, 1, 3, max(r - 2, 0)),
    "end": lambda d, r: few(d, -r - 1, r + 1, 1)[0],
    "ends": lambda d, r: few(d, -6, 6, int(d.integers(1, 3))),
    "equation": lambda d, r: pick(d, "...i->...", "...->...", "...ij->j...", "...i,...i->..."),
    "epsilon": lambda d, r: pick(d, 1e-5, 0.1, 1.0),
    "fmod": lambda d, r: pick(d, 1, 1, 0),
    "gamma": lambda d, r: number(d),
    "group": lambda d, r: pick(d, 1, 2),
    "is_test": lambda d, r: pick(d, 0, 1, 1),
    "num_groups": lambda d, r: pick(d, 1, 2, 3),
    "p": lambda d, r: pick(d, 1, 2, 2, 3),
    "keepdims": lambda d, r: pick(d, 0, 1),
    "k": lambda d, r: pick(d, 1, 2),
    "kernel_shape": lambda d, r: few(d, 1, 3, max(r - 2, 0)),
    "lambd": lambda d, r: pick(d, 0.5, 1.0),
    "largest": lambda d, r: pick(d, 0, 1),
    "select_last_index": lambda d, r: pick(d, 0, 1),
    "sorted": lambda d, r: 1,
    "max": lambda d, r: number(d),
    "min": lambda d, r: number(d),
    "mode": lambda d, r: pick(d, "constant", "constant", "reflect", "edge", "wrap"),
    "momentum": lambda d, r: pick(d, 0.1, 0.9),
    "noop_with_empty_axes": lambda d, r: pick(d, 0, 1),
    "num_outputs": lambda d, r: pick(d, 1, 2, 3),
    "output_padding": lambda d, r: few(d, 0, 2, max(r - 2, 0)),
    "output_shape": lambda d, r: few(d, 3, 16, max(r - 2, 0)),
    "pads": lambda d, r: few(d, 0, 2, 2 * max(r - 2, 0)),
    "perm": lambda d, r: [int(n) for n in d.permutation(r)],
    "ratio": lambda d, r: pick(d, 0.0, 0.5),
    "round_mode": lambda d, r: pick(d, "up", "down"),
    "saturate": lambda d, r: pick(d, 0, 1),
    "seed": lambda d, r: pick(d, 0, 7),
    "size": lambda d, r: int(d.integers(0, 6)),
    "spatial": lambda d, r: pick(d, 0, 1),
    "split": lambda d, r: few(d, 0, 3, int(d.integers(1, 4))),
    "start": lambda d, r: few(d, -r - 1, r + 1, 1)[0],
    "starts": lambda d, r: few(d, -6, 6, int(d.integers(1, 3))),
    "stash_type": lambda d, r: TensorProto.FLOAT,
    "storage_order": lambda d, r: pick(d, 0, 1),
    "strides": lambda d, r: few(d, 1, 3, max(r - 2, 0)),
    "to": lambda d, r: pick(d, TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64),
    "training_mode": lambda d, r: pick(d, 0, 0, 1),
    "transA": lambda d, r: pick(d, 0, 1),
    "transB": lambda d, r: pick(d, 0, 1),
    "value": lambda d, r: numpy_helper.from_array(np.array([number(d)], np.float32)),
    "value_float": lambda d, r: number(d),
    "value_floats": lambda d, r: [number(d)],
    "value_int": lambda d, r: int(d.integers(4)),
    "value_ints": lambda d, r: few(d, 0, 3, 2),
    "value_string": lambda d, r: "text",
    "value_strings": lambda d, r: ["text"],
    "sparse_value": lambda d, r: helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, np.float32), "v"),
        numpy_helper.from_array(np.zeros(1, np.int64)),
        [3],
    ),
    "antialias": lambda d, r: pick(d, 0, 0, 0, 1),
    "batch_dims": lambda d, r: pick(d, 0, 0, 1),
    "blocksize": lambda d, r: pick(d, 1, 2, 2, 3),
    "coordinate_transformation_mode": lambda d, r: pick(
        d,
        "half_pixel",
        "asymmetric",
        "align_corners",
        "pytorch_half_pixel",
        "half_pixel_symmetric",
        "tf_half_pixel_for_nn",
        "tf_crop_and_resize",
    ),
    "cubic_coeff_a": lambda d, r: pick(d, -0.5, -0.75),
    "exclude_outside": lambda d, r: pick(d, 0, 1),
    "exclusive": lambda d, r: pick(d, 0, 1),
    "extrapolation_value": lambda d, r: number(d),
    "height_scale": lambda d, r: pick(d, 1.0, 2.0),
    "keep_aspect_ratio_policy": lambda d, r: pick(d, "stretch", "not_larger", "not_smaller"),
    "nearest_mode": lambda d, r: pick(
        d, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"
    ),
    "reverse": lambda d, r: pick(d, 0, 1),
    "upper": lambda d, r: pick(d, 0, 1),
    "width_scale": lambda d, r: pick(d, 1.0, 2.0),
    "reduction": lambda d, r: pick(d, "none", "none", "add", "add", "mul", "max"),
    "batch_axis": lambda d, r: pick(d, 0, 1, 1),
    "dtype": lambda d, r: TensorProto.FLOAT,
    "time_axis": lambda d, r: pick(d, 0, 0, 1),
    "type": lambda d, r: helper.make_tensor_type_proto(TensorProto.FLOAT, [2]),
    "block_size": lambda d, r: pick(d, 0, 1, 2),
    "output_dtype": lambda d, r: 0,
    "padding_mode": lambda d, r: pick(d, "zeros", "border", "reflection", "other"),
    "precision": lambda d, r: 0,
    "activation": lambda d, r: pick(d, "none", "silu", "swish", "other"),
    "align_corners": lambda d, r: pick(d, 0, 1),
    "ignore_index": lambda d, r: pick(d, 0, 1, -1),
    "interleaved": lambda d, r: pick(d, 0, 1),
    "is_causal": lambda d, r: pick(d, 0, 1),
    "kv_num_heads": lambda d, r: 2,
    "left_window_size": lambda d, r: pick(d, -1, 1, 2),
    "num_heads": lambda d, r: 2,
    "output_datatype": lambda d, r: TensorProto.FLOAT,
    "periodic": lambda d, r: pick(d, 0, 1),
    "q_num_heads": lambda d, r: 2,
    "qk_matmul_output_mode": lambda d, r: pick(d, 0, 1, 2, 3),
    "right_window_size": lambda d, r: pick(d, -1, 0, 1),
    "rotary_embedding_dim": lambda d, r: pick(d, 0, 0, 2),
    "scale": lambda d, r: pick(d, 0.5, 1.0),
    "softcap": lambda d, r: pick(d, 0.0, 2.0),
    "softmax_precision": lambda d, r: TensorProto.FLOAT,
    "scales": lambda d, r: [1.0, 1.0, *(pick(d, 1.0, 2.0, 3.0) for _ in range(r - 2))],
}


# Those that an operator has a meaning of its own for
OWN: dict[str, dict[str, Callable[[Draw, int], Any]]] = {
    op: {"mode": lambda d, r: pick(d, "nearest", "linear", "cubic")}
    for op in ("Resize", "Upsample")
} | {
    "SoftmaxCrossEntropyLoss": {"reduction": lambda d, r: pick(d, "none", "mean", "sum")},
    "NegativeLogLikelihoodLoss": {"reduction": lambda d, r: pick(d, "none", "mean", "sum")},
    "DepthToSpace": {"mode": lambda d, r: pick(d, "DCR", "CRD")},
    "SpaceToDepth": {"mode": lambda d, r: pick(d, "DCR", "CRD")},
    "Col2Im": {
        "pads": lambda d, r: [0, 0, 0, 0],
        "strides": lambda d, r: [1, 1],
        "dilations": lambda d, r: few(d, 1, 2, 2),
    },
    "EyeLike": {
        "k": lambda d, r: few(d, -3, 3, 1)[0],
        "dtype": lambda d, r: TensorProto.FLOAT,
    },
    "Compress": {"axis": lambda d, r: few(d, 0, r - 1, 1)[0]},
    "GridSample": {
        "mode": lambda d, r: pick(d, "bilinear", "bicubic", "linear", "nearest", "cubic")
    },
    "MaxUnpool": {"pads": lambda d, r: few(d, 0, 1, 2 * (r - 2))},
    "DequantizeLinear": {"axis": lambda d, r: pick(d, 0, 1), "block_size": lambda d, r: 0},
    "QuantizeLinear": {"axis": lambda d, r: pick(d, 0, 1), "block_size": lambda d, r: 0},
    "Resize": {
        "mode": lambda d, r: pick(d, "nearest", "linear", "cubic"),
        "axes": lambda d, r: [int(a) for a in d.permutation(r)[: d.integers(1, r + 1)]],
    },
}
