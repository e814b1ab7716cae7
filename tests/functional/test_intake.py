"""What is taken as an array, and what a function answers to everything else.

Mistakes in what slides a window are in `test_window_refusals`.
"""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv.errors import ArgumentError, LimitError, ShapeError, TraceError, UnsupportedError
from allconv.operators.base import Spec
from allconv.trace import trace

X, W = np.ones((1, 3, 5)), np.ones((2, 3, 3))
IMAGE, KERNEL = np.ones((1, 3, 8, 8)), np.ones((4, 3, 3, 3))


class Exchanged:
    """An array that only speaks DLPack."""

    def __init__(self, held: np.ndarray[Any, Any]) -> None:
        self.held = held

    def __dlpack__(self, **settings: Any) -> Any:
        return self.held.__dlpack__(**settings)

    def __dlpack_device__(self) -> Any:
        return self.held.__dlpack_device__()


@pytest.mark.parametrize(
    "given",
    [
        [[[1.0, 2.0, 3.0]]],
        Exchanged(np.array([[[1.0, 2.0, 3.0]]])),
        memoryview(array.array("d", [1, 2, 3])).cast("B").cast("d", (1, 1, 3)),
        np.array([[[1.0, 2.0, 3.0]]], ">f8"),
        np.array([[[3.0, 2.0, 1.0]]])[..., ::-1],
        np.array([[[1.0], [2.0], [3.0]]]).transpose(0, 2, 1),
        np.ma.MaskedArray([[[1.0, 2.0, 3.0]]]),
    ],
    ids=["lists", "DLPack", "buffer", "byte-swapped", "reversed", "transposed", "unmasked"],
)
def test_array_likes(given: Any) -> None:
    """Anything that holds floats is an array."""
    y = F.conv1d(given, np.array([[[1.0, 10.0]]]))
    assert y.tolist() == [[[21.0, 32.0]]]
    assert y.dtype == np.float64


def test_results_do_not_alias() -> None:
    """Writing into a result changes no argument, and arguments may be read-only."""
    x = X.copy()
    x.flags.writeable = False
    y = F.relu(x)
    y[...] = -1
    assert np.array_equal(x, X)


