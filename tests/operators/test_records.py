"""Facts that hold for every operator, from its record."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import allconv.operators
from allconv.errors import Error, UnsupportedError
from allconv.gradient import backward
from allconv.graph import Graph
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.reduce import Sum
from allconv.trace import Builder, trace
from records import RECORDS
from records.record import Record

each_record = pytest.mark.parametrize("record", RECORDS, ids=str)


def subclasses(operator: type[Operator]) -> set[type[Operator]]:
    """Every class below an operator class."""
    below = set(operator.__subclasses__())
    return below.union(*(subclasses(each) for each in below))


def assert_close(got: Array, wanted: Array, ulp: float) -> None:
    """Equal, or within `ulp` units in the last place of max(1, |wanted|)."""
    wanted = np.asarray(wanted)
    assert got.shape == wanted.shape
    if ulp == 0 or got.dtype.kind != "f":
        np.testing.assert_array_equal(got, wanted)
        return
    bound = ulp * np.finfo(got.dtype).eps * np.maximum(1.0, np.abs(wanted.astype(np.float64)))
    assert (np.abs(got.astype(np.float64) - wanted) <= bound).all()


def pull(
    operator: Operator, arrays: tuple[Array, ...], gy: tuple[Array, ...], wanted: list[int]
) -> tuple[Array, ...]:
    """The gradients of the operands at `wanted`, from those of the float results."""
    graph = trace(lambda *x: operator(*x), *map(Spec.of, arrays)).graph
    builder = Builder()
    operands = [builder.input(value.spec) for value in graph.inputs]
    seeds = iter([builder.input(Spec.of(each)) for each in gy])
    given_seeds = [next(seeds) if value.spec.is_float else None for value in graph.outputs]
    _, gradients = backward(builder, graph, operands, given_seeds, wanted)
    return builder.graph(gradients).run(*arrays, *gy)


def test_every_operator_has_a_record() -> None:
    """Every operator class that can be used has exactly one record."""
    for module in pkgutil.iter_modules(allconv.operators.__path__):
        import_module(f"allconv.operators.{module.name}")
    ours = {each for each in subclasses(Operator) if each.__module__.startswith("allconv.")}
    usable = {each for each in ours if not inspect.isabstract(each)}
    final = {each for each in usable if not each.__name__.startswith("_")} - {
        each for each in usable if each.__subclasses__()
    }
    assert final == {record.operator for record in RECORDS}
    assert len(final) == len(RECORDS)


@each_record
@given(data=st.data())
def test_definition(record: Record, data: st.DataObject) -> None:
    """The definition equals scalar loops that do not know it; on integers exactly."""
    operator, arrays = record.draw(data)
    with np.errstate(all="ignore"):
        got = operator.define(*arrays)
    for y, wanted in zip(got, record.brute(operator, *arrays), strict=True):
        assert_close(y, wanted, record.ulp)


@each_record
@given(data=st.data())
def test_shape_law(record: Record, data: st.DataObject) -> None:
    """Shapes and dtypes are those inferred; results are fresh, contiguous arrays."""
    operator, arrays = record.draw(data)
    before = [array.copy() for array in arrays]
    got = operator.define(*arrays)
    assert operator.infer(*map(Spec.of, arrays)) == tuple(map(Spec.of, got))
    for y in got:
        assert y.flags.c_contiguous
        assert not any(np.shares_memory(y, x) for x in arrays)
    for x, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(x, old)


@each_record
@given(data=st.data())
def test_any_layout(record: Record, data: st.DataObject) -> None:
    """Transposed, reversed, read-only and byte-swapped operands give the same results."""
    operator, arrays = record.draw(data)
    graph = trace(lambda *x: operator(*x), *map(Spec.of, arrays)).graph
    strange = []
    for x in arrays:
        swapped = np.array(x.T.copy().T, x.dtype.newbyteorder())  # also column by column
        backwards = np.array(np.flip(swapped), order="C")
        strange.append(np.asarray(np.flip(backwards)) if data.draw(st.booleans()) else swapped)
        strange[-1].setflags(write=False)
    for y, wanted in zip(graph.run(*strange), graph.run(*arrays), strict=True):
        assert y.dtype == wanted.dtype
        np.testing.assert_array_equal(y, wanted)


@each_record
def test_refusals(record: Record) -> None:
    """What does not fit is refused in words that name it."""
    for refusal in record.refusals:
        with pytest.raises(Error, match=refusal.message):
            refusal.make().infer(*refusal.specs)


@each_record
@given(data=st.data())
@settings(max_examples=5)
def test_general_refusals(record: Record, data: st.DataObject) -> None:
    """float16 is refused with the remedy, and so is one array too many."""
    operator, arrays = record.draw(data)
    specs = [Spec.of(array) for array in arrays]
    floats = any(spec.is_float for spec in specs)
    half = [Spec(s.shape, "float16") if s.is_float or not floats else s for s in specs]
    with pytest.raises(Error, match=r"float16 is not computed here; use .astype\(np.float32\)"):
        operator.infer(*half)
    with pytest.raises(Error, match=f"{operator.name} takes .* got {len(specs) + 9}"):
        operator.infer(*specs, *specs[:1] * 9)


OUTSIDERS = [
    pytest.param(record, outsider, id=f"{record}-{number}")
    for record in RECORDS
    for number, outsider in enumerate(record.outsiders)
]


@pytest.mark.parametrize(("record", "outsider"), OUTSIDERS)
def test_outsiders(record: Record, outsider: Callable[..., Any]) -> None:
    """Others' implementations, where they cover the settings, agree with the definition."""
    compared = 0

    @settings(max_examples=max(60, settings().max_examples))  # some do not apply
    @given(data=st.data())
    def compare(data: st.DataObject) -> None:
        nonlocal compared
        operator, arrays = record.draw(data)
        with np.errstate(all="ignore"):
            wanted = outsider(operator, *arrays)
        if wanted is not None:
            compared += 1
            for y, other in zip(operator.define(*arrays), wanted, strict=False):
                assert_close(y, other, record.outsider_ulp)

    compare()
    assert compared >= 3


