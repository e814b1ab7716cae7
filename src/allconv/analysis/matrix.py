"""The matrix of a linear layer, from its window alone.

Every cell of the output of a convolution is a weighted sum of cells of the input, so the layer is
a matrix: sparse, with the same few weights in every row. Its transpose is transposed convolution.

Source: Dumoulin and Visin 2016, arXiv:1603.07285, section 4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allconv.analysis.layer_matrix import Matrix
from allconv.analysis.linear_map import (
    Known,
    LinearMap,
    composed,
    identity,
    numbered,
    selection,
    summed,
)
from allconv.analysis.moving import MOVING, move_labels
from allconv.analysis.window_terms import window_terms
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.graph import Graph, Node
from allconv.intake.arrays import take_array
from allconv.intake.limits import within_limits
from allconv.intake.settings import shape_of
from allconv.operators.arrange import Convert, Reshape, Slice, Transpose
from allconv.operators.base import FLOATS, Array, Operator, Spec
from allconv.operators.correlate import Trilinear
from allconv.operators.pointwise import Add, Divide, Multiply, Negate, Subtract
from allconv.operators.pool import AveragePool, AveragePoolTranspose
from allconv.operators.reduce import Sum
from allconv.operators.resize import Resize, table_of
from allconv.operators.rules import Rules
from allconv.operators.sum_cells import SumCells
from allconv.trace import record, trace
from allconv.value import Value


def as_matrix(layer: Any, input_shape: Sequence[int], *operands: Any) -> Matrix:
    """The matrix of a linear layer, network or function: y.ravel() = matrix @ x.ravel() + bias.

    layer        a module, a function of x, an operator or a graph: convolutions and locally
                 connected layers of any window, their transposes and gradients of weights, linear
                 layers, average pooling, and what adds these up or moves their values
    input_shape  of x, batch included
    operands     the other arrays of a function (after x), a graph or an operator (w, then b)

    The numbers are in the dtype of the weights, float64 where there are none. UnsupportedError
    where something on the way is not linear in x: `jacobian` gives its matrix at a point.

    >>> import numpy as np
    >>> from allconv import functional as F
    >>> matrix = as_matrix(lambda x: F.conv1d(x, np.array([[[1.0, 2.0, 3.0]]])), (1, 1, 4))
    >>> print(matrix)
    2 x 4, 6 entries: y (1, 1, 2) from x (1, 1, 4)
    [1  2  3  0]
    [0  1  2  3]
    >>> print(matrix.T.text(letters=True))
    4 x 2, 6 entries: x (1, 1, 4) from y (1, 1, 2)
    [w[0,0,0]         0]
    [w[0,0,1]  w[0,0,0]]
    [w[0,0,2]  w[0,0,1]]
    [       0  w[0,0,2]]
    """
    if isinstance(input_shape, np.ndarray) and input_shape.dtype.kind not in "iu":
        raise ArgumentError(
            f"input_shape is an array, {input_shape.shape}; the shape of x is expected, not x: "
            "x.shape"
        )
    shape = shape_of("input_shape", input_shape)
    others = [_operand(each) for each in operands]
    try:
        graph, arrays = _graph(layer, shape, others)
    except ShapeError as error:
        raise ShapeError(
            f"{error}; input_shape, {shape}, is the shape of x and not x itself"
        ) from None
    if len(graph.outputs) != 1:
        raise ArgumentError(
            f"a layer with one result has a matrix; this has {len(graph.outputs)} results"
        )
    (result,) = graph.outputs
    with within_limits("the matrix"), np.errstate(all="ignore"):
        known = _Walk(graph, arrays)
        found = known.maps.get(result) or LinearMap.none(result.shape, shape)
        return found.matrix(known.arrays[result].array.reshape(-1), result.dtype)


def _operand(given: Any) -> Array:
    array = take_array("an operand", given)
    if array.dtype.kind not in "biuf":
        raise ArgumentError(f"an operand is {array.dtype.name}; arrays of numbers are expected")
    return array


def _graph(
    layer: Any, shape: tuple[int, ...], operands: list[Array]
) -> tuple[Graph, Sequence[Array]]:
    """A layer as a graph, and the arrays of its inputs after the first."""
    if isinstance(layer, Graph):
        return layer, operands
    if hasattr(layer, "traced"):
        if operands:
            raise ArgumentError("a module has its weights; give its input's shape alone")
        state = layer.state_dict()
        traced = layer.traced(Spec(shape, _dtype(list(state.values()))))
        return traced.graph, [state[name] for name in traced.state]
    dtype = _dtype(operands)
    operands = [each.astype(dtype) if each.dtype.name not in FLOATS else each for each in operands]
    if isinstance(layer, Operator):
        place = layer.inputs.index("x" if "x" in layer.inputs else "y")
        return trace(
            lambda x: record(layer, *operands[:place], x, *operands[place:]), Spec(shape, dtype)
        ).graph, ()
    # Operands are inputs of the trace, so that what the function does to them is seen.
    return trace(layer, Spec(shape, dtype), *map(Spec.of, operands)).graph, operands


def _dtype(arrays: Sequence[Array]) -> str:
    return next((a.dtype.name for a in arrays if a.dtype.name in FLOATS), "float64")


class _Walk:
    """A walk through a graph that keeps, for every value, how it depends on the first input.

    `arrays` hold every value where the input is 0; `maps` what a value has of the input.
    """

    def __init__(self, graph: Graph, operands: Sequence[Array]) -> None:
        source, *others = graph.inputs
        if len(others) != len(operands):
            raise ArgumentError(
                f"{len(others)} arrays are expected besides x, {len(operands)} given"
            )
        self.maps: dict[Value, LinearMap] = {source: identity(source.shape)}
        self.arrays: dict[Value, Known] = {source: Known.new(np.zeros(source.shape))}
        for value, array in (*zip(others, operands, strict=True), *graph.constants.items()):
            self.arrays[value] = Known.new(array)
        for node in graph:
            self.step(node)

    def step(self, node: Node) -> None:
        """One node: its results where x is 0, and their maps."""
        known = [self.arrays[value] for value in node.inputs]
        dependent = any(value in self.maps for value in node.inputs)
        if dependent and not self.follow(node, known):
            return
        results = node.operator.define(*(each.array for each in known))
        for value, array in zip(node.outputs, results, strict=True):
            if isinstance(node.operator, Convert | Reshape | Transpose | Slice):
                # Moved weights keep their names: that of a flipped kernel's first tap is its last.
                self.arrays[value] = known[0].moved(
                    array, move_labels(node.operator, known[0].cells)
                )
            else:
                self.arrays[value] = Known.new(array)

    def follow(self, node: Node, known: list[Known]) -> bool:
        """The map of a node that depends on the input; False if its parts were followed instead."""
        rule = _RULES.of(node.operator)
        if rule is None and self.expand(node):
            return False
        maps = [self.maps.get(value) for value in node.inputs]
        found = rule(node, maps, known) if rule else None
        if found is None:
            at = f"{node.path}: " if node.path else ""
            raise UnsupportedError(
                f"{at}{node.operator.name} is not linear in x, so it has no matrix; "
                "jacobian(f, x) gives that of its derivative at an x"
            )
        self.maps[node.outputs[0]] = found
        return True

    def expand(self, node: Node) -> bool:
        """A node that is written in more elementary operators: these, instead."""
        small = trace(lambda *x: node.operator.expand(*x) or (), *(v.spec for v in node.inputs))
        if not small.graph.outputs:
            return False
        for here, there in zip(small.graph.inputs, node.inputs, strict=True):
            self.share(there, here)
        for value, array in small.graph.constants.items():
            self.arrays[value] = Known.new(array)
        for each in small.graph:
            self.step(each)
        for here, there in zip(small.graph.outputs, node.outputs, strict=True):
            self.share(here, there)
        return True

    def share(self, old: Value, new: Value) -> None:
        """Copy one value's array and map to another."""
        self.arrays[new] = self.arrays[old]
        if old in self.maps:
            self.maps[new] = self.maps[old]


