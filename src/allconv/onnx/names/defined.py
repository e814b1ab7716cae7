"""Operators that the format itself defines in others: losses, attention, crops, windows.

They are read in the words of the onnx package, so that nothing of them is written here again, and
differentiated through those: the gradient of attention is NaN where a mask hides every key of a
row, whose softmax is 0 / 0. A file that is written again has them under their own names.
"""

from __future__ import annotations

from collections.abc import Callable

from allconv.onnx.names.call import Call, Name
from allconv.value import Value


def _any(call: Call) -> None:
    """Nothing is refused."""


def check_attention(call: Call) -> None:
    """Refuse numbers of heads beside queries that have an axis of heads: the format's text and the
    runtimes make different results of them."""
    queries = call.operand(0)
    heads = call.given("q_num_heads") or call.given("kv_num_heads")
    if isinstance(queries, Value) and queries.ndim != _PACKED and heads:
        raise call.unsupported(f"numbers of heads, and queries of {queries.ndim} axes")


def _defined(
    *attributes: str, settings: tuple[int, ...] = (), check: Callable[[Call], None] = _any
) -> Name:
    return Name(check, attributes, settings=settings, defined=True)


_PACKED = 3  # axes of queries whose heads lie beside each other


_HEADS = ("kv_num_heads", "q_num_heads", "scale")

READERS = {
    "Attention": _defined(
        "is_causal", "left_window_size", "qk_matmul_output_mode", "right_window_size", "softcap",
        "softmax_precision", *_HEADS, check=check_attention,
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
