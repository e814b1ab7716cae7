"""What is minimised and how, and one step of that as a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isinf
from typing import Any, TypeAlias

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.loss import cross_entropy
from allconv.gradient import backward
from allconv.graph import Graph
from allconv.nn.module import Module
from allconv.nn.tracing import KEY, ModuleTrace, trace_module
from allconv.operators.base import Spec
from allconv.operators.reduce import Sum
from allconv.operators.update import ClipFactor
from allconv.settings import number, told
from allconv.trace import Builder, recording
from allconv.train.optimizers import Optimizer, decays
from allconv.value import Value

Loss: TypeAlias = str | Callable[[Any, Any], Any]
SLOT = "{slot}/{name}"


@dataclass(frozen=True)
class Recorded:
    """The graph of a step.

    Inputs: x, labels, key, `scalars`, then the arrays `state`; outputs: loss, logits, then the new
    arrays `updated`.
    """

    graph: Graph
    scalars: tuple[str, ...]
    state: tuple[str, ...]
    updated: tuple[str, ...]

    @property
    def logits(self) -> Spec:
        """What the network gives."""
        return self.graph.outputs[1].spec


@dataclass(frozen=True)
class Objective:
    """What is minimised, and how.

    loss: "cross_entropy" of logits (N, classes, ...) and labels (N, ...), or a function of both
    that returns a scalar. clip: largest norm of all gradients together, or None.
    """

    optimizer: Optimizer
    loss: Loss = "cross_entropy"
    label_smoothing: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.loss) and self.loss != "cross_entropy":
            raise ArgumentError(
                f'loss is {told(self.loss)}; "cross_entropy" or a function of (logits, labels) '
                "is expected"
            )
        smoothing = number(
            "label_smoothing", self.label_smoothing, "a number of at least 0 and below 1", _is_part
        )
        object.__setattr__(self, "label_smoothing", smoothing)
        if self.clip is not None:
            clip = number("clip", self.clip, "a norm above 0, or None,", _is_positive)
            object.__setattr__(self, "clip", None if isinf(clip) else clip)
        if callable(self.loss) and self.label_smoothing:
            raise ArgumentError("label_smoothing belongs to cross_entropy; put it in the function")

    def record_loss(self, logits: Any, labels: Any) -> Any:
        """Record the loss of a batch: a scalar."""
        if callable(self.loss):
            loss = self.loss(logits, labels)
        else:
            loss = cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        if not isinstance(loss, Value) or loss.shape != ():
            raise ShapeError(f"the loss is {getattr(loss, 'shape', loss)!r}; a scalar is expected")
        return loss

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """The numbers of a step."""
        numbers = self.optimizer.scalars(rate, step)
        return numbers if self.clip is None else {**numbers, "limit": self.clip}


def record_step(net: Module, objective: Objective, x: Spec) -> Recorded:
    """The graph of one step of training for batches of a shape."""
    traced = trace_module(net, x, training=True)
    forward = _with_loss(traced, objective, x)
    builder = Builder()
    dtype = forward.outputs[0].dtype
    values = {value: builder.input(value.spec, value.name) for value in forward.inputs[:3]}
    names = tuple(objective.scalars(0.0, 0))
    scalars = {name: builder.input(Spec((), dtype), name) for name in names}
    arrays = forward.inputs[3:]
    values.update((value, builder.input(value.spec, value.name)) for value in arrays)
    count = len(traced.parameters)
    parameters = [values[value] for value in arrays[:count]]
    slots = {
        SLOT.format(slot=slot, name=p.name): builder.input(p.spec, slot)
        for p in parameters
        for slot in objective.optimizer.slots
    }
    seeds = [builder.scalar(1.0, dtype), *(None for _ in forward.outputs[1:])]
    wanted = range(3, 3 + count)
    outputs, gradients = backward(builder, forward, list(values.values()), seeds, wanted)
    with recording(builder):
        updated = _updates(builder, objective, parameters, gradients, scalars, list(slots.values()))
    new = {**updated, **dict(zip(traced.updates, outputs[2:], strict=True))}
    state = (*traced.parameters, *traced.buffers, *slots)
    kept = tuple(name for name in state if name in new)
    graph = builder.graph([*outputs[:2], *(new[name] for name in kept)])
    return Recorded(graph, names, state, kept)


def _with_loss(traced: ModuleTrace, objective: Objective, x: Spec) -> Graph:
    """Of x, labels, key, parameters and buffers: the loss, the logits, the new buffers."""
    results = traced.graph.outputs[: len(traced.graph.outputs) - len(traced.updates)]
    if len(results) != 1 or results[0].spec.rank < 2 or not results[0].spec.is_float:
        given = ", ".join(str(value.spec) for value in results)
        raise ShapeError(f"the network gives {given}; one array (N, classes, ...) is expected")
    if not traced.parameters:
        raise ArgumentError("the network has no parameters, so there is nothing to train")
    shape = results[0].shape
    builder = Builder()
    image = builder.input(x, "x")
    labels = builder.input(Spec((shape[0], *shape[2:]), "int64"), "labels")
    key = builder.input(KEY, "key")
    arrays = traced.graph.inputs[1 : 1 + len(traced.parameters) + len(traced.buffers)]
    state = [builder.input(value.spec, value.name) for value in arrays]
    with recording(builder):
        here = builder.inline(traced.graph, [image, *state, *([key] if traced.uses_key else [])])
        logits = here[results[0]]
        loss = objective.record_loss(logits, labels)
    buffers = [here[value] for value in traced.graph.outputs[1:]]
    return builder.graph([loss, logits, *buffers])


def _updates(
    builder: Builder,
    objective: Objective,
    parameters: list[Value],
    gradients: tuple[Value, ...],
    scalars: Mapping[str, Value],
    slots: list[Value],
) -> dict[str, Value]:
    """Record the update of every parameter; the new parameters and slots by name."""
    dtype = parameters[0].dtype
    scale = builder.scalar(1.0, dtype)
    if objective.clip is not None:
        squares = [Sum(tuple(range(g.ndim)))(g * g) if g.ndim else g * g for g in gradients]
        total = squares[0]
        for square in squares[1:]:
            total = total + square
        scale = ClipFactor()(total, scalars["limit"])
    none = builder.scalar(0.0, dtype)
    optimizer = objective.optimizer
    width = len(optimizer.slots)
    new: dict[str, Value] = {}
    for n, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
        state = slots[width * n : width * (n + 1)]
        decay = scalars["decay"] if decays(p.name, p.spec) else none
        with builder.at(p.name):
            new[p.name], *kept = optimizer.record(p, g, state, scalars, decay, scale)
        names = (SLOT.format(slot=slot, name=p.name) for slot in optimizer.slots)
        new.update(zip(names, kept, strict=True))
    return new


def _is_part(n: float) -> bool:
    return 0 <= n < 1


def _is_positive(n: float) -> bool:
    return n > 0