Rule = Callable[[Node, list[LinearMap | None], list[Known]], LinearMap | None]


def _move(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap:
    """An operator that moves values, tried on the labels of each operand's cells."""
    parts = []
    for n, each in enumerate(maps):
        if each is not None:
            places = [np.zeros(value.shape, np.int64) for value in node.inputs]
            places[n] = 1 + numbered(places[n].shape)
            parts.append(
                composed(selection(move_labels(node.operator, *places), places[n].shape), each)
            )
    return summed(parts)


def _sum(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    operator = node.of(Sum)
    shape = node.inputs[0].shape
    kept = tuple(1 if axis in operator.axes else n for axis, n in enumerate(shape))
    spread = selection(np.broadcast_to(1 + numbered(kept), shape), node.outputs[0].shape)
    return composed(spread.transposed(), maps[0]) if maps[0] else None


def _sum_cells(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    """The listed cells of one axis, whatever stands on the others."""
    operator = node.of(SumCells)
    met = [(p, j) for p, cells in enumerate(operator.cells) for j in cells]
    p, j = np.array(met, np.int64).reshape(-1, 2).T
    shapes = node.outputs[0].shape, node.inputs[0].shape
    rows, columns = (np.moveaxis(numbered(shape), operator.axis, 0) for shape in shapes)
    here = LinearMap(rows[p].reshape(-1), columns[j].reshape(-1), np.ones(rows[p].size), *shapes)
    return composed(here, maps[0]) if maps[0] else None


def _resize(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    """One axis after another, each by its table."""
    operator, found, shape = node.of(Resize), maps[0], node.inputs[0].shape
    for line in operator.ordered():
        table = table_of(line, operator.rule)
        after = (*shape[: line.axis], line.to, *shape[line.axis + 1 :])
        rows, columns = (np.moveaxis(numbered(each), line.axis, 0) for each in (after, shape))
        p, j = rows[table.rows], columns[table.cells]
        weights = np.repeat(table.weights, p.size // max(len(table.cells), 1))
        here = LinearMap(p.reshape(-1), j.reshape(-1), weights, after, shape)
        found, shape = composed(here, found) if found else None, after
    return found


def _add(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap:
    signs = (1.0, -1.0) if isinstance(node.operator, Subtract) else (1.0, 1.0)
    shape = node.outputs[0].shape
    return summed(
        [_broadcast(m, shape).scaled(s) for m, s in zip(maps, signs, strict=True) if m is not None]
    )


def _negate(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    return maps[0].scaled(-1.0) if maps[0] else None


def _broadcast(found: LinearMap, shape: tuple[int, ...]) -> LinearMap:
    if found.output_shape == shape:
        return found
    places = 1 + numbered(found.output_shape)
    return composed(selection(np.broadcast_to(places, shape), found.output_shape), found)


def _multiply(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    """A value times what is known, cell by cell."""
    left, right = maps
    if left is not None and right is not None:
        return None
    found, other = (left, known[1]) if left is not None else (right, known[0])
    shape = node.outputs[0].shape
    return None if found is None else composed(other.diagonal(shape), _broadcast(found, shape))


def _divide(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    if maps[0] is None or maps[1] is not None:
        return None
    shape = node.outputs[0].shape
    with np.errstate(divide="ignore"):
        inverse = Known.new(1.0 / known[1].array)
    return composed(inverse.diagonal(shape, named=False), _broadcast(maps[0], shape))


def _form(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    """One of the three views of the form, as a matrix for either of its operands."""
    operator = node.of(Trilinear)
    names = [name.rstrip("?") for name in operator.inputs[: len(maps)]]
    specs = dict(zip(names, (value.shape for value in node.inputs), strict=True))
    (out,) = {"x", "w", "y"} - set(names)
    specs[out] = node.outputs[0].shape
    terms = window_terms(
        operator.window,
        batch=specs["x"][0],
        in_channels=specs["x"][1],
        out_channels=specs["y"][1],
        groups=operator.groups,
        local=operator.is_local,
    )
    parts = []
    for n, found in enumerate(maps):
        if found is None:
            continue
        if names[n] == "b":
            cells = 1 + numbered(node.inputs[n].shape)
            lead = cells.reshape(*cells.shape, *(1,) * (len(specs[out]) - 1 - cells.ndim))
            here = selection(np.broadcast_to(lead, specs[out]), node.inputs[n].shape)
        else:
            other = 1 - n  # the two arrays of the form come first
            if maps[other] is not None:
                return None
            here = known[other].entries(
                getattr(terms, out),
                getattr(terms, names[n]),
                getattr(terms, names[other]),
                (specs[out], specs[names[n]]),
                names[other],
            )
        parts.append(composed(here, found))
    return summed(parts)


def _average(node: Node, maps: list[LinearMap | None], known: list[Known]) -> LinearMap | None:
    """The window with weights of 1/count, each channel on its own."""
    operator = node.of(AveragePool, AveragePoolTranspose)
    forward = isinstance(operator, AveragePool)
    x, y = (node.inputs[0], node.outputs[0]) if forward else (node.outputs[0], node.inputs[0])
    terms = window_terms(
        operator.window, batch=x.shape[0], in_channels=x.shape[1], out_channels=x.shape[1],
        groups=x.shape[1],
    )  # fmt: skip
    met = np.bincount(terms.y, minlength=y.size)
    counts = np.full(y.size, operator.window.taps) if operator.count_padding else met
    rows, columns = (terms.y, terms.x) if forward else (terms.x, terms.y)
    here = LinearMap(
        rows, columns, 1.0 / counts[terms.y], node.outputs[0].shape, node.inputs[0].shape
    )
    return composed(here, maps[0]) if maps[0] else None


_RULES: Rules[Rule] = Rules(
    dict.fromkeys(MOVING, _move),
    dict.fromkeys((Add, Subtract), _add),
    dict.fromkeys((AveragePool, AveragePoolTranspose), _average),
    {
        Trilinear: _form,
        Sum: _sum,
        Resize: _resize,
        SumCells: _sum_cells,
        Negate: _negate,
        Multiply: _multiply,
        Divide: _divide,
    },
)
