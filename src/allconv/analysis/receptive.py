"""Receptive fields: which cells of an input a cell of a result can depend on.

Along each spatial axis of the input a result cell `i` depends at most on the input cells from
`stride*i + low` to `stride*i + high`. Every operator maps such intervals; where paths meet, they
are united. Dependence is counted in structure, not in numbers: a weight of 0 counts. One interval
has to hold at every cell, so borders that mirror or repeat the image widen it.

Source: Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional neural networks".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from math import floor
from typing import Any

from allconv.analysis.fields import Field, Reach, ReceptiveFields
from allconv.errors import ArgumentError
from allconv.graph import Graph, Node
from allconv.intake.settings import shape_of, whole
from allconv.operators.arrange import Concatenate, Convert, Pad, PadEdge, Reshape, Slice, Transpose
from allconv.operators.base import Spec
from allconv.operators.correlate import ForwardView, TransposeView
from allconv.operators.dropout import Dropout
from allconv.operators.loss import LogSoftmax, Softmax
from allconv.operators.normalize import Normalize
from allconv.operators.pointwise import Pointwise
from allconv.operators.pool import AveragePool, AveragePoolTranspose, MaxPool
from allconv.operators.reduce import Broadcast, Reduction
from allconv.operators.resize import Resize, place_of, table_of
from allconv.operators.rules import Rules
from allconv.operators.sum_cells import SumCells
from allconv.operators.take import Take
from allconv.operators.windowed import WindowOperator
from allconv.trace import trace
from allconv.value import Value
from allconv.window import Axis


def receptive_field(f: Any, *shapes: Sequence[int], input: int = 0) -> ReceptiveFields:
    """The receptive field of each result: per spatial axis of the input its size, stride, offset.

    `f` is a graph, or a network or function with the shapes of its arrays, batch included. `input`
    is the number of the array that is asked about. A result on which it has no influence has ().
    The spatial axes are those over which windows slide, so images may be channels-last where the
    network turns them; where none slides, the axes after the channels.

    >>> from allconv import nn, receptive_field
    >>> net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3))
    >>> print(receptive_field(net, (1, 1, 28, 28)))
    height  8 cells, stride 2, cell 0 sees -1 to 6
    width   8 cells, stride 2, cell 0 sees -1 to 6
    >>> ((height, width),) = receptive_field(net, (1, 1, 28, 28))
    >>> width.size, width.offset, width.cells(0)
    (8, -1, range(0, 7))
    """
    if not shapes and not isinstance(f, Graph):
        raise ArgumentError(
            "the shape of each array is expected, batch included: receptive_field(net, "
            "(1, 3, 224, 224)), say"
        )
    graph = _graph(f, shapes)
    number = whole("input", input)
    if not 0 <= number < len(graph.inputs):
        raise ArgumentError(f"input is {number}; there are {len(graph.inputs)}, counted from 0")
    fields = receptive_fields(graph, number)
    return ReceptiveFields(fields.get(value, ()) for value in graph.outputs)


def receptive_fields(graph: Graph, input: int = 0) -> dict[Value, Field]:
    """The receptive field of every value that depends on an input with spatial axes."""
    source = graph.inputs[input]
    fields: dict[Value, Field] = {}
    if source.ndim > 2:
        axes = _spatial_axes(graph, source)
        fields[source] = tuple(Reach(source.shape[axis], axis) for axis in axes)
    for node in graph:
        if any(value in fields for value in node.inputs):
            field = _through(node, fields)
            fields.update((value, field) for value in node.outputs)
    return fields


def _spatial_axes(graph: Graph, source: Value) -> Sequence[int]:
    """The axes of the input that lie along those of the first window it comes to.

    Until then values are only moved and mapped, which every axis of the input is followed through.
    """
    fields: dict[Value, Field] = {source: tuple(Reach(n, a) for a, n in enumerate(source.shape))}
    for node in graph:
        given = [field for value in node.inputs if (field := fields.get(value)) is not None]
        if not given:
            continue
        operator = node.operator
        if isinstance(operator, WindowOperator) and operator.window.axes:
            met = [a for a, r in enumerate(given[0]) if r.along is not None and r.along >= 2]
            if len(met) == len(operator.window.axes):
                return met
            break
        field = _through(node, fields)
        fields.update((value, field) for value in node.outputs)
    return range(2, source.ndim)


def _graph(f: Any, shapes: Sequence[Sequence[int]]) -> Graph:
    if isinstance(f, Graph):
        return f
    specs = [Spec(shape_of("the shape", shape)) for shape in shapes]
    if hasattr(f, "traced"):
        graph: Graph = f.traced(*specs).graph
        return graph
    return trace(f, *specs).graph


Rule = Callable[[Node, list[Field | None]], Field]


def _through(node: Node, fields: Mapping[Value, Field]) -> Field:
    """The field of a node's results, from those of its operands."""
    rule = _RULES.of(node.operator) or _everything
    return rule(node, [fields.get(value) for value in node.inputs])


