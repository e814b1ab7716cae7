"""Batch normalisation and dropout in inference: BatchNormalization, Dropout."""

from __future__ import annotations

from allconv import functional
from allconv.onnx.call import Call, Name
from allconv.onnx.writer import Writer, Written
from allconv.operators.normalize import Normalize
from allconv.value import Value


def read_batch_normalization(call: Call) -> Value:
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias."""
    if call.flag("training_mode"):
        raise call.unsupported("training_mode=1; export the network for inference")
    if not call.flag("spatial", 1):
        raise call.unsupported("spatial=0")
    x, scale, bias, mean, variance = call.values()
    y: Value = functional.batch_norm(
        x, mean, variance, scale, bias, eps=call.number("epsilon", 1e-5)
    )
    return y


def read_dropout(call: Call) -> Value:
    """x: dropout does nothing in inference. Its mask, and training_mode, are not done."""
    if call.has(2) and call.known_number(2):
        raise call.unsupported("training_mode=True; export the network for inference")
    return call.value(0)


def write_normalize(writer: Writer, written: Written) -> None:
    """BatchNormalization."""
    x, mean, variance, gamma, beta = written.inputs
    inputs = [x, gamma, beta, mean, variance]
    writer.node(written, "BatchNormalization", inputs, epsilon=written.operator.eps)


READERS = {
    "BatchNormalization": Name(
        read_batch_normalization,
        ("epsilon", "is_test", "momentum", "spatial", "training_mode"),
        (5, 5),
        buffers=(3, 4),
    ),
    "Dropout": Name(read_dropout, ("is_test", "ratio", "seed"), (1, 3), settings=(1, 2)),
}
WRITERS = {Normalize: write_normalize}