@pytest.mark.parametrize("record", [r for r in RECORDS if r.linear], ids=str)
@given(data=st.data())
def test_linearity(record: Record, data: st.DataObject) -> None:
    """A(2u - 3v) == 2 Au - 3 Av, exactly on integers."""
    operator, arrays = record.draw(data)
    other = tuple(np.roll(x, 1) if x.size else x for x in arrays)
    for group in record.groups(arrays):
        mixed, second = list(arrays), list(arrays)
        for n in group:
            mixed[n], second[n] = 2 * arrays[n] - 3 * other[n], other[n]
        rows = (operator.define(*each) for each in (mixed, arrays, second))
        for y, u, v in zip(*rows, strict=True):
            np.testing.assert_array_equal(y, 2 * u - 3 * v)


@pytest.mark.parametrize("record", [r for r in RECORDS if r.linear and r.order], ids=str)
@given(data=st.data())
def test_adjoint(record: Record, data: st.DataObject) -> None:
    """<gy, Ax> == <A'gy, x>, exactly on integers."""
    operator, arrays = record.draw(data)
    arrays = tuple(x.astype(np.float64) if x.dtype.kind == "f" else x for x in arrays)
    (y,) = operator.define(*arrays)
    gy = np.random.default_rng(1).integers(-4, 5, y.shape) * 216.0  # every mean is exact
    for group in record.groups(arrays):
        gx = pull(operator, arrays, (gy,), group)
        right = sum((g * arrays[n]).sum() for n, g in zip(group, gx, strict=True))
        assert (gy * y).sum() == right


def scalar(operator: Operator, arrays: tuple[Array, ...], rng: np.random.Generator) -> Graph:
    """A random combination of the float results of an operator."""
    specs = operator.infer(*map(Spec.of, arrays))
    weights = [rng.normal(size=spec.shape) for spec in specs]

    def combine(*x):
        y = operator(*x)
        parts = zip(y if isinstance(y, tuple) else (y,), weights, strict=True)
        return sum(total(each * w) for each, w in parts if each.spec.is_float)

    return trace(combine, *map(Spec.of, arrays)).graph


def total(x):
    """The sum of a value over all its axes."""
    return Sum(tuple(range(x.ndim)))(x)


def directional(graph: Graph, wanted: list[int], directions: list[Array]) -> Graph:
    """The derivative of a scalar function along directions, through its gradient."""
    builder = Builder()
    operands = [builder.input(value.spec) for value in graph.inputs]
    seed = builder.scalar(1.0, "float64")
    _, gradients = backward(builder, graph, operands, [seed], wanted)
    parts = [
        builder.record(Sum(tuple(range(v.ndim))), g * v)
        for g, v in zip(gradients, directions, strict=True)
    ]
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return builder.graph([result])


def check_derivative(graph: Graph, along: Graph, arrays, wanted, directions) -> None:
    """The derivative along directions equals a central difference."""
    h = 1e-4
    moved = []
    for sign in (h, -h):
        shifted = list(arrays)
        for n, v in zip(wanted, directions, strict=True):
            shifted[n] = arrays[n] + sign * v
        moved.append(float(graph.run(*shifted)[0]))
    got, plain = float(along.run(*arrays)[0]), float(graph.run(*arrays)[0])
    scale = max(1.0, abs(plain), abs(got))
    assert abs(got - (moved[0] - moved[1]) / (2 * h)) <= 1e-5 * scale


@pytest.mark.parametrize("record", [r for r in RECORDS if r.order and r.differences], ids=str)
@given(data=st.data(), seed=st.integers(0, 2**16))
@settings(max_examples=settings().max_examples // 2)
def test_gradients(record: Record, data: st.DataObject, seed: int) -> None:
    """First and second derivatives along random directions equal central differences."""
    operator, arrays = record.draw(data)
    rng = np.random.default_rng(seed)
    arrays = record.smooth(operator, arrays, rng)
    wanted = record.moving(arrays)
    assume(all(np.isfinite(y).all() for y in operator.define(*arrays)))
    graph = scalar(operator, arrays, rng)
    for _ in range(record.order):
        directions = [rng.normal(size=arrays[n].shape) for n in wanted]
        along = directional(graph, wanted, directions)
        check_derivative(graph, along, arrays, wanted, directions)
        graph = along


@pytest.mark.parametrize("record", [r for r in RECORDS if not r.order], ids=str)
@given(data=st.data())
@settings(max_examples=3)
def test_no_gradient(record: Record, data: st.DataObject) -> None:
    """An update of a parameter has no gradient and says so."""
    operator, arrays = record.draw(data)
    arrays = tuple(x.astype(np.float64) for x in arrays)
    graph = scalar(operator, arrays, np.random.default_rng(0))
    with pytest.raises(UnsupportedError, match=f"{operator.name} has no gradient"):
        directional(graph, record.moving(arrays), [np.zeros(())] * len(arrays))


@each_record
def test_docstring(record: Record) -> None:
    """Every operator says what it is."""
    assert inspect.getdoc(record.operator)
    assert "(*" not in inspect.getdoc(record.operator).split("\n")[0]
