"""Tracing: what is recorded, how values promote, nest and leak, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.errors import ArgumentError, ShapeError, TraceError
from allconv.graph import Graph
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.correlate import Correlate
from allconv.operators.pointwise import Add, Relu
from allconv.operators.pool import MaxPool
from allconv.trace import Builder, current, flatten, record, recording, trace, unflatten
from allconv.value import Value
from allconv.window import Window

MATRIX = Spec((2, 3), "float64")
X = np.array([[1.0, 2.0, 4.0], [-0.5, 8.0, 0.25]])
W = np.array([[3.0, 1.0], [0.0, 2.0], [5.0, -1.0]])

RECORDED = {
    "x + y": lambda x: x + X,
    "y + x": lambda x: X + x,
    "1 + x": lambda x: 1 + x,
    "x - y": lambda x: x - 2 * X,
    "1 - x": lambda x: 1 - x,
    "x * y": lambda x: x * X,
    "x / y": lambda x: x / X,
    "1 / x": lambda x: 1 / x,
    "-x": lambda x: -x,
    "abs": abs,
    "x ** 3": lambda x: x**3,
    "x ** -2": lambda x: x**-2,
    "x ** 0": lambda x: x**0,
    "x ** 1": lambda x: x**1,
    "x ** 0.5": lambda x: abs(x) ** 0.5,
    "x @ w": lambda x: x @ W,
    "w @ x": lambda x: W @ x,
    "x @ x.T": lambda x: x @ x.T,
    "x += 1": lambda x: x.__add__(1.0),
    "x[0]": lambda x: x[0],
    "x[-1, 1]": lambda x: x[-1, 1],
    "x[:, ::-1]": lambda x: x[:, ::-1],
    "x[..., 1:]": lambda x: x[..., 1:],
    "x[np.int64(1)]": lambda x: x[np.int64(1)],
    "x[1, ..., 2]": lambda x: x[1, ..., 2],
    "x[:, 3:]": lambda x: x[:, 3:],
    "x[5:2:-2]": lambda x: x[:, 5:0:-2],
    "a, b = x": lambda x: sum(row for row in x),
    "len": lambda x: x * len(x),
    "reshape": lambda x: x.reshape(3, 2),
    "reshape tuple": lambda x: x.reshape((3, 2)),
    "reshape -1": lambda x: x.reshape(-1),
    "reshape same": lambda x: x.reshape(2, -1),
    "transpose": lambda x: x.transpose(),
    "transpose order": lambda x: x.transpose(1, 0),
    "T": lambda x: x.T,
    "sum": lambda x: x.sum(),
    "sum axis": lambda x: x.sum(1),
    "sum axes": lambda x: x.sum((0, -1), keepdims=True),
    "sum no axes": lambda x: x.sum(()),
    "mean": lambda x: x.mean(),
    "mean axis": lambda x: x.mean(axis=-1, keepdims=True),
    "np.add": lambda x: np.add(x, 1.0),
    "np.subtract": lambda x: np.subtract(1.0, x),
    "np.multiply": lambda x: np.multiply(x, X),
    "np.divide": lambda x: np.divide(x, 4.0),
    "np.maximum": lambda x: np.maximum(x, 1.0),
    "np.negative": np.negative,
    "np.absolute": np.abs,
    "np.exp": np.exp,
    "np.log": lambda x: np.log(abs(x)),
    "np.log1p": lambda x: np.log1p(abs(x)),
    "np.sqrt": lambda x: np.sqrt(abs(x)),
    "np.tanh": np.tanh,
    "np.matmul": lambda x: np.matmul(x, W),
    "np.matmul right": lambda x: np.matmul(W, x),
    "np.sum": lambda x: np.sum(x, axis=0),
    "np.mean": lambda x: np.mean(x, axis=0, keepdims=True),
    "np.reshape": lambda x: np.reshape(x, (6,)),
    "np.transpose": lambda x: np.transpose(x, (1, 0)),
    "np.transpose all": np.transpose,
    "np.concatenate": lambda x: np.concatenate([x, X, x], axis=-1),
    "np.concatenate right": lambda x: np.concatenate([X, x]),
    "np.shape": lambda x: x * np.shape(x)[1],
    "np.ndim": lambda x: x * np.ndim(x),
    "np.float64 scalar": lambda x: np.float64(3.0) * x,
    "np.int64 scalar": lambda x: x * np.int64(3),
    "size": lambda x: x * x.size,
    "astype": lambda x: x.astype(np.float32),
    "astype same": lambda x: x.astype("float64"),
}


def run(graph: Graph, *arrays: Array) -> Array:
    """The first result."""
    return graph.run(*arrays)[0]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_as_numpy(name: str) -> None:
    """What is recorded computes what NumPy computes."""
    function = RECORDED[name]
    got, wanted = run(trace(function, MATRIX).graph, X), np.asarray(function(X))
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_allclose(got, wanted, rtol=1e-14)


def test_whole_powers_of_any_type() -> None:
    """A whole exponent is one in whatever type it comes, and axes may be NumPy's integers."""
    graph = trace(lambda x: (x ** np.int64(2), x**2.0, x**-1, x.sum(np.int64(1))), MATRIX).graph
    for result, wanted in zip(graph.run(X), (X**2, X**2, 1 / X, X.sum(1)), strict=True):
        np.testing.assert_allclose(result, wanted)