def _everything(node: Node, fields: list[Field | None]) -> Field:
    """Any cell may depend on all cells: right for every operator, if not tight."""
    return _united(
        [_over(field, value, range(value.ndim)) for field, value in _given(node, fields)]
    )


def _given(node: Node, fields: list[Field | None]) -> list[tuple[Field, Value]]:
    pairs = zip(fields, node.inputs, strict=True)
    return [(field, value) for field, value in pairs if field is not None]


def _over(field: Field, value: Value, axes: Sequence[int]) -> Field:
    """A field where the value stands for all cells along some axes."""
    return tuple(
        reach.over(value.shape[reach.along])
        if reach.along is not None and reach.along in axes
        else reach
        for reach in field
    )


def _united(fields: Sequence[Field]) -> Field:
    """The cells that any of several fields sees, of values of one shape."""
    return tuple(_union(reaches) for reaches in zip(*fields, strict=True))


def _union(reaches: tuple[Reach, ...]) -> Reach:
    first = reaches[0]
    if any((r.along, r.stride) != (first.along, first.stride) for r in reaches):
        return _anything(first)  # they move apart: all that any of them ever sees
    return replace(first, low=min(r.low for r in reaches), high=max(r.high for r in reaches))


def _anything(reach: Reach) -> Reach:
    """All cells, wherever one looks."""
    return Reach(reach.input, None, Fraction(0), Fraction(0), reach.last)


def _same(node: Node, fields: list[Field | None]) -> Field:
    """Each cell depends on its own; operands broadcast together."""
    rank = node.outputs[0].ndim
    return _united([_broadcast(f, v, rank, node.outputs[0].shape) for f, v in _given(node, fields)])


def _broadcast(field: Field, value: Value, rank: int, shape: tuple[int, ...]) -> Field:
    lead = rank - value.ndim
    repeated = [axis for axis, n in enumerate(value.shape) if n == 1 != shape[axis + lead]]
    return _renumbered(_over(field, value, repeated), {a: a + lead for a in range(value.ndim)})


def _renumbered(field: Field, places: dict[int, int]) -> Field:
    return tuple(r if r.along is None else r.moved(places[r.along]) for r in field)


def _window(node: Node, fields: list[Field | None]) -> Field:
    """An output i meets (s*i + d*k - p) / b for every tap k, an input j, in a transpose,
    (b*j + p - d*k) / s; all channels of the cell."""
    forward = "x" in node.operator.inputs
    data = node.operator.inputs.index("x" if forward else "y")
    if any(field is not None for n, field in enumerate(fields) if n != data):
        return _everything(node, fields)  # weights that are computed
    field = fields[data]
    assert field is not None  # noqa: S101 (for the type checker: some operand has one)
    axes = node.of(WindowOperator).window.axes
    field = _over(field, node.inputs[data], (1,))
    return tuple(
        reach
        if reach.along is None or reach.along < 2
        else reach.through(*_span(axes[reach.along - 2], forward=forward))
        for reach in field
    )


