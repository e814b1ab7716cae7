"""Operators that the format itself defines in others: losses, attention, crops, grids.

They are read in the words of the onnx package, so that nothing of them is written here again, and
differentiated through those. A file that is written again has them under their own names.
"""

from __future__ import annotations

from typing import Any

from allconv.onnx.call import Call, Name


def _in_others(call: Call) -> Any:
    raise call.unsupported("read in the operators that define it")


def _defined(*attributes: str, settings: tuple[int, ...] = ()) -> Name:
    return Name(_in_others, attributes, settings=settings, defined=True)


_HEADS = ("kv_num_heads", "q_num_heads", "scale")

READERS = {
    "AffineGrid": _defined("align_corners", settings=(1,)),
    "Attention": _defined(
        "is_causal", "left_window_size", "qk_matmul_output_mode", "right_window_size", "softcap",
        "softmax_precision", *_HEADS,
    ),
    "BlackmanWindow": _defined("output_datatype", "periodic", settings=(0,)),
    "CausalConvWithState": _defined("activation"),
    "CenterCropPad": _defined("axes", settings=(1,)),
    "HammingWindow": _defined("output_datatype", "periodic", settings=(0,)),
    "HannWindow": _defined("output_datatype", "periodic", settings=(0,)),
    "NegativeLogLikelihoodLoss": _defined("ignore_index", "reduction", settings=(1,)),
    "RotaryEmbedding": _defined("interleaved", "num_heads", "rotary_embedding_dim"),
    "SoftmaxCrossEntropyLoss": _defined("ignore_index", "reduction", settings=(1,)),
    "SwiGLU": _defined("alpha"),
}  # fmt: skip