def test_attributes() -> None:
    """Values know their shape while traced, and have no other attributes of arrays."""
    builder = Builder()
    x = builder.input(MATRIX, "x")
    assert (x.shape, x.dtype, x.ndim, x.size) == ((2, 3), "float64", 2, 6)
    assert repr(x) == "<x: float64 (2, 3)>"
    assert repr(builder.input(MATRIX)) == "<value: float64 (2, 3)>"
    assert x == x
    assert x != builder.input(MATRIX, "x")
    assert x != "x"
    assert {x: 1}[x] == 1
    with pytest.raises(AttributeError, match="a traced value has no attribute colour"):
        x.colour  # noqa: B018 (reading it is what is tested)


def test_promotion() -> None:
    """float32 and float64 promote as in NumPy; numbers take the dtype of what they meet."""

    def dtypes(function, *specs: Spec) -> list[str]:
        return [value.dtype for value in trace(function, *specs).graph.outputs]

    single, double = Spec((2,), "float32"), Spec((2,), "float64")
    assert dtypes(lambda a, b: (a + b, b * a, a + 1, b + 1), single, double) == [
        "float64",
        "float64",
        "float32",
        "float64",
    ]
    assert dtypes(lambda a: (a * np.float64(2), a + np.int32(1)), single) == ["float32", "float32"]
    assert dtypes(lambda a: a * np.ones(2), single) == ["float64"]
    with pytest.raises(ShapeError, match=r"float32 and float64 meet; convert one with .astype"):
        trace(Correlate(Window()), Spec((1, 2)), Spec((3, 2), "float64"))


def test_promotion_converts() -> None:
    """A promoted operand is converted by an operator, so that its gradient comes back narrow."""
    graph = trace(lambda a, b: a + b, Spec((2,)), Spec((2,), "float64")).graph
    assert [node.operator.name for node in graph] == ["Convert", "Add"]


def test_mean_of_nothing_is_nan() -> None:
    """The mean over an empty axis is NaN, as in NumPy; over others it is empty."""
    empty = Spec((0, 3), "float64")
    assert np.isnan(run(trace(lambda x: x.mean(0), empty).graph, np.zeros((0, 3)))).all()
    assert run(trace(lambda x: x.mean(1), empty).graph, np.zeros((0, 3))).shape == (0,)


def test_zeroth_power_of_infinity() -> None:
    """x ** 0 is 1 whatever x holds."""
    odd = np.array([[np.nan, np.inf, -np.inf], [0.0, 1.0, -2.0]])
    np.testing.assert_array_equal(run(trace(lambda x: x**0, MATRIX).graph, odd), np.ones((2, 3)))


