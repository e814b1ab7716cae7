"""What a record is: everything that the generic tests need to know about one operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.window import Axis, Window

Draw = Callable[[st.DataObject], tuple[Operator, tuple[Array, ...]]]
Cells = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Refusal:
    """Settings and operands that are refused, and what the message says (a regular expression)."""

    message: str
    make: Callable[[], Operator]
    specs: tuple[Spec, ...]


def refusal(
    message: str, make: Callable[[], Operator], *operands: Spec | tuple[int, ...]
) -> Refusal:
    """A refusal; a bare shape is float32."""
    specs = tuple(each if isinstance(each, Spec) else Spec(each) for each in operands)
    return Refusal(message, make, specs)


@dataclass(frozen=True)
class Record:
    """One operator under test.

    To reuse a record elsewhere (to compare compiled programs with definitions, say):

        @pytest.mark.parametrize("record", RECORDS, ids=str)
        @given(data=st.data())
        def test_compiled(record, data):
            operator, arrays = record.draw(data)     # settings, and operands of small integers
            wanted = operator.define(*arrays)

    Float operands come in float32 or float64 (all alike) with values that keep the result exact in
    float32 wherever `ulp` is 0. `record.smooth(operator, arrays, rng)` gives other operands of the
    same shapes, in float64, at which the operator is differentiable `order` times.
    """

    operator: type[Operator]
    draw: Draw
    brute: Callable[..., tuple[Array, ...]]  # (operator, *arrays): scalar loops, float64 or int
    ulp: float = 0  # how far the definition may be from `brute`, in units of max(1, |wanted|)
    refusals: tuple[Refusal, ...] = ()
    outsiders: tuple[Callable[..., tuple[Any, ...] | None], ...] = ()  # None: does not apply
    outsider_ulp: float = 0
    linear: tuple[tuple[str, ...], ...] = ()  # groups of operands in which it is jointly linear
    fixed: tuple[str, ...] = ()  # operands that have no gradient
    order: int = 2  # how often it can be differentiated
    differences: bool = True  # False: rounding hides small differences; the adjoint is exact
    points: str = "any"  # where it is smooth: "any", "distinct" values, or "positive" ones

    def __str__(self) -> str:
        return self.operator.__name__

    def names(self, arrays: tuple[Array, ...]) -> tuple[str, ...]:
        """The names of the operands that are given, without "?"."""
        given = self.operator.inputs[: len(arrays)]
        return tuple(n.rstrip("?") for n in given) or tuple("x" * len(arrays))

    def moving(self, arrays: tuple[Array, ...]) -> list[int]:
        """The places of the operands that have a gradient."""
        names = self.names(arrays)
        return [
            n
            for n, array in enumerate(arrays)
            if array.dtype.kind == "f" and (n >= len(names) or names[n] not in self.fixed)
        ]

    def groups(self, arrays: tuple[Array, ...]) -> list[list[int]]:
        """The places of the operands of each linear group; "*" stands for all of them."""
        if self.linear == (("*",),):
            return [list(range(len(arrays)))]
        names = self.names(arrays)
        return [[names.index(n) for n in group if n in names] for group in self.linear]

    def smooth(
        self, operator: Operator, arrays: tuple[Array, ...], rng: np.random.Generator
    ) -> tuple[Array, ...]:
        """Operands of these shapes, in float64, at which the operator is differentiable."""
        total = sum(array.size for array in arrays)
        # Halves apart from each other and from 0, both signs.
        distinct = (rng.permutation(total) - total // 2 + 0.25) / 2
        drawn, start = [], 0
        for array in arrays:
            if array.dtype.kind != "f":
                drawn.append(array)
                continue
            here = distinct[start : start + array.size].reshape(array.shape)
            start += array.size
            if self.points == "distinct":
                drawn.append(here)
            else:
                normal = rng.normal(size=array.shape)
                drawn.append(np.abs(normal) + 0.5 if self.points == "positive" else normal)
        return tuple(drawn)


IMAGES = {n: np.ones((2, 2, *(4,) * n)) for n in (1, 2, 3)}


@dataclass(frozen=True)
class Function:
    """One function of `allconv.functional` under test.

    torch       its arguments after PyTorch 2.13's documentation; None: PyTorch has no such function
    ours        arguments that PyTorch has not, or has with another default
    given       its positional arguments, for so many axes: a call that runs
    is_spatial  there are three of it: NAME1d, NAME2d and NAME3d
    """

    name: str
    torch: str | None = None
    ours: tuple[str, ...] = ()
    given: Callable[[int], tuple[Any, ...]] = lambda n: (IMAGES[1],)
    is_spatial: bool = False

    def names(self) -> tuple[str, ...]:
        """As they are called."""
        return tuple(f"{self.name}{n}d" for n in (1, 2, 3)) if self.is_spatial else (self.name,)


def window_refusals(make: Callable[[Window], Operator]) -> tuple[Refusal, ...]:
    """What no operator with a window takes: geometries that are none."""

    def of(message: str, kernel: tuple[int, ...] = (3, 3), **settings: Any) -> Refusal:
        return refusal(message, lambda: make(Window.forward((5, 5), kernel, **settings)))

    return (
        of("stride must be at least 1, got 0", stride=(1, 0)),
        of("stride must be at least 1, got -2", stride=(-2, 1)),
        of("dilation must be at least 1, got 0", dilation=(0, 1)),
        of("dilation must be at least 1, got -1", dilation=(1, -1)),
        of("input_dilation must be at least 1, got 0", input_dilation=(0, 1)),
        of("kernel must be at least 1, got 0", (0, 3)),
        of("kernel must be at least 1, got -3", (3, -3)),
        of(r"kernel is \(3,\); one for each of 2 axes", (3,)),
        of(r"stride is \(1, 1, 1\); one for each of 2 axes", stride=(1, 1, 1)),
        of(r"dilation is \(1,\); one for each of 2 axes", dilation=(1,)),
        of(r"padding is .*; one for each of 2 axes", padding=((0, 0),)),
        of("kernel of 6 does not fit the padded input of 5", (6, 3)),
        of("kernel of 3 .dilation 3: it reaches over 7.", dilation=(1, 3)),
        of("kernel of 3 does not fit the padded input of 1", padding=((-2, -2), (0, 0))),
        of("sizes overflow: input 5, kernel 3", dilation=(2**62, 1)),
        of("sizes overflow: .* padding .*4611686018427387905", padding=((2**62 + 1, 0), (0, 0))),
        refusal("input must be at least 1, got 0", lambda: make(Window.forward((0, 5), (3, 3)))),
    )


def draw_shape(data: st.DataObject, least: int = 0, most: int = 3, size: int = 4) -> Any:
    """A shape of `least` to `most` axes; an axis is empty now and then."""
    rank = data.draw(st.sampled_from([n for n in (2, 1, 3, 4, 0) if least <= n <= most]))
    sizes = st.sampled_from([2, 3, size, 1, 3, 2, size, 0])
    return data.draw(st.tuples(*[sizes] * rank))


def draw_dtype(data: st.DataObject) -> str:
    """float32 or float64."""
    return data.draw(st.sampled_from(["float32", "float64"]))


def draw_array(
    data: st.DataObject, shape: tuple[int, ...], dtype: str, low: int = -4, high: int = 4
) -> Array:
    """Integers from `low` to `high`, as any dtype."""
    seed = data.draw(st.integers(0, 2**16))
    return np.random.default_rng(seed).integers(low, high + 1, shape).astype(dtype)


def draw_axis(data: st.DataObject, size: int, *, plain: bool = False) -> Axis:
    """An axis of a window that fits: any stride, dilation, and padding of both signs.

    A plain one has only stride and padding.
    """
    n, kernel = data.draw(st.integers(1, size)), data.draw(st.integers(1, 3))
    stride = data.draw(st.sampled_from([1, 1, 2, 3, 4]))
    dilation = 1 if plain else data.draw(st.sampled_from([1, 2, 3]))
    spread = 1 if plain else data.draw(st.sampled_from([1, 1, 2, 3]))
    low, high = data.draw(st.tuples(*[st.integers(0 if plain else -2, 2)] * 2))
    missing = dilation * (kernel - 1) + 1 - ((n - 1) * spread + 1 + low + high)
    high += max(missing, 0)
    return Axis.forward(
        n,
        kernel,
        stride=stride,
        dilation=dilation,
        input_dilation=spread,
        padding=(low, high),
    )


def draw_window(data: st.DataObject) -> Window:
    """A window of up to three axes, small enough for scalar loops; every other one is plain."""
    rank, plain = data.draw(st.sampled_from([2, 1, 3, 0])), data.draw(st.booleans())
    size = {3: 3, 2: 5}.get(rank, 8)
    return Window(tuple(draw_axis(data, size, plain=plain) for _ in range(rank)))


def cells(window: Window) -> Iterator[Cells]:
    """All (j, k, i) that meet, found by trying the relation on every triple of an axis."""
    triples = [
        [
            (j, k, i)
            for k in range(a.kernel)
            for j in range(a.input)
            for i in range(a.output)
            if a.input_dilation * j + a.padding == a.stride * i + a.dilation * k
        ]
        for a in window.axes
    ]
    for met in product(*triples):
        yield tuple(m[0] for m in met), tuple(m[1] for m in met), tuple(m[2] for m in met)


def every(*shapes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every index of an array whose shape is these shapes one after the other."""
    return product(*(range(n) for shape in shapes for n in shape))


