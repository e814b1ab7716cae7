"""Operators that the format itself defines in others: losses, attention, crops, windows.

They are read in the words of the onnx package, so that nothing of them is written here again, and
differentiated through those: the gradient of attention is NaN where a mask hides every key of a
row, whose softmax is 0 / 0. A file that is written again has them under their own names.
"""

from __future__ import annotations

from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.value import Value


def _any(call: NodeCall) -> None:
    """Nothing is refused."""


def check_attention(call: NodeCall) -> None:
    """Refuse numbers of heads beside queries that have an axis of heads: the format's text and the
    runtimes make different results of them."""
    queries = call.operand(0)
    heads = call.given("q_num_heads") or call.given("kv_num_heads")
    if isinstance(queries, Value) and queries.ndim != _PACKED and heads:
        raise call.unsupported(f"numbers of heads, and queries of {queries.ndim} axes")


_PACKED = 3  # axes of queries whose heads lie beside each other

READERS = {
    "Attention": NodeRule(check_attention, defined=True),
    "BlackmanWindow": NodeRule(_any, settings=(0,), defined=True),
    "CausalConvWithState": NodeRule(_any, defined=True),
    "CenterCropPad": NodeRule(_any, settings=(1,), defined=True),
    "HammingWindow": NodeRule(_any, settings=(0,), defined=True),
    "HannWindow": NodeRule(_any, settings=(0,), defined=True),
    "NegativeLogLikelihoodLoss": NodeRule(_any, settings=(1,), defined=True),
    "RotaryEmbedding": NodeRule(_any, defined=True),
    "SoftmaxCrossEntropyLoss": NodeRule(_any, settings=(1,), defined=True),
    "SwiGLU": NodeRule(_any, defined=True),
}