def test_structure() -> None:
    """Nested results are flattened and can be put back."""
    tree = {"a": (1, [2, 3]), "b": 4}
    leaves, structure = flatten(tree)
    assert leaves == [1, 2, 3, 4]
    assert unflatten(structure, iter(leaves)) == tree
    traced = trace(lambda x: {"a": (x, [x * 2.0]), "b": 3.0}, MATRIX)
    again = unflatten(traced.structure, iter(traced.graph.run(X)))
    np.testing.assert_array_equal(again["a"][1][0], 2 * X)
    assert again["b"] == 3.0
    with pytest.raises(ArgumentError, match="returned None"):
        trace(lambda x: (x, None), MATRIX)


def test_names() -> None:
    """Inputs carry the names that are given, the others none."""
    graph = trace(lambda x, w: x @ w, MATRIX, Spec((3, 2), "float64"), names=("x",)).graph
    assert [value.name for value in graph.inputs] == ["x", ""]


def test_a_number_is_one_constant() -> None:
    """However it is written, if it is the same in the dtype; zeros of both signs are two."""
    graph = trace(lambda x: x * (1 / 6) + x / 6 * 0.16666667, Spec((2,))).graph
    assert [float(array) for array in graph.constants.values()].count(float(np.float32(1 / 6))) == 1
    assert len(trace(lambda x: x * 0.0 + -0.0, Spec((2,))).graph.constants) == 2
    wide = trace(lambda x: x * (1 / 6) + 0.16666667, Spec((2,), "float64")).graph
    assert len(wide.constants) == 2


def test_several_results() -> None:
    """An operator of several results gives a tuple."""
    window = Window.forward((4,), (2,))
    graph = trace(lambda x: MaxPool(window)(x), Spec((1, 1, 4))).graph
    assert [value.dtype for value in graph.outputs] == ["float32", "int32"]


def test_current() -> None:
    """The innermost builder records; outside of a trace none does."""
    assert current() is None
    builder, inner = Builder(), Builder()
    with recording(builder):
        assert current() is builder
        with recording(inner):
            assert current() is inner
        assert current() is builder
    assert current() is None


def test_record_needs_a_trace() -> None:
    """Recording outside of a trace is refused; inside it is the operator on the values."""
    builder = Builder()
    x = builder.input(MATRIX)
    with pytest.raises(TraceError, match="after its trace has ended"):
        record(Relu(), x)
    with recording(builder):
        y = record(Relu(), x)
    np.testing.assert_array_equal(run(builder.graph([y]), X), np.maximum(X, 0))


def test_paths() -> None:
    """Nodes and errors carry the path of the layer that records, the innermost."""
    builder = Builder()
    x = builder.input(MATRIX)
    with recording(builder), builder.at("1 (Block)"):
        y = -x
        with builder.at("1.0 (Linear)"):
            z = abs(y)
            with pytest.raises(ShapeError, match=r"^1.0 \(Linear\): Add"):
                z + np.ones(2)
        z = z + y
    assert [node.path for node in builder.nodes] == ["1 (Block)", "1.0 (Linear)", "1 (Block)"]


def nested(function, x: Value) -> Value:
    """A function traced on its own and recorded again in the trace of `x`."""
    traced = trace(function, x.spec)
    here = x.builder.inline(traced.graph, [x, *traced.captured])
    return here[traced.graph.outputs[0]]


def test_nesting_captures() -> None:
    """Values of an outer trace become inputs of the inner graph, once each."""
    seen = []

    def outer(x, w):
        traced = trace(lambda z: z * w + w * x + w, x.spec)
        seen.append(traced)
        return nested(lambda z: z * w + w * x + w, x)

    graph = trace(outer, MATRIX, MATRIX).graph
    assert [value.spec for value in seen[0].captured] == [MATRIX, MATRIX]
    assert len(seen[0].graph.inputs) == 3
    np.testing.assert_array_equal(run(graph, X, 2 * X), X * 2 * X + 2 * X * X + 2 * X)


