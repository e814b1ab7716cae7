"""Weights there and back, layouts by letters, the four meanings of "same", and what is refused."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from allconv import conventions, nn
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.pool import MaxPool
from allconv.window import Window
from conventions.running import CASES, Array, filled, outcome
from tiers import slow

WEIGHTED = [name for name in CASES if "pool" not in name]


@pytest.mark.parametrize("framework", conventions.FRAMEWORKS)
@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_come_back(framework: str, name: str) -> None:
    """Weights given to a framework and taken back are the same bits, under our names."""
    layer, _ = filled(name)
    if name.startswith("local") and framework != "jax":
        with pytest.raises(UnsupportedError, match="JAX alone"):
            conventions.weights(layer, framework)
        return
    arrays = conventions.weights(layer, framework)
    assert all(array.flags.writeable and array.flags.c_contiguous for array in arrays.values())
    state = conventions.from_weights(layer, arrays, framework)
    assert set(state) == set(layer.state_dict()) - {"num_batches_tracked"}
    if arrays:
        listed = conventions.from_weights(layer, [*arrays.values()], framework)
        assert all(np.array_equal(listed[key], state[key]) for key in state)
    for key, array in state.items():
        np.testing.assert_array_equal(array, layer.state_dict()[key])
    layer.load_state_dict(state, strict=False)


def test_every_cell_of_a_kernel_is_where_the_letters_say() -> None:
    """Each layout puts w[o, i, h, w] where its letters say, counted cell by cell."""
    layer = nn.Conv2d(2, 3, (4, 5))
    w = layer.weight
    for framework in conventions.FRAMEWORKS:
        row = conventions.LAYOUTS[framework]
        (theirs, *_) = conventions.weights(layer, framework).values()
        for cell in product(*map(range, w.shape)):
            place = dict(zip("OIHW", cell, strict=True))
            index = tuple(place[letter] for letter in row.convolution.replace("*", "HW"))
            assert theirs[index] == w[cell]


def test_depthwise_kernel_has_channels_and_outputs_a_channel() -> None:
    """TensorFlow's depthwise kernel is (H, W, C, M); output c*M + m is ours."""
    layer = nn.Conv2d(3, 6, (4, 5), groups=3)
    kernel = conventions.weights(layer, "tensorflow")["kernel"]
    assert kernel.shape == (4, 5, 3, 2)
    for c, m in product(range(3), range(2)):
        np.testing.assert_array_equal(kernel[:, :, c, m], layer.weight[c * 2 + m, 0])


def test_true_convolution_is_turned_round_except_for_scipy() -> None:
    """A layer with flip=True gives turned kernels to those who correlate, its own to SciPy."""
    layer = nn.Conv1d(1, 1, 3, bias=False, flip=True)
    layer.weight = np.array([[[1.0, 2, 3]]])
    assert conventions.weights(layer, "torch")["weight"].ravel().tolist() == [3, 2, 1]
    assert conventions.weights(layer, "scipy")["weight"].ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize("axes", [0, 1, 2, 3])
def test_images_there_and_back(axes: int) -> None:
    """Images are moved to channels last and back, in any number of axes."""
    x = np.random.default_rng(axes).normal(size=(2, 3, 4, 5, 6)[: axes + 2])
    last = conventions.images(x, "allconv", "tensorflow")
    assert last.shape == (2, *x.shape[2:], 3)
    np.testing.assert_array_equal(last[..., 1], x[:, 1])
    np.testing.assert_array_equal(conventions.images(last, "keras", "onnx"), x)


@pytest.mark.parametrize(("rule", "name"), [("SAME", "SAME_UPPER"), ("SAME_LOWER", "SAME_LOWER")])
def test_same_is_that_of_onnx(rule: str, name: str) -> None:
    """SAME and SAME_LOWER give the outputs of ONNX's auto_pad, stride above 1 included."""
    from onnx.reference import ReferenceEvaluator

    from onnx import helper

    for i, k, s in product((5, 6, 7, 8), (1, 2, 3, 4), (1, 2, 3)):
        pair = conventions.same_padding(i, k, stride=s)[rule]
        assert pair is not None
        x: Array = np.arange(1, i + 1, dtype=np.float32)[None, None]
        w: Array = 10 ** np.arange(k, dtype=np.float32)[None, None]
        node = helper.make_node("Conv", ["x", "W"], ["y"], auto_pad=name, strides=[s])
        (theirs,) = ReferenceEvaluator(node).run(None, {"x": x, "W": w})
        padded = np.pad(x[0, 0], pair)
        ours = [padded[o : o + k] @ w[0, 0] for o in range(0, len(padded) - k + 1, s)]
        np.testing.assert_array_equal(ours, theirs[0, 0])


def test_same_of_a_transposed_convolution_multiplies_the_size() -> None:
    """The zeros of SAME make the transposed output stride times as large as its input."""
    for p, k, s in product((3, 4, 5), (1, 2, 3, 4), (1, 2, 3)):
        pair = conventions.same_padding(p, k, stride=s, transposed=True)["SAME"]
        assert pair is not None
        least = s * (p - 1) + k - sum(pair)
        assert least <= s * p <= least + s - 1
    assert conventions.same_padding(4, 3, stride=2)["half"] == (1, 1)
    assert conventions.same_padding(4, 2)["half"] is None
    assert conventions.same_padding(4, 2)["torch"] == (0, 1)
    assert conventions.same_padding(4, 3, stride=2)["torch"] is None


