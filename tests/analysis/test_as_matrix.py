"""Matrices of layers against the layers: on integers, so equal means equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.analysis import linear_map
from allconv.analysis.layer_matrix import Matrix
from allconv.errors import ArgumentError, LimitError, ShapeError, UnsupportedError
from allconv.operators.base import Array, Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.local import Local, LocalTranspose, LocalWeight
from allconv.operators.pool import AveragePool, AveragePoolTranspose
from allconv.trace import trace
from allconv.window import Window
from records.record import cells, draw_array, draw_window

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
LOCAL = {1: F.locally_connected1d, 2: F.locally_connected2d, 3: F.locally_connected3d}

drawn = given(data=st.data())


def integers(data: st.DataObject, *shape: int) -> Array:
    """Small whole numbers in float64."""
    return draw_array(data, shape, "float64")


def draw_form(data: st.DataObject, *, axes: bool = True) -> tuple[Window, int, dict[str, Array]]:
    """A window of one to three axes, groups, and x, w, y of them."""
    window = draw_window(data)
    if axes and not window.axes:
        window = Window.forward((5,), (3,), stride=(2,), padding=((1, 2),))
    groups, batch = data.draw(st.sampled_from([1, 2])), data.draw(st.sampled_from([1, 2]))
    c, o = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    arrays = {
        "x": integers(data, batch, groups * c, *window.input),
        "w": integers(data, groups * o, c, *window.kernel),
        "local": integers(data, groups * o, c, *window.kernel, *window.output),
        "y": integers(data, batch, groups * o, *window.output),
        "b": integers(data, groups * o),
    }
    return window, groups, arrays


def settings_of(window: Window) -> dict[str, Any]:
    """The settings of the functions that make this window."""
    return {
        "stride": [a.stride for a in window.axes],
        "dilation": [a.dilation for a in window.axes],
        "padding": [(a.padding, a.high) for a in window.axes],
    }


def applied(matrix: Matrix, x: Array) -> Array:
    """What the matrix says that the layer does to x."""
    assert matrix.input_shape == x.shape
    y = matrix @ x.ravel()
    return (y if matrix.bias is None else y + matrix.bias).reshape(matrix.output_shape)


@drawn
def test_convolution(data: st.DataObject) -> None:
    """Any stride, dilation, input dilation, padding, groups, flip and bias, one to three axes."""
    window, groups, a = draw_form(data)
    flip = data.draw(st.booleans())
    spread = [axis.input_dilation for axis in window.axes]

    def layer(x: Any) -> Any:
        return CONV[len(window.axes)](
            x, a["w"], a["b"], groups=groups, flip=flip, input_dilation=spread,
            **settings_of(window),
        )  # fmt: skip

    matrix = ac.as_matrix(layer, a["x"].shape)
    np.testing.assert_array_equal(applied(matrix, a["x"]), layer(a["x"]))
    assert matrix.shape == (a["y"].size, a["x"].size)


@drawn
def test_the_transpose_is_transposed_convolution(data: st.DataObject) -> None:
    """`matrix.T` of a convolution is what `conv_transpose` with the same settings does."""
    window, groups, a = draw_form(data)
    window = Window.forward(
        window.input, window.kernel, stride=[x.stride for x in window.axes],
        padding=[((x.kernel - 1) // 2, x.kernel // 2) for x in window.axes],
    )  # fmt: skip
    y = integers(data, *a["y"].shape[:2], *window.output)

    def convolution(x: Any) -> Any:
        return CONV[len(window.axes)](x, a["w"], groups=groups, **settings_of(window))

    def transposed(y: Any) -> Any:
        return TRANSPOSE[len(window.axes)](
            y, a["w"], groups=groups, output_size=window.input, **settings_of(window)
        )

    matrix = ac.as_matrix(convolution, a["x"].shape).T
    np.testing.assert_array_equal(applied(matrix, y), transposed(y))
    other = ac.as_matrix(transposed, y.shape)
    np.testing.assert_array_equal(matrix.to_dense(), other.to_dense())
    assert matrix.labels == other.labels
    assert (matrix.sides, matrix.T.sides) == (("x", "y"), ("y", "x"))


@drawn
def test_locally_connected(data: st.DataObject) -> None:
    """Weights of each cell's own, with a bias of each cell's own."""
    window, groups, a = draw_form(data)
    window = Window(tuple(type(x)(x.input, x.kernel, x.output, x.stride, x.dilation, 1, x.padding)
                          for x in window.axes))  # fmt: skip
    bias = integers(data, a["local"].shape[0], *window.output)

    def layer(x: Any) -> Any:
        return LOCAL[len(window.axes)](x, a["local"], bias, groups=groups, **settings_of(window))

    np.testing.assert_array_equal(applied(ac.as_matrix(layer, a["x"].shape), a["x"]), layer(a["x"]))


VIEWS = (
    (Correlate, ("x", "w")),
    (CorrelateTranspose, ("w", "y")),
    (CorrelateWeight, ("x", "y")),
    (Local, ("x", "local")),
    (LocalTranspose, ("local", "y")),
    (LocalWeight, ("x", "y")),
)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("kind", "names"), VIEWS, ids=[kind.__name__ for kind, _ in VIEWS])
@drawn
def test_every_view(kind: Any, names: tuple[str, str], place: int, data: st.DataObject) -> None:
    """Each view of the form is a matrix in either of its operands; linear layers (no axes) too."""
    window, groups, a = draw_form(data, axes=False)
    arrays = [a[name] for name in names]

    def f(moving: Any) -> Any:
        operands = [moving if n == place else array for n, array in enumerate(arrays)]
        return moving.builder.record(kind(window, groups), *operands)

    matrix = ac.as_matrix(f, arrays[place].shape)
    (wanted,) = kind(window, groups).define(*arrays)
    np.testing.assert_array_equal(applied(matrix, arrays[place]), wanted)


@drawn
def test_operators_take_their_other_arrays(data: st.DataObject) -> None:
    """An operator by itself: the data's shape, then the weights; also its graph."""
    window, groups, a = draw_form(data)
    forward = ac.as_matrix(Correlate(window, groups), a["x"].shape, a["w"], a["b"])
    (y,) = Correlate(window, groups).define(a["x"], a["w"], a["b"])
    np.testing.assert_array_equal(applied(forward, a["x"]), y)
    backward = ac.as_matrix(CorrelateTranspose(window, groups), a["y"].shape, a["w"])
    np.testing.assert_array_equal(backward.to_dense(), forward.to_dense().T)
    specs = (Spec.of(a[name]) for name in ("x", "w", "b"))
    graph = trace(lambda *x: Correlate(window, groups)(*x), *specs).graph
    again = ac.as_matrix(graph, a["x"].shape, a["w"], a["b"])
    np.testing.assert_array_equal(again.to_dense(), forward.to_dense())


