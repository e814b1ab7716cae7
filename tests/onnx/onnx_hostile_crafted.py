"""Crafted files, by theme: what is of another kind, or built wrongly; and those of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from onnx_hostile_models import Model, base, chain, ints, node
from onnx_hostile_numbers import NUMBERS, Made, indices, scales, sizes, windows

from onnx import AttributeProto, TensorProto, helper, numpy_helper

F = TensorProto.FLOAT


def known(op: str, *numbers: Any, **attributes: Any) -> Callable[[], Model]:
    """A node of known numbers alone, whose result is added to x."""
    arrays = {f"n{k}": np.asarray(n, np.int64) for k, n in enumerate(numbers)}
    return lambda: chain(
        helper.make_node(op, list(arrays), ["c"], **attributes),
        helper.make_node("Cast", ["c"], ["f"], to=F),
        node("Add", "x", "f"),
        arrays=arrays,
    )


def constants() -> Iterator[Made]:
    """Known numbers that become many, or none."""
    for n in NUMBERS:
        yield f"ConstantOfShape {n}", known("ConstantOfShape", [n])
        yield f"Range to {n}", known("Range", 0, n, 1)
        yield f"Range by {n}", known("Range", 0, 3, n)
        yield f"OneHot {n}", known("OneHot", [0, 1], n, [0, 1])
        yield f"known Expand {n}", known("Expand", [1], [n])
        yield f"known Tile {n}", known("Tile", [1], [n])
        yield f"known Pad {n}", known("Pad", [1], [n, 0])
        yield f"known Gather {n}", known("Gather", [1, 2], [n])
        yield f"known Div by {n}", known("Div", [-(2**63), 7], [n])
        yield f"known Mod {n}", known("Mod", [-(2**63), 7], [n])
        yield f"known Pow {n}", known("Pow", [2, 7], [n])
        yield f"known BitShift {n}", known("BitShift", [2, 7], [n], direction="LEFT")


def set_of(change: Callable[[Any], Any]) -> Callable[[], Model]:
    """The base network after a change of it."""

    def make() -> Model:
        model = base()
        change(model)
        return model

    return make


def kinds() -> Iterator[Made]:
    """Types that are none, or not of tensors."""
    for code in (-1, 0, *range(2, 30), 2**31 - 1):
        yield (
            f"an input of type {code}",
            set_of(
                lambda m, code=code: setattr(m.graph.input[0].type.tensor_type, "elem_type", code)
            ),
        )
        yield (
            f"weights of type {code}",
            set_of(lambda m, code=code: setattr(m.graph.initializer[0], "data_type", code)),
        )
        yield f"a Cast to {code}", lambda code=code: chain(node("Cast", "x", to=code))
    for kind in ("sequence_type", "map_type", "optional_type", "sparse_tensor_type"):
        yield (
            f"an input that is a {kind}",
            set_of(lambda m, kind=kind: getattr(m.graph.input[0].type, kind).SetInParent()),
        )
    for code in range(15):
        yield (
            f"an attribute of type {code}",
            set_of(lambda m, code=code: setattr(m.graph.node[0].attribute[0], "type", code)),
        )


def texts() -> Iterator[Made]:
    """Names that nobody gives."""
    for text in ("", "\0", "\n", "\x1b[2J", "\u202e", "a" * 10**6, "__class__", "%s{}", "input"):
        told = repr(text[:9])
        yield f"a node named {told}", set_of(lambda m, t=text: setattr(m.graph.node[0], "name", t))
        yield (
            f"an operator {told}",
            set_of(lambda m, t=text: setattr(m.graph.node[0], "op_type", t)),
        )
        yield f"a domain {told}", set_of(lambda m, t=text: setattr(m.graph.node[0], "domain", t))
        yield f"an input {told}", set_of(lambda m, t=text: setattr(m.graph.input[0], "name", t))
        yield f"an output {told}", set_of(lambda m, t=text: setattr(m.graph.output[0], "name", t))
        yield (
            f"weights {told}",
            set_of(lambda m, t=text: setattr(m.graph.initializer[0], "name", t)),
        )
        yield f"a result {told}", set_of(lambda m, t=text: m.graph.node[0].output.append(t))
        yield f"an operand {told}", set_of(lambda m, t=text: m.graph.node[0].input.append(t))
        yield (
            f"an attribute {told}",
            set_of(lambda m, t=text: setattr(m.graph.node[0].attribute[0], "name", t)),
        )
        yield (
            f"an operator set of {told}",
            set_of(lambda m, t=text: m.opset_import.add(domain=t, version=3)),
        )
        yield (
            f"a size {told}",
            set_of(
                lambda m, t=text: setattr(
                    m.graph.input[0].type.tensor_type.shape.dim[2], "dim_param", t
                )
            ),
        )


def structures() -> Iterator[Made]:
    """Parts that a network has not, or has too often."""
    yield "a training", set_of(lambda m: m.training_info.add())
    yield "sparse weights", set_of(lambda m: m.graph.sparse_initializer.add())
    yield "no graph", set_of(lambda m: m.ClearField("graph"))
    yield "an output that is an input", set_of(lambda m: m.graph.output.add(name="input"))
    yield "an output that is a weight", set_of(lambda m: m.graph.output.add(name="0.weight"))
    yield "outputs of one name", set_of(lambda m: m.graph.output.append(m.graph.output[0]))
    yield "inputs of one name", set_of(lambda m: m.graph.input.append(m.graph.input[0]))
    yield "the nodes backwards", set_of(lambda m: m.graph.node.reverse())
    yield (
        "a graph in a node",
        set_of(
            lambda m: m.graph.node[0].attribute.add(
                name="g", type=AttributeProto.GRAPH, g=helper.make_graph([], "g", [], [])
            )
        ),
    )
    yield (
        "sixty thousand operator sets",
        set_of(lambda m: m.opset_import.extend([m.opset_import[0]] * 60_000)),
    )
    yield (
        "sixty thousand notes",
        set_of(lambda m: [m.metadata_props.add(key=str(n), value="v") for n in range(60_000)]),
    )
    for name, count in (("node", 100_000), ("input", 100_001), ("output", 100_001)):
        yield (
            f"{count:,} of {name}",
            set_of(
                lambda m, name=name, count=count: getattr(m.graph, name).extend(
                    [getattr(m.graph, name)[0]] * count
                )
            ),
        )
    for depth in (2, 8, 9, 20):
        yield (
            f"a choice {depth} deep",
            lambda depth=depth: chain(chosen(depth), arrays={"c": np.array(True)}),
        )


def chosen(depth: int) -> Any:
    """Choices inside choices, each of a known condition."""
    y = [helper.make_tensor_value_info("y", F, None)]
    made = node("Neg", "x")
    for level in range(depth):
        inner = [helper.make_node("Relu", ["x"], [f"t{level}"]), made]
        graph = helper.make_graph(inner, "b", [], y)
        other = helper.make_graph([node("Exp", "x")], "b", [], y)
        made = node("If", "c", then_branch=graph, else_branch=other)
    return made


def tensors() -> Iterator[Made]:
    """Weights whose sizes and bytes do not belong together."""
    for dims in (
        [], [0], [2**62], [2**62, 2**62, 2**62], [-1], [-18, -1], [18], [2**31, 2**31, 0],
        [1] * 33, [1] * 64, [2, 1, 3, 3, 1], [3, 3, 1, 2], [2**63 - 1, 2],
    ):  # fmt: skip
        yield (
            f"weights of {dims[:5]}, {len(dims)} axes",
            set_of(lambda m, dims=dims: set_dims(m.graph.initializer[0], dims)),
        )
    for count in (0, 1, 71, 73, 144, 10**6):
        yield (
            f"weights of {count} bytes",
            set_of(
                lambda m, count=count: setattr(m.graph.initializer[0], "raw_data", bytes(count))
            ),
        )
    for code, bits in ((TensorProto.FLOAT16, b"\x00\x7c"), (TensorProto.BFLOAT16, b"\x80\x7f")):
        yield (
            f"weights of type {code} that overflowed",
            set_of(
                lambda m, code=code, bits=bits: m.graph.initializer[0].CopyFrom(
                    TensorProto(
                        name="0.weight", dims=[2, 1, 3, 3], data_type=code, raw_data=bits * 18
                    )
                )
            ),
        )
    yield (
        "texts as weights",
        set_of(
            lambda m: m.graph.initializer[0].CopyFrom(
                helper.make_tensor("0.weight", TensorProto.STRING, [18], [b"x"] * 18)
            )
        ),
    )
    yield "texts as a shape", lambda: chain(
        helper.make_node(
            "Constant", [], ["s"],
            value=helper.make_tensor("s", TensorProto.STRING, [2], [b"1", b"18"]),
        ),
        node("Reshape", "x", "s"),
    )  # fmt: skip
    yield (
        "floats as a shape",
        lambda: chain(node("Reshape", "x", "s"), arrays={"s": np.array([1, 18], "f")}),
    )


def set_dims(tensor: Any, dims: list[int]) -> None:
    """Other sizes of a tensor."""
    del tensor.dims[:]
    tensor.dims.extend(dims)


def work() -> Iterator[Made]:
    """Little that asks for much to be computed or kept."""
    for op in ("Concat", "Add", "Mul", "MatMul"):
        links = [
            helper.make_node(
                op, [f"v{n}"] * 2, [f"v{n + 1}"], **({"axis": 0} if op == "Concat" else {})
            )
            for n in range(300)
        ]
        yield (
            f"{op} of itself 300 times",
            lambda links=links: chain(
                helper.make_node("Relu", ["x"], ["v0"]), *links, node("Relu", "v300")
            ),
        )
    large = numpy_helper.from_array(ints(1))
    counted = [helper.make_node("Add", [f"c{n}", f"c{n}"], [f"c{n + 1}"]) for n in range(2000)]
    yield (
        "known numbers without end",
        lambda: chain(
            helper.make_node("ConstantOfShape", ["s"], ["c0"], value=large),
            *counted,
            node("Reshape", "x", "c2000"),
            arrays={"s": ints(1_000_000)},
        ),
    )
    yield (
        "a matrix product of many axes",
        lambda: chain(node("Einsum", "x", "x", equation="abcd,efgh->abcdefgh")),
    )
    for equation in ("", "->", "abcd", "abcd,->", "...,...->...", "a" * 10**5, "abcd->zz", "ab,cd"):
        yield f"Einsum {equation[:9]}", lambda e=equation: chain(node("Einsum", "x", equation=e))


THEMES: dict[str, Callable[[], Iterator[Made]]] = {
    "sizes": sizes,
    "scales": scales,
    "windows": windows,
    "indices": indices,
    "constants": constants,
    "kinds": kinds,
    "texts": texts,
    "structures": structures,
    "tensors": tensors,
    "work": work,
}
