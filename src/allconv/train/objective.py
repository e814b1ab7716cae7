"""What is minimised and how, and one step of that as a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import isinf
from typing import Any, TypeAlias

from allconv.errors import ArgumentError, ShapeError, TraceError
from allconv.functional.loss import cross_entropy
from allconv.gradient import backward
from allconv.intake.settings import number, short_repr
from allconv.nn.module import Module
from allconv.nn.tracing import KEY, trace_module
from allconv.operators.base import Spec
from allconv.operators.reduce import Sum
from allconv.operators.update import ClipFactor
from allconv.trace import Builder, Recorded, current, flatten, recording
from allconv.train.optimizers import Optimizer, decays
from allconv.value import Value

Loss: TypeAlias = str | Callable[[Any, Any], Any]
SLOT = "{slot}/{name}"


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
                f'loss is {short_repr(self.loss)}; "cross_entropy" or a function of (logits, '
                "labels) is expected"
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
    """One step of training for batches of a shape.

    Arguments: x, labels, the key of random draws, and the numbers `objective.scalars`; buffers: the
    network's, then what the optimizer keeps; results: loss and logits.
    """
    traced = trace_module(net, x, training=True, then=partial(_with_loss, objective))
    if not traced.parameters:
        raise ArgumentError("the network has no parameters, so there is nothing to train")
    forward, count = traced.graph, len(traced.parameters)
    arrays = forward.inputs[1 : 1 + count + len(traced.buffers)]
    dtype = forward.outputs[0].dtype
    builder = Builder()
    image, labels, key = (
        builder.input(spec, name)
        for spec, name in ((x, "x"), (forward.inputs[-1].spec, "labels"), (KEY, "key"))
    )
    names = tuple(objective.scalars(0.0, 0))
    scalars = {name: builder.input(Spec((), dtype), name) for name in names}
    state = [builder.input(value.spec, value.name) for value in arrays]
    slots = {
        SLOT.format(slot=slot, name=p.name): builder.input(p.spec, slot)
        for p in state[:count]
        for slot in objective.optimizer.slots
    }
    operands = [image, *state, *([key] if traced.uses_key else []), labels]
    seeds = [builder.scalar(1.0, dtype), *(None for _ in forward.outputs[1:])]
    outputs, gradients = backward(builder, forward, operands, seeds, range(1, 1 + count))
    with recording(builder):
        updated = _updates(
            builder, objective, state[:count], gradients, scalars, list(slots.values())
        )
    new = {**updated, **dict(zip(traced.updates, outputs[2:], strict=True))}
    buffers = (*traced.buffers, *slots)
    updates = tuple(name for name in (*traced.parameters, *buffers) if name in new)
    graph = builder.graph([*outputs[:2], *(new[name] for name in updates)])
    return Recorded(graph, 3 + len(names), None, traced.parameters, buffers, updates=updates)


def _with_loss(objective: Objective, result: Any) -> tuple[Any, Any]:
    """The loss and the logits; the labels become the last input of what is being recorded."""
    logits = result if isinstance(result, Value) else None
    if logits is None or logits.spec.rank < 2 or not logits.spec.is_float:
        given = ", ".join(str(leaf.spec) for leaf in flatten(result)[0])
        raise ShapeError(f"the network gives {given}; one array (N, classes, ...) is expected")
    builder = current()
    if builder is None:
        raise TraceError("a loss is recorded inside a trace")
    labels = builder.input(Spec((logits.shape[0], *logits.shape[2:]), "int64"), "labels")
    return objective.record_loss(logits, labels), logits


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
        squares = [
            Sum((0,))((g * g).reshape(-1)) for g in gradients
        ]  # long runs, whatever the shape
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