@pytest.mark.parametrize(
    "mixed",
    [
        lambda z, w: w * z,
        lambda z, w: z * w,
        lambda z, w: (w * 2.0) * z * 0.5,
        lambda z, w: np.add(w, 0.0) * z,
        lambda z, w: np.concatenate([w, z]).sum(0) * 0.0 + w * z,
        lambda z, w: w[:, ::1] * z,
        lambda z, w: w**1 * z,
        lambda z, w: w.reshape(6).reshape(2, 3) * z,
    ],
)
def test_outer_values_first(mixed) -> None:
    """Whichever operand comes first, an inner trace records it, and its own values do not leak."""
    outer_inputs = []

    def outer(x, w):
        y = nested(lambda z: mixed(z, w), x)
        outer_inputs.append(len(x.builder.inputs))
        return y

    graph = trace(outer, MATRIX, MATRIX).graph
    assert outer_inputs == [2]
    np.testing.assert_array_equal(run(graph, X, 3 * X), X * 3 * X)


def test_three_levels() -> None:
    """A value of the outermost trace passes through the middle one."""

    def outer(a):
        return nested(lambda b: nested(lambda c: a * b * c, b) + a, a)

    np.testing.assert_array_equal(run(trace(outer, MATRIX).graph, X), X**3 + X)


def leak() -> Value:
    """A value whose trace has ended."""
    leaked: list[Value] = []
    trace(lambda x: leaked.append(x) or x, MATRIX)
    return leaked[0]


def test_leaked_values() -> None:
    """A value of a trace that has ended is refused wherever it is used."""
    with pytest.raises(TraceError, match="Add on a value whose trace has ended"):
        leak() + 1.0
    with pytest.raises(TraceError, match="outside the trace that it belongs to"):
        trace(lambda x: x + leak(), MATRIX)
    with pytest.raises(TraceError, match="whose trace has ended"):
        trace(lambda x: leak() + x, MATRIX)
    with pytest.raises(TraceError, match="outside the trace that it belongs to"):
        trace(lambda x: leak(), MATRIX)


def test_inner_values_do_not_leak_outwards() -> None:
    """A value of an inner trace is refused in the outer one after the inner has ended."""

    def outer(x):
        inner: list[Value] = []
        trace(lambda z: inner.append(z) or z, MATRIX)
        return x + inner[0]

    with pytest.raises(TraceError, match="outside the trace"):
        trace(outer, MATRIX)


def test_failed_trace_is_closed() -> None:
    """A trace that raised has ended too."""
    kept: list[Value] = []

    def fails(x):
        kept.append(x)
        raise KeyError("something else")

    with pytest.raises(KeyError):
        trace(fails, MATRIX)
    assert current() is None
    with pytest.raises(TraceError, match="trace has ended"):
        kept[0] * 2.0


def test_inline_replaces() -> None:
    """Inlining may give other results for a node, of one value or several."""
    graph = trace(lambda x: Relu()(x) + x, MATRIX).graph
    builder = Builder()
    x = builder.input(MATRIX)

    def replace(node, inputs):
        return (inputs[0] * 3.0,) if isinstance(node.operator, Relu) else None

    with recording(builder):
        here = builder.inline(graph, [x], replace)
    np.testing.assert_array_equal(run(builder.graph([here[graph.outputs[0]]]), X), 4 * X)


def test_operator_needs_enough_operands() -> None:
    """An operator on too few or too many values names its operands."""
    with pytest.raises(ShapeError, match="Add takes a, b; got 1 arrays"):
        trace(lambda x: Add()(x), MATRIX)
    with pytest.raises(ShapeError, match="Add takes a, b; got 3 arrays"):
        trace(lambda x: Add()(x, x, x), MATRIX)


def test_operators_show_their_names() -> None:
    """An operator is named as its class."""
    assert all(op().name == op.__name__ for op in (Add, Relu))
    assert issubclass(Add, Operator)