def onnx_model(operator: str, arrays: tuple[Array, ...], results: int, attributes: Any) -> Any:
    """An ONNX model of one node."""
    from onnx import helper

    names, outputs = [f"x{n}" for n in range(len(arrays))], [f"y{n}" for n in range(results)]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for name, a in zip(names, arrays, strict=True)
    ]
    shown = [helper.make_empty_tensor_value_info(name) for name in outputs]
    node = helper.make_node(operator, names, outputs, **attributes)
    graph = helper.make_graph([node], "one", inputs, shown)
    opset = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


def onnx_results(
    operator: str, arrays: tuple[Array, ...], results: int = 1, **attributes: Any
) -> tuple[Any, ...]:
    """What the reference evaluator of ONNX computes for one node."""
    from onnx.reference import ReferenceEvaluator

    model = onnx_model(operator, arrays, results, attributes)
    return tuple(ReferenceEvaluator(model).run(None, {f"x{n}": a for n, a in enumerate(arrays)}))


def runtime_results(operator: str, arrays: tuple[Array, ...], **attributes: Any) -> tuple[Any, ...]:
    """What ONNX Runtime computes for one node."""
    from onnxruntime import InferenceSession

    import onnx

    model = onnx_model(operator, arrays, 1, attributes)
    for value in model.graph.output:
        value.type.tensor_type.elem_type = onnx.helper.np_dtype_to_tensor_dtype(arrays[0].dtype)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return tuple(session.run(None, {f"x{n}": a for n, a in enumerate(arrays)}))