REFUSALS: list[tuple[Any, type[Exception], str]] = [
    (lambda: F.conv1d([[[1, 2, 3]]], W), ArgumentError, "pass np.asarray(x, np.float32)"),
    (lambda: F.conv1d([[1.0], 2.0], W), ArgumentError, "conv1d: x cannot be read as an array"),
    (lambda: F.conv1d(np.ma.masked_less(X, 2), W), ArgumentError, "x is masked"),
    (lambda: F.conv1d(None, W), ArgumentError, "x is None; an array is expected"),
    (lambda: F.linear(X, None), ArgumentError, "weight is None; an array is expected"),
    (lambda: F.batch_norm(None, W[0, 0], W[0, 0]), ArgumentError, "x is None"),
    (lambda: F.batch_norm(X, None, None), ArgumentError, "expected; start with zeros and ones"),
    (lambda: F.conv1d(X, W, stride=10**30), ArgumentError, "at most 2147483647"),
    (lambda: F.conv1d(X, W, padding=10**30), ArgumentError, "at most 2147483647"),
    (lambda: F.conv1d(X, W, input_dilation=2**20), ArgumentError, "at most 65536 is possible"),
    (
        lambda: F.conv_transpose1d(X, np.ones((3, 1, 3)), stride=2**20),
        ArgumentError,
        "conv_transpose1d: stride is 1048576; at most 65536",
    ),
    (lambda: F.conv1d(X, W, input_dilation=0), ArgumentError, "input_dilation is 0"),
    (lambda: F.conv1d(X, W[..., :2], padding="half"), ArgumentError, 'use "same"'),
    (lambda: F.conv2d(IMAGE, KERNEL, padding="causal"), ArgumentError, "for one axis"),
    (lambda: F.conv2d(IMAGE, KERNEL, padding=(1, "same")), ArgumentError, "padding is (1, 'same')"),
    (lambda: F.conv1d(X, W, padding_mode="mirror"), ArgumentError, "padding_mode is 'mirror'"),
    (lambda: F.conv2d(IMAGE, KERNEL[:0]), ShapeError, "weight is (0, 3, 3, 3): a size is 0"),
    (
        lambda: F.linear(X, np.ones((2, 4))),
        ShapeError,
        "linear: x is (1, 3, 5); for weight (2, 4) its last axis",
    ),
    (lambda: F.linear(X, np.ones(4)), ShapeError, "weight is (4,); (O, C) is expected"),
    (lambda: F.locally_connected1d(X, W), ShapeError, "(O, C/groups, *K, *P) is expected"),
    (
        lambda: F.batch_norm(X, np.zeros(2), np.ones(2)),
        ShapeError,
        "running_mean is (2,); x has 3 channels",
    ),
    (lambda: F.batch_norm(X[0, 0], np.zeros(3), np.ones(3)), ShapeError, "(N, C, ...)"),
    (
        lambda: F.batch_norm(X, np.zeros(3), np.ones(3), momentum=2),
        ArgumentError,
        "momentum is 2; a number from 0 to 1",
    ),
    (
        lambda: F.max_pool1d(np.ones((1, 1, 1)), 3, dilation=2, ceil_mode=True),
        ShapeError,
        "kernel of 3 (dilation 2) starts outside the input of 1",
    ),
    (lambda: F.cross_entropy(np.ones(3), [0]), ShapeError, "x is (3,); (N, classes, ...)"),
    (
        lambda: F.cross_entropy(np.ones((1, 3)), np.array([2**63], np.uint64)),
        ArgumentError,
        "more than int64 can hold",
    ),
    (lambda: F.elu(X, True), ArgumentError, "alpha is True; a number is expected"),
    (
        lambda: trace(F.relu, Spec((3,), "int64")),
        ArgumentError,
        "relu: x is int64; float32 or float64 is expected",
    ),
    (
        lambda: trace(F.cross_entropy, Spec((3, 2)), Spec((3,))),
        ArgumentError,
        "target is float32; int64 is expected",
    ),
    (
        lambda: F.batch_norm(X[..., :1], np.zeros(3), np.ones(3), training=True),
        ShapeError,
        "more than one value a channel",
    ),
    (lambda: F.batch_norm(X, np.zeros(3), np.ones(3), eps=0), ArgumentError, "eps is 0"),
    (lambda: F.dropout(X, 1.0, seed=0), ArgumentError, "p is 1.0"),
    (lambda: F.dropout(X, 0.5), ArgumentError, "pass seed=0"),
    (lambda: F.dropout(X, 0.5, seed=-1), ArgumentError, "seed must be in"),
    (lambda: F.dropout(X, 0.5, seed=2**63), ArgumentError, "below 2**63"),
    (lambda: F.cross_entropy(np.ones((2, 3)), [0.0, 1.0]), ArgumentError, "integers are expected"),
    (
        lambda: F.cross_entropy(np.ones((2, 3)), [0, 3]),
        ArgumentError,
        "target runs from 0 to 3; x has 3 classes",
    ),
    (lambda: F.cross_entropy(np.ones((2, 3)), [-1, 0]), ArgumentError, "target runs from -1 to 0"),
    (lambda: F.cross_entropy(np.ones((2, 3)), [0]), ShapeError, "target is (1,)"),
    (lambda: F.cross_entropy(np.ones((2, 3)), [0, 1], reduction="avg"), ArgumentError, "'avg'"),
    (lambda: F.cross_entropy(np.ones((0, 3)), np.zeros(0, int)), ShapeError, "over no samples"),
    (
        lambda: F.cross_entropy(np.ones((2, 3)), [0, 1], label_smoothing=1.0),
        ArgumentError,
        "label_smoothing is 1.0",
    ),
    (lambda: F.cross_entropy(np.ones((2, 3)), [0, 1], np.ones(3)), UnsupportedError, "weight"),
    (lambda: F.softmax(X, 3), ShapeError, "dim is 3"),
    (lambda: F.hardtanh(X, 1, 1), ArgumentError, "min_val must be below max_val"),
    (lambda: F.gelu(X, "erf"), ArgumentError, "approximate is 'erf'"),
    (lambda: F.leaky_relu(X, "a"), ArgumentError, "negative_slope is 'a'"),
    (lambda: F.softplus(X, 0), ArgumentError, "beta is 0"),
    (lambda: F.pad(X, (1,)), ArgumentError, "pad is (1,)"),
    (lambda: F.pad(X, (1, 1), "mirror"), ArgumentError, "mode is 'mirror'"),
    (lambda: F.flatten(X, 2, 1), ArgumentError, "start_dim 2 is after end_dim 1"),
    (lambda: F.flatten(X, 3), ShapeError, "start_dim is 3"),
    (lambda: F.concatenate([]), ArgumentError, "at least one array"),
    (lambda: F.concatenate([X, IMAGE]), ShapeError, "do not concatenate"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSALS, ids=[r[2] for r in REFUSALS])
def test_refusals(call: Any, error: type[Exception], message: str) -> None:
    """One sentence names the argument, what was given and what would do."""
    with pytest.raises(error) as refused:
        call()
    assert type(refused.value) is error
    assert message in str(refused.value)


def test_traced_values_are_recorded() -> None:
    """On a value of a trace a function records its operator; nothing runs."""
    graph = trace(lambda x: F.relu(F.conv1d(x, W)), Spec((1, 3, 5), "float64")).graph
    assert [node.operator.name for node in graph] == ["Correlate", "Relu"]


def test_traced_values_need_no_numbers() -> None:
    """A list that holds a traced value would need its number, and is refused."""
    with pytest.raises(TraceError, match="needs the numbers"):
        trace(lambda x: F.conv1d(X, [[[x[0], x[1]]]]), Spec((3,), "float64"))


def test_labels_of_a_trace() -> None:
    """Labels may be an input of a trace; their classes are looked at when they are known."""
    graph = trace(F.cross_entropy, Spec((2, 3)), Spec((2,), "int64")).graph
    (loss,) = graph.run(np.zeros((2, 3), np.float32), np.array([0, 2]))
    assert loss == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    "refusal",
    [
        MemoryError("Unable to allocate 1 EiB"),
        ValueError("Maximum allowed dimension exceeded"),
        OverflowError("Python int too large to convert to C long"),
    ],
    ids=["memory", "integers", "a size"],
)
def test_too_large_for_memory(refusal: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory does not do, an error of ours names the operator."""

    def exhausted(operator: Any, *arrays: Any) -> None:
        raise refusal

    monkeypatch.setattr("allconv.engine.run_operator", exhausted)
    with pytest.raises(LimitError, match=f"^relu needs more memory than there is: {refusal}"):
        F.relu(X)


def test_settings_as_arrays_without_axes() -> None:
    """One number in an array is one number."""
    x, w = np.ones((1, 1, 5)), np.ones((1, 1, 3))
    y = F.conv1d(x, w, stride=np.array(2), padding=np.array(1))
    np.testing.assert_array_equal(y, F.conv1d(x, w, stride=2, padding=1))
    with pytest.raises(ArgumentError, match=r"stride is .*1.5.*; a whole number is expected"):
        F.conv1d(x, w, stride=np.array(1.5))


@pytest.mark.parametrize("value", ["a", np.ones(3), True, 1j])
def test_what_a_border_cannot_hold(value: Any) -> None:
    """A border holds one real number; None is 0, as in torch, and -0 is 0."""
    with pytest.raises(ArgumentError, match=r"pad: value is .*; a number is expected"):
        F.pad(np.ones(2), (1, 1), value=value)
    np.testing.assert_array_equal(F.pad(np.ones(1), (1, 0), value=None), [0, 1])
    for zero in (-0.0, 0.0):
        assert not np.signbit(F.pad(np.ones(1), (1, 0), value=zero)).any()


@pytest.mark.parametrize("given", ["no", 1, None, np.array([1, 0])])
def test_flags_are_flags(given: Any) -> None:
    """What only counts as true is no True."""
    x, w = np.ones((1, 1, 5)), np.ones((1, 1, 3))
    for name, call in {
        "flip": lambda: F.conv1d(x, w, flip=given),
        "ceil_mode": lambda: F.max_pool1d(x, 2, ceil_mode=given),
        "return_indices": lambda: F.max_pool1d(x, 2, return_indices=given),
        "count_include_pad": lambda: F.avg_pool1d(x, 2, count_include_pad=given),
    }.items():
        with pytest.raises(ArgumentError, match=f"{name} is .*; True or False is expected"):
            call()


def test_calls_that_do_not_fit_name_the_function() -> None:
    """Python's own message is about the function that was called."""
    with pytest.raises(TypeError, match=r"^conv1d\(\) missing 1 required positional"):
        F.conv1d(X)
    with pytest.raises(TypeError, match=r"^max_pool2d\(\) got an unexpected keyword"):
        F.max_pool2d(X, kernel=2)