@drawn
def test_average_pooling(data: st.DataObject) -> None:
    """Constant weights of 1/count, with either denominator, and the transpose."""
    window, count_padding = draw_window(data), data.draw(st.booleans())
    x = integers(data, 2, 2, *window.input)
    operator = AveragePool(window, count_padding)
    matrix = ac.as_matrix(operator, x.shape)
    np.testing.assert_allclose(applied(matrix, x), operator.define(x)[0], rtol=1e-14, atol=1e-14)
    other = ac.as_matrix(AveragePoolTranspose(window, count_padding), (2, 2, *window.output))
    np.testing.assert_array_equal(other.to_dense(), matrix.to_dense().T)


@drawn
def test_labels_name_the_weights_that_meet(data: st.DataObject) -> None:
    """Entry by entry: the label's tap is one that the relation b*j + p = s*i + d*k allows."""
    window, groups, a = draw_form(data)
    w = np.arange(a["w"].size, dtype=float).reshape(a["w"].shape) + 1  # each its own number
    matrix = ac.as_matrix(Correlate(window, groups), a["x"].shape, w)
    met = {(i, j): k for j, k, i in cells(window)}
    share = len(w) // groups
    assert len(set(zip(matrix.rows.tolist(), matrix.columns.tolist(), strict=True))) == len(met) * (
        len(a["x"]) * w.size // window.taps
    )
    entries = zip(matrix.rows, matrix.columns, matrix.labels, matrix.values, strict=True)
    for row, column, label, value in entries:
        n, o, *i = map(int, np.unravel_index(row, matrix.output_shape))
        m, c, *j = map(int, np.unravel_index(column, matrix.input_shape))
        assert n == m
        tap = (o, c - o // share * w.shape[1], *met[tuple(i), tuple(j)])
        assert label == f"w[{','.join(map(str, tap))}]"
        assert value == w[tap]


LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "conv2d": (lambda: nn.Conv2d(2, 4, 3, stride=2, padding="same", groups=2), (2, 2, 5, 6)),
    "conv3d": (lambda: nn.Conv3d(1, 2, 2, dilation=2), (1, 1, 3, 4, 3)),
    "flipped": (lambda: nn.Conv1d(1, 2, 3, flip=True), (1, 1, 5)),
    "transposed": (lambda: nn.ConvTranspose2d(2, 2, 3, 2, 1, 1, groups=2), (1, 2, 2, 3)),
    "local": (lambda: nn.LocallyConnected2d(1, 2, 3, (4, 5), padding=1), (1, 1, 4, 5)),
    "linear": (lambda: nn.Linear(3, 2), (2, 2, 3)),
    "ceiled pool": (lambda: nn.AvgPool2d(2, ceil_mode=True, padding=1), (1, 2, 4, 5)),
    "own count": (lambda: nn.AvgPool1d(3, 2, 1, count_include_pad=False), (1, 2, 5)),
    "global pool": (lambda: nn.GlobalAvgPool2d(), (2, 2, 2, 3)),
    "flatten and linear": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (2, 1, 2, 2)),
    "normalised": (
        lambda: nn.Sequential(nn.Conv1d(1, 2, 2), nn.BatchNorm1d(2, eps=0.25)),
        (2, 1, 3),
    ),
    "two convolutions": (
        lambda: nn.Sequential(nn.Conv1d(1, 2, 2), nn.Conv1d(2, 1, 3, padding=1)),
        (1, 1, 5),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    """A module's matrix and bias are what it does, and the matrix is its Jacobian."""
    make, shape = LAYERS[name]
    layer = make()
    rng = np.random.default_rng(0)
    for key, array in layer.state_dict().items():
        least = 1 if "var" in key else -4
        layer.load_state_dict({key: rng.integers(least, 5, array.shape)}, strict=False)
    layer = layer.astype(np.float64)
    matrix = ac.as_matrix(layer, shape)
    x = rng.integers(-4, 5, shape).astype(float)
    np.testing.assert_allclose(applied(matrix, x), layer(x), rtol=1e-14, atol=1e-14)
    dense = ac.jacobian(layer, x)
    assert dense.shape == (*layer(x).shape, *shape)
    np.testing.assert_allclose(dense.reshape(matrix.shape), matrix.to_dense(), rtol=1e-15)


ARRANGED: dict[str, Any] = {
    "turned": lambda x: x[:, :, ::-1] - x,
    "padded": lambda x: F.conv1d(x, np.ones((1, 1, 3)), padding=((2, -1),)),
    "joined": lambda x: np.concatenate([x, 3.0 * x, np.ones((1, 1, 2))], 2),
    "sum": lambda x: x.sum(2, keepdims=True) + x,
    "mean": lambda x: x.mean((0, 1)),
    "scaled": lambda x: x * np.array([1.0, -2, 4, 8]) + x / 2.0,
    "constant": lambda x: x * 0.0 + 3.0,
    "shared": lambda x: F.conv1d(x, np.array([[[1.0, 2]]])) + F.conv1d(x, np.array([[[3.0, 5]]])),
}


@pytest.mark.parametrize("name", ARRANGED)
def test_arrangements(name: str) -> None:
    """What moves, adds and scales is part of the matrix; constants are the bias."""
    f = ARRANGED[name]
    x = np.array([[[3.0, -1, 4, 7]]])
    y, _ = ac.vjp(f, x)
    np.testing.assert_array_equal(applied(ac.as_matrix(f, x.shape), x), y)


def test_independent_results() -> None:
    """Where nothing depends on the input the matrix is empty and the bias all."""
    matrix = ac.as_matrix(lambda x: np.ones((2,)), (1, 3))
    assert (matrix.shape, len(matrix.rows)) == ((2, 3), 0)
    np.testing.assert_array_equal(matrix.bias, np.ones(2))


def test_listed_cells() -> None:
    """A border that repeats the image: two taps of one kernel may meet one cell."""
    w = np.array([[[1.0, 2, 4]]])
    matrix = ac.as_matrix(lambda x: F.conv1d(x, w, padding=1, padding_mode="replicate"), (1, 1, 3))
    np.testing.assert_array_equal(matrix.to_dense(), [[3, 4, 0], [1, 2, 4], [0, 1, 6]])
    assert "w[0,0,0]+w[0,0,1]" in matrix.text(letters=True)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_another_size(mode: str) -> None:
    """The matrix of both axes together."""
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 5))
    found = ac.as_matrix(lambda x: F.interpolate(x, (7, 3), mode=mode), x.shape)
    wanted = F.interpolate(x, (7, 3), mode=mode)
    np.testing.assert_allclose(found.to_dense() @ x.ravel(), wanted.ravel(), atol=1e-6)