def _span(a: Axis, *, forward: bool) -> tuple[Fraction, Fraction, Fraction]:
    """The step, first and last of the cells that a window meets."""
    reach = a.reach - 1
    if forward:
        b = a.input_dilation
        return Fraction(a.stride, b), Fraction(-a.padding, b), Fraction(reach - a.padding, b)
    s = a.stride
    return Fraction(a.input_dilation, s), Fraction(a.padding - reach, s), Fraction(a.padding, s)


def _sum(node: Node, fields: list[Field | None]) -> Field:
    ((field, value),) = _given(node, fields)
    operator = node.of(Reduction)
    kept = [axis for axis in range(value.ndim) if operator.keep or axis not in operator.axes]
    return _renumbered(_over(field, value, operator.axes), {a: n for n, a in enumerate(kept)})


def _reshape(node: Node, fields: list[Field | None]) -> Field:
    """An axis stays where the sizes before it and its own stay."""
    ((field, value),) = _given(node, fields)
    before, after = _places(value.shape), _places(node.outputs[0].shape)
    kept = {axis: after[place] for place, axis in before.items() if place in after}
    lost = [axis for axis in range(value.ndim) if axis not in kept]
    return _renumbered(_over(field, value, lost), kept)


def _places(shape: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Where each axis longer than 1 stands: (the sizes before it multiplied, its own)."""
    places, before = {}, 1
    for axis, n in enumerate(shape):
        if n > 1:
            places[before, n] = axis
        before *= n
    return places


def _transpose(node: Node, fields: list[Field | None]) -> Field:
    ((field, _),) = _given(node, fields)
    order = node.of(Transpose).order
    return _renumbered(field, {axis: place for place, axis in enumerate(order)})


def _slice(node: Node, fields: list[Field | None]) -> Field:
    """i stands for start + step*i."""
    operator = node.of(Slice)
    return _shifted(
        node, fields, lambda a: (Fraction(operator.step[a]), Fraction(operator.start[a]))
    )


def _pad(node: Node, fields: list[Field | None]) -> Field:
    """i stands for i - low."""
    operator = node.of(Pad)
    return _shifted(node, fields, lambda a: (Fraction(1), Fraction(-operator.pairs[a][0])))


def _take(node: Node, fields: list[Field | None]) -> Field:
    """Any cell of the axis that is taken from; the others stay."""
    ((field, value),) = _given(node, fields)
    return _over(field, value, (node.of(Take).axis,))


def _pad_edge(node: Node, fields: list[Field | None]) -> Field:
    """i stands for i - low inside, for a cell up to low + high away from it at the ends."""
    ((field, _),) = _given(node, fields)
    pairs = node.of(PadEdge).pairs
    return tuple(
        reach if reach.along is None
        else reach.through(Fraction(1), Fraction(-sum(pairs[reach.along])), Fraction(0))
        for reach in field
    )  # fmt: skip


def _shifted(
    node: Node, fields: list[Field | None], step: Callable[[int], tuple[Fraction, Fraction]]
) -> Field:
    ((field, _),) = _given(node, fields)
    moved = []
    for reach in field:
        if reach.along is None:
            moved.append(reach)
        else:
            by, start = step(reach.along)
            moved.append(reach.through(by, start, start))
    return tuple(moved)


def _concatenate(node: Node, fields: list[Field | None]) -> Field:
    """Each part at its place: a border that continues the image moves with the image."""
    axis = node.of(Concatenate).axis
    starts = accumulate((value.shape[axis] for value in node.inputs), initial=0)
    placed = zip(fields, node.inputs, starts, strict=False)
    parts = [(field, v.shape[axis], start) for field, v, start in placed if field is not None]
    return tuple(
        _placed(axis, [(field[n], count, start) for field, count, start in parts])
        for n in range(len(parts[0][0]))
    )


def _placed(axis: int, parts: list[tuple[Reach, int, int]]) -> Reach:
    """The reach of parts (reach, cells, place of the first) that lie behind each other."""
    reaches = tuple(reach for reach, _, _ in parts)
    if all(reach.along != axis for reach in reaches):
        return _union(reaches)
    stride = max((count, r.stride) for r, count, _ in parts if r.along == axis)[1]
    ends = [
        (r.stride * i + bound - stride * (start + i))
        for r, count, start in parts
        for i in (0, count - 1)
        for bound in (r.low, r.high)
    ]
    low, high = min(ends), max(ends)
    others = any(reach.along not in (axis, None) for reach in reaches)
    if others or floor(high - low) + 1 >= reaches[0].input:
        return _anything(reaches[0])
    return Reach(reaches[0].input, axis, stride, low, high)


def _normalize(node: Node, fields: list[Field | None]) -> Field:
    """Each cell of x depends on its own, and on what statistics there are."""
    if any(field is not None for field in fields[1:]):
        return _everything(node, fields)
    ((field, _),) = _given(node, fields)
    return field


def _sum_cells(node: Node, fields: list[Field | None]) -> Field:
    """i stands for the cells that are listed: inside step*i + first to step*i + last."""
    ((field, value),) = _given(node, fields)
    operator = node.of(SumCells)
    listed = [(p, cells) for p, cells in enumerate(operator.cells) if cells]
    if not listed:
        return _over(field, value, (operator.axis,))
    step = _step([(p, cells[0]) for p, cells in listed])
    first = min(min(cells) - step * p for p, cells in listed)
    last = max(max(cells) - step * p for p, cells in listed)
    if last - first + 1 >= operator.size:  # they go round
        return _over(field, value, (operator.axis,))
    return tuple(r.through(step, first, last) if r.along == operator.axis else r for r in field)


def _resize(node: Node, fields: list[Field | None]) -> Field:
    """i stands for the cells around slope*i, as far away as any that has a weight."""
    ((field, value),) = _given(node, fields)
    operator = node.of(Resize)
    for line in operator.lines:
        table, (step, _) = table_of(line, operator.rule), place_of(line, operator.rule)
        away = table.cells.astype(object) * step.denominator - table.rows * step.numerator
        if not step or not len(away):
            field = _over(field, value, (line.axis,))
            continue
        first, last = (Fraction(int(end(away)), step.denominator) for end in (min, max))
        if last - first + 1 >= line.size:
            field = _over(field, value, (line.axis,))
            continue
        field = tuple(r.through(step, first, last) if r.along == line.axis else r for r in field)
    return field


def _step(firsts: Sequence[tuple[int, int]]) -> Fraction:
    """How far the lists move on from one place to the next, by the middle half of them."""
    (p, j), (q, k) = firsts[len(firsts) // 4], firsts[len(firsts) - 1 - len(firsts) // 4]
    return Fraction(k - j, q - p) if q > p else Fraction(1)


def _softmax(node: Node, fields: list[Field | None]) -> Field:
    """Each cell depends on all of its axis."""
    ((field, value),) = _given(node, fields)
    return _over(field, value, (node.of(Softmax, LogSoftmax).axis,))


_RULES: Rules[Rule] = Rules(
    dict.fromkeys((Pointwise, Convert, Dropout, Broadcast), _same),
    dict.fromkeys((ForwardView, MaxPool, AveragePool), _window),
    dict.fromkeys((TransposeView, AveragePoolTranspose), _window),
    dict.fromkeys((Softmax, LogSoftmax), _softmax),
    {
        Normalize: _normalize,
        Reduction: _sum,
        Take: _take,
        Resize: _resize,
        SumCells: _sum_cells,
        Reshape: _reshape,
        Transpose: _transpose,
        Slice: _slice,
        Pad: _pad,
        PadEdge: _pad_edge,
        Concatenate: _concatenate,
    },
)