def test_operators_have_calls() -> None:
    """An operator is said like the layer with its settings."""
    window = Window.forward((6, 7), (3, 2), stride=(2, 1), padding=((1, 1), (0, 0)))
    text = conventions.call(Correlate(window, 2), "torch", (1, 4, 6, 7))
    assert "F.conv2d(x, weight, stride=(2, 1), padding=(1, 0), groups=2)" in text
    text = conventions.call(CorrelateTranspose(window), "torch", (1, 4, *window.output))
    assert "F.conv_transpose2d(x, weight, stride=(2, 1), padding=(1, 0), output_padding" in text
    text = conventions.call(MaxPool(Window.forward((4,), (2,), stride=(2,))), "keras", (1, 1, 4))
    assert "keras.layers.MaxPooling1D((2,), strides=(2,)" in text
    assert "F.linear(x, weight)" in conventions.call(Correlate(Window()), "torch", (4, 5))


def test_what_is_refused() -> None:
    """Unknown frameworks, layers without a call, other shapes and names: one sentence each."""
    conv, pool = nn.Conv2d(2, 3, 3), nn.MaxPool2d(2, ceil_mode=True)
    window = Window.forward((6,), (3,))
    refusals = [
        (ArgumentError, "one of", lambda: conventions.call(conv, "caffe", (1, 2, 5, 5))),
        (ArgumentError, "one of", lambda: conventions.weights(conv, "caffe")),
        (ShapeError, "channel", lambda: conventions.call(conv, "torch", (1, 3, 5, 5))),
        (ShapeError, "does not fit", lambda: conventions.call(conv, "torch", (1, 2, 2, 5))),
        (ShapeError, "a size is 0", lambda: conventions.call(conv, "torch", (0, 2, 5, 5))),
        (ArgumentError, "input_shape", lambda: conventions.call(conv, "torch", (1, 2.5, 5, 5))),
        (UnsupportedError, "ceil_mode", lambda: conventions.call(pool, "torch", (1, 2, 5, 5))),
        (UnsupportedError, "ReLU", lambda: conventions.call(nn.ReLU(), "torch", (1, 2, 5, 5))),
        (ArgumentError, "input_shape",
         lambda: conventions.call(Correlate(window), "torch", (1, 2, 5))),
        (UnsupportedError, "no equivalent call",
         lambda: conventions.call(CorrelateWeight(window), "torch", (1, 2, 6))),
        (UnsupportedError, "no layout",
         lambda: conventions.weights(nn.LocallyConnected1d(1, 1, 2, 4), "torch")),
        (UnsupportedError, "layer by layer",
         lambda: conventions.weights(nn.Sequential(conv), "torch")),
        (UnsupportedError, "more than one", lambda: conventions.call(
            nn.AvgPool2d(2, divisor_override=3), "torch", (1, 2, 5, 5))),
        (UnsupportedError, "more than one", lambda: conventions.call(
            nn.MaxPool2d(2, return_indices=True), "torch", (1, 2, 5, 5))),
        (UnsupportedError, "padding_mode", lambda: conventions.call(
            nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), "torch", (1, 2, 5, 5))),
        (ArgumentError, "are expected", lambda: conventions.from_weights(conv, {}, "torch")),
        (ShapeError, "is expected", lambda: conventions.from_weights(
            conv, {"kernel": conv.weight, "bias": conv.bias}, "keras")),
        (ShapeError, "is expected", lambda: conventions.from_weights(
            conv, {"weight": conv.weight, "bias": conv.weight}, "torch")),
        (ArgumentError, "arrays is a NoneType; weight, bias are expected, by name",
         lambda: conventions.from_weights(conv, None, "torch")),
        (ArgumentError, "arrays is a list;",
         lambda: conventions.from_weights(conv, [conv.weight], "torch")),
        (ArgumentError, "input_shape is 5;", lambda: conventions.call(conv, "torch", 5)),
        (ArgumentError, "same axes", lambda: conventions.reorder(conv.weight, "OIHW", "HWI")),
        (ShapeError, "has 3 axes", lambda: conventions.reorder(conv.weight, "OIW", "WIO")),
        (ShapeError, "a batch", lambda: conventions.images(np.zeros(3), "torch", "keras")),
        (ArgumentError, "stride", lambda: conventions.same_padding(4, 3, stride=0)),
    ]  # fmt: skip
    for error, words, refused in refusals:
        with pytest.raises(error, match=words):
            refused()
    assert conventions.weights(nn.ReLU(), "torch") == {}


def test_wrong_weights_are_seen() -> None:
    """The comparison of calls tells a kernel whose axes are swapped."""
    layer, x = filled("conv2d no bias")
    arrays = conventions.weights(layer, "scipy")
    arrays["weight"] = np.ascontiguousarray(arrays["weight"][..., ::-1])
    assert not np.allclose(outcome(layer, "scipy", x, arrays)["y"], layer(x))


@slow
def test_no_framework_is_imported() -> None:
    """Writing calls and converting weights imports none of the frameworks."""
    code = (
        "import sys, allconv as ac; from allconv import nn\n"
        "for name in ac.conventions.FRAMEWORKS:\n"
        "    ac.conventions.weights(nn.Conv2d(1, 1, 1), name)\n"
        "    ac.conventions.call(nn.Conv2d(1, 1, 1), name, (1, 1, 2, 2))\n"
        "found = {*ac.conventions.FRAMEWORKS, 'cv2'} & set(sys.modules)\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
