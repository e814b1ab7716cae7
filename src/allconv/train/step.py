"""One step of training as one graph and one program: forward, loss, backward, clipping, update.

All that changes from step to step is an input, the learning rate and the key of random draws
included, so a program is planned once for a size of batch and never again. The arrays of the state
(parameters, buffers, what the optimiser keeps) come in two sets that take turns: one is read while
the other is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.functional.loss import cross_entropy
from allconv.gradient import backward
from allconv.graph import Graph
from allconv.nn.module import Module
from allconv.nn.tracing import KEY, ModuleTrace, trace_module
from allconv.operators.base import Array, Spec
from allconv.operators.reduce import Sum
from allconv.operators.update import ClipFactor
from allconv.trace import Builder, recording
from allconv.train.optimizers import Optimizer, decays
from allconv.value import Value

if TYPE_CHECKING:
    from allconv.engine.program import Program

Loss: TypeAlias = str | Callable[[Any, Any], Any]
SLOT = "{slot}/{name}"


class StepResult(NamedTuple):
    """The mean loss of a batch, and what the network gave for it: (N, classes, ...)."""

    loss: float
    logits: Array


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
                f'loss is {self.loss!r}; "cross_entropy" or a function of (logits, labels) '
                "is wanted"
            )
        if callable(self.loss) and self.label_smoothing:
            raise ArgumentError("label_smoothing belongs to cross_entropy; put it in the function")
        if not 0 <= self.label_smoothing < 1:
            raise ArgumentError(
                f"label_smoothing is {self.label_smoothing}; 0 to below 1 is wanted"
            )
        if self.clip is not None and not self.clip > 0:
            raise ArgumentError(f"clip is {self.clip}; a norm above 0, or None, is wanted")

    def record_loss(self, logits: Any, labels: Any) -> Any:
        """Record the loss of a batch: a scalar."""
        if callable(self.loss):
            loss = self.loss(logits, labels)
        else:
            loss = cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        if not isinstance(loss, Value) or loss.shape != ():
            raise ShapeError(f"the loss is {getattr(loss, 'shape', loss)!r}; a scalar is wanted")
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
        raise ShapeError(f"the network gives {given}; one array (N, classes, ...) is wanted")
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


class TrainingStep:
    """Steps of training, one native call each.

    `state` holds all arrays by name: parameters and buffers as in `Module.state_dict`, and
    "velocity/0.weight" and the like for what the optimiser keeps; it begins with the network's and
    with zeros. The network itself is not changed.

    >>> from allconv import nn
    >>> from allconv.train.optimizers import SGD
    >>> step = TrainingStep(nn.Linear(2, 2), Objective(SGD()))
    >>> x, labels = np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> first = step(x, labels, rate=0.1)
    >>> step(x, labels, rate=0.1, step=1).loss < first.loss
    True
    """

    def __init__(
        self, net: Module, objective: Objective, *, seed: int = 0, threads: int | None = None
    ) -> None:
        self.net = net
        self.objective = objective
        self.threads = threads
        self.state = self._beginning()
        self.dtype = _float_dtype(net)
        self._spare: dict[str, Array] = {}
        self._programs: dict[tuple[int, ...], tuple[Recorded, Program]] = {}
        self._key = np.array([seed, 0], np.int64)
        self._scalars = {name: np.zeros((), self.dtype) for name in objective.scalars(0.0, 0)}

    def _beginning(self) -> dict[str, Array]:
        places = self.net.named_places().items()
        state = {n: p.value(n) for n, p in places if p.spec.is_float}
        for name, array in self.net.parameters().items():
            for slot in self.objective.optimizer.slots:
                state[SLOT.format(slot=slot, name=name)] = np.zeros_like(array)
        return state

    def prepare(self, shape: tuple[int, ...]) -> tuple[Recorded, Program]:
        """The graph and the program for batches x of a shape, made once."""
        if shape not in self._programs:
            from allconv.engine.program import Program

            recorded = record_step(self.net, self.objective, Spec(shape, self.dtype))
            self._programs[shape] = recorded, Program(recorded.graph, threads=self.threads)
        return self._programs[shape]

    def __call__(self, x: Array, labels: Array, *, rate: float, step: int = 0) -> StepResult:
        """One step on a batch x (N, ...) of the network's dtype with labels int64 (N, ...).

        `step` counts from 0: the optimiser and the random draws of this step depend on it.
        """
        recorded, program = self.prepare(x.shape)
        check_labels(labels, recorded.logits.shape)
        self._key[1] = step
        for name, number in self.objective.scalars(rate, step).items():
            self._scalars[name][...] = number
        state = (self.state[name] for name in recorded.state)
        scalars = (self._scalars[name] for name in recorded.scalars)
        spare = [self._take_spare(name) for name in recorded.updated]
        loss, logits, *new = program(
            x, labels, self._key, *scalars, *state, out=[None, None, *spare]
        )
        for name, array in zip(recorded.updated, new, strict=True):
            # What came from the network is read-only, and stays as it is.
            if self.state[name].flags.writeable:
                self._spare[name] = self.state[name]
            self.state[name] = array
        return StepResult(float(loss), logits)

    def _take_spare(self, name: str) -> Array:
        """Memory for a new array, in row-major order, so that a plan for one layout is enough."""
        array = self._spare.pop(name, None)
        return np.empty(self.state[name].shape, self.dtype) if array is None else array

    def parameters_and_buffers(self) -> dict[str, Array]:
        """Copies of the arrays of the network's state, integers included."""
        return {
            name: np.array(self.state.get(name, array), order="C")
            for name, array in self.net.state_dict().items()
        }

    def replace(self, state: Mapping[str, Array]) -> None:
        """Go on from arrays by name, of the shapes and dtypes that `state` has."""
        self.state.update((name, np.array(state[name], order="C")) for name in self.state)
        self._spare.clear()


def check_labels(labels: Array, logits: tuple[int, ...]) -> None:
    """Refuse labels that no logits (N, classes, ...) can have."""
    wanted = (logits[0], *logits[2:])
    if labels.shape != wanted or labels.dtype != np.int64:
        raise ShapeError(
            f"labels are {labels.dtype} {labels.shape}; int64 {wanted} is wanted, since the "
            f"network gives {logits}"
        )
    check_range(labels, logits[1])


def check_range(labels: Array, classes: int) -> None:
    """Refuse labels outside 0 ... classes - 1."""
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ArgumentError(
            f"labels run from {labels.min()} to {labels.max()}; the network tells {classes} "
            "classes apart, numbered from 0"
        )


def _float_dtype(net: Module) -> str:
    """The dtype of a network's parameters."""
    dtypes = {array.dtype.name for array in net.parameters().values()}
    if len(dtypes) > 1:
        raise ArgumentError("the parameters are of float32 and float64; use net.astype(...)")
    return dtypes.pop() if dtypes else "float32"