def test_products() -> None:
    """`@` takes vectors and columns; SciPy and the dense array agree with it."""
    matrix = ac.as_matrix(nn.Conv1d(2, 3, 2, padding=1).astype(np.float64), (1, 2, 4))
    x = np.random.default_rng(1).normal(size=(8, 3))
    dense = matrix.to_dense()
    np.testing.assert_allclose(matrix @ x, dense @ x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(matrix @ x[:, 0], dense @ x[:, 0], rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(matrix.to_scipy().toarray(), dense)
    np.testing.assert_array_equal(matrix.T.to_dense(), dense.T)
    assert matrix.T.bias is None
    assert (matrix @ x.astype(np.float32)).dtype == np.float64
    single = ac.as_matrix(nn.Conv1d(2, 3, 2), (1, 2, 4))
    assert single.values.dtype == (single @ x[:, 0].astype(np.float32)).dtype == np.float32
    with pytest.raises(ShapeError, match=r"15 x 8, the other \(1, 2, 4\).*pass x.ravel\(\)"):
        matrix @ np.zeros((1, 2, 4))


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no matrix is refused in words that say what would do."""
    with pytest.raises(UnsupportedError, match=r"1 \(ReLU\): Relu is not linear.*jacobian\(f, x\)"):
        ac.as_matrix(nn.Sequential(nn.Conv1d(1, 1, 2), nn.ReLU()), (1, 1, 4))
    for f in (lambda x: x * x, lambda x: 1.0 / x, lambda x: F.conv1d(x, x)):
        with pytest.raises(UnsupportedError, match="not linear in x"):
            ac.as_matrix(f, (1, 1, 3))
    with pytest.raises(UnsupportedError, match="MaxPool is not linear"):
        ac.as_matrix(nn.MaxPool1d(2), (1, 1, 4))
    with pytest.raises(ArgumentError, match=r"input_shape is \(None, 1, 4\)"):
        ac.as_matrix(nn.Conv1d(1, 1, 2), (None, 1, 4))
    for wrong in (5, None, "115", (1, 1, 4.0), (1, 1, -4)):
        with pytest.raises(
            ArgumentError, match=r"input_shape is .*; a whole number for every axis"
        ):
            ac.as_matrix(nn.Conv1d(1, 1, 2), wrong)
        with pytest.raises(ArgumentError, match=r"the shape is .*; a whole number for every axis"):
            ac.receptive_field(nn.Conv1d(1, 1, 2), wrong)
    with pytest.raises(ArgumentError, match="an operand is str"):
        ac.as_matrix(F.conv1d, (1, 1, 4), "abc")
    with pytest.raises(ArgumentError, match="a function or a network is expected, got int"):
        ac.as_matrix(3, (1, 1, 4))
    with pytest.raises(ArgumentError, match="this has 2"):
        ac.as_matrix(lambda x: (x, x), (1, 3))
    with pytest.raises(ArgumentError, match="give its input's shape alone"):
        ac.as_matrix(nn.Conv1d(1, 1, 2), (1, 1, 4), np.ones((1, 1, 2)))
    with pytest.raises(LimitError, match="use a smaller input"):
        ac.as_matrix(nn.Conv2d(64, 64, 3, padding=1), (1, 64, 256, 256))
    monkeypatch.setattr(linear_map, "MOST_TERMS", 10)
    with pytest.raises(LimitError, match="the matrix has 12 entries; at most 10"):
        ac.as_matrix(lambda x: (x[:, ::-1] * 2.0).sum(1, keepdims=True) + x, (1, 12))
    with pytest.raises(LimitError, match="use to_scipy"):
        ac.as_matrix(lambda x: x[:, :20_000], (1, 20_000)).to_dense()
    graph = trace(lambda x, y: x + y, *[Spec((1, 2))] * 2).graph
    with pytest.raises(ArgumentError, match="1 arrays are expected besides x, 0 given"):
        ac.as_matrix(graph, (1, 2))


def test_an_array_is_no_shape() -> None:
    with pytest.raises(ArgumentError, match=r"input_shape is an array, .* x\.shape"):
        ac.as_matrix(ac.correlate, np.ones(4), np.ones(3))
    with pytest.raises(ShapeError, match="is the shape of x and not x itself"):
        ac.as_matrix(ac.correlate, [1, 2, 3, 4], np.ones(3))
