"""Normalisation and dropout in inference: BatchNormalization, LRN, Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv import functional
from allconv.functional.normalize import MOST_AROUND, respond_locally
from allconv.onnx.names import since
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.normalize import Normalize
from allconv.value import Value


def read_batch_normalization(call: NodeCall) -> Any:
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias.

    In training, which is refused, the mean and variance are the batch's. It is told by `is_test`
    before operator set 7, by outputs after the first until 13, then by `training_mode`.
    """
    training = call.flag("training_mode") or any(call.node.outputs[1:])
    if training or (call.version < since.INFERENCE and not call.flag("is_test")):
        raise call.unsupported("in training form; export the network for inference")
    x, scale, bias, mean, variance = call.values()
    if not call.flag("spatial", 1) and x.ndim > 2:
        raise call.unsupported("spatial=0")
    return functional.batch_norm(x, mean, variance, scale, bias, eps=call.number("epsilon"))


def read_local_response(call: NodeCall) -> Any:
    """y = x / (bias + alpha/size * sum of squares over `size` channels around its own)**beta.

    Of an even size one more channel lies after its own than before it.
    """
    x, size = call.value(0), call.integer("size")
    if size < 1:
        raise call.wrong(f"size is {size}; at least 1 is expected")
    if size > MOST_AROUND:
        raise call.too_large(f"size is {size:,} channels; at most {MOST_AROUND:,} are supported")
    if x.ndim < 3 or 0 in x.shape[1:]:
        raise call.wrong(f"its input is {x.shape}; (N, C, ...) of no size 0 is expected")
    alpha, beta, bias = (call.number(name) for name in ("alpha", "beta", "bias"))
    if min(alpha, bias) < 0:
        raise call.unsupported(f"with alpha={alpha:g}, bias={bias:g}: one is below 0")
    around = ((size - 1) // 2, size // 2)
    return respond_locally(x, around=around, alpha=alpha, beta=beta, k=bias)


def read_dropout(call: NodeCall) -> Value | tuple[Value, Any]:
    """x, and a mask that keeps all: dropout does nothing in inference, or where it drops none."""
    x = call.value(0)
    training = call.has(2) and bool(call.known_number(2))
    ratio = call.known_number(1) if call.has(1) else call.number("ratio", 0.5)
    drops = training or (call.version < since.INFERENCE and not call.flag("is_test"))
    if drops and ratio:
        raise call.unsupported("in training form, which draws; export the network for inference")
    if not any(call.node.outputs[1:]):
        return x
    call.check_constants(x.shape)
    mask = np.ones(x.shape, bool if call.version >= since.MASK_OF_TRUTHS else x.dtype)
    return x, mask


def write_normalize(writer: Writer, written: NodeToWrite) -> None:
    """BatchNormalization."""
    x, mean, variance, gamma, beta = written.inputs
    inputs = [x, gamma, beta, mean, variance]
    writer.node(written, "BatchNormalization", inputs, epsilon=written.operator.eps)


READERS = {
    "BatchNormalization": NodeRule(
        read_batch_normalization,
        silent=("momentum",),  # of the running statistics in training
        buffers=(3, 4),
        weights=(1, 2, 3, 4),
        outputs_count=True,
    ),
    "LRN": NodeRule(read_local_response),
    "Dropout": NodeRule(read_dropout, silent=("seed",), silent_inputs=(1,), settings=(1, 2)),
}
WRITERS = {Normalize: write_normalize}
