"""Programs: graphs made ready to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allconv.engine import threads as team
from allconv.engine.array_layout import ready
from allconv.engine.choose import Choice, choose
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.place import layout_strides, size_in_bytes
from allconv.engine.plan import Planner
from allconv.engine.plan_text import PlanText
from allconv.engine.prepared import PreparedPlan
from allconv.engine.step import PlanStep
from allconv.engine.target import host
from allconv.engine.weights import Weights
from allconv.errors import ArgumentError, LimitError, ShapeError
from allconv.graph import Graph, Node
from allconv.intake.arrays import is_frozen
from allconv.operators.base import Array, Spec, dtype_name
from allconv.rewrite.expanded import expanded
from allconv.rewrite.full_window import full_window

LEAST_SHARED = 0.03e-3  # seconds: a shorter run is left to the caller alone
LEAST_WAKING = 0.3e-3  # seconds: a shorter run is brief, see `threads.Runnable`
NODE_BYTES = 8192  # about what a node, its steps and places take


class Program:
    """A graph made ready to run on arrays of its shapes.

    The arrays of a call are the inputs of the graph that are not `static`. Static inputs are given
    once, by `bind`, or come with a call as `Weights`, which many programs may share; what depends
    on them alone, and on read-only constants of the graph, is computed once. Any
    number of threads, and signal handlers, may call a program at the same time. `choices` are those
    of a larger graph, of which this one is a part (None: they are made now).
    """

    def __init__(
        self,
        graph: Graph,
        *,
        threads: int | None = None,
        exact: bool = False,
        static: Sequence[int] = (),
        choices: Mapping[Node, Choice] | None = None,
    ) -> None:
        self.graph = graph = full_window(expanded(graph))
        self.threads = None if threads is None else team.check_threads(threads)
        self.exact = exact
        self.choices = choose(graph, host(), exact) if choices is None else choices
        self.static = tuple(sorted(set(static)))
        constants = dict(enumerate(graph.constants.values(), len(graph.inputs)))
        self.fixed = {n: array for n, array in constants.items() if is_frozen(array)}
        self._writable = [array for n, array in constants.items() if n not in self.fixed]
        self._expected = len(graph.inputs) - len(self.static)
        operands = enumerate((*graph.inputs, *graph.constants))
        once = {*self.static, *self.fixed}
        self._free = [(n, value) for n, value in operands if n not in once]
        self._usual = [
            (value.shape, np.dtype(value.dtype), layout_strides(value.spec, "rows"))
            for _, value in self._free
        ]
        self._rows = ("rows",) * len(self._free)
        self._weights: Weights | None = None
        self._prepared: dict[tuple[str, ...], PreparedPlan] = {}
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...] | None], PreparedPlan] = {}

    def bind(self, arrays: Mapping[int, Array]) -> None:
        """Give the static inputs, by number; they are kept, not copied."""
        if set(arrays) != set(self.static):
            given = sorted(arrays)
            raise ArgumentError(
                f"inputs {given} are given; the static ones, {list(self.static)}, are expected"
            )
        self._weights = Weights.of([arrays[number] for number in self.static])

    def __call__(
        self,
        *arrays: Array,
        out: Sequence[Array | None] | None = None,
        weights: Weights | None = None,
    ) -> tuple[Array, ...]:
        """Run on the inputs that are not static; arrays in `out` receive the outputs."""
        held = self._weights if weights is None else weights
        if len(arrays) != self._expected:
            raise ShapeError(f"{self._expected} arrays are expected, {len(arrays)} given")
        if (0 if held is None else len(held.operands)) != len(self.static):
            raise ArgumentError("the static inputs are not bound; call bind first")
        given = [*arrays, *self._writable]
        layouts = self._rows
        try:
            for array, (shape, dtype, strides) in zip(given, self._usual, strict=True):
                if (
                    type(array) is not np.ndarray
                    or array.dtype is not dtype  # which is of this machine's byte order
                    or array.shape != shape
                    or array.strides != strides
                    or not array.flags.aligned
                ):
                    given, layouts = self._ready(given)
                    break
            prepared = self._plans.get((layouts, None if held is None else held.layouts))
            if prepared is None:
                prepared = self._plan_for(layouts, held)
            return prepared.run(given, held, out)
        except MemoryError:
            shapes = ", ".join(str(value.spec) for value in self.graph.outputs)
            raise LimitError(
                f"there is not enough memory for {shapes} and what it is computed from"
            ) from None

    def _ready(self, arrays: Sequence[Array]) -> tuple[list[Array], tuple[str, ...]]:
        """Arrays as kernels can read them, and how each lies; those of others are refused."""
        for n, array in enumerate(arrays):
            self._check(n, array)
        taken = list(map(ready, arrays))
        return [array for array, _ in taken], tuple(layout for _, layout in taken)

    def _check(self, number: int, array: Array) -> None:
        """Refuse an array of another shape or dtype."""
        operand, value = self._free[number]
        if array.shape != value.shape or dtype_name(array.dtype) != value.dtype:
            name = value.name or f"input {operand}"
            raise ShapeError(f"{name} is {Spec.of(array)}; this was made for {value.spec}")

    def _plan_for(self, layouts: tuple[str, ...], weights: Weights | None) -> PreparedPlan:
        """The plan for operands of a call that lie so, beside static ones."""
        static = () if weights is None else weights.layouts
        by_number = dict.fromkeys(self.fixed, "rows")
        by_number |= dict(zip(self.static, static, strict=True))
        by_number |= {number: at for (number, _), at in zip(self._free, layouts, strict=True)}
        prepared = self.prepare(tuple(by_number[n] for n in sorted(by_number)))
        self._plans[layouts, None if weights is None else weights.layouts] = prepared
        return prepared

    def prepare(self, layouts: tuple[str, ...] | None = None) -> PreparedPlan:
        """The plan for inputs that lie in these layouts, made at first use."""
        values = (*self.graph.inputs, *self.graph.constants)
        if layouts is None:
            layouts = ("rows",) * len(values)
        prepared = self._prepared.get(layouts)
        if prepared is None:
            images = [value.spec.rank > 2 for value in values]
            of_rank = [layout for layout, image in zip(layouts, images, strict=True) if image]
            keep_last = "last" in of_rank or not of_rank
            static = frozenset((*self.static, *self.fixed))
            planner = Planner(
                LOWERINGS, self.graph, layouts, static, keep_last, self.exact, choices=self.choices
            )
            seconds = predicted_seconds(self.graph)
            threads = self.threads if seconds >= LEAST_SHARED else 1
            brief = seconds < LEAST_WAKING
            prepared = PreparedPlan(planner.run(), self.fixed, threads, brief)
            self._prepared[layouts] = prepared
        return prepared

    @property
    def bytes(self) -> int:
        """About how many bytes it holds, prepared weights not counted."""
        plans = tuple(self._prepared.values())
        nodes = len(self.graph.nodes) * (1 + len(plans))
        return NODE_BYTES * nodes + sum(prepared.bytes for prepared in plans)

    def plan(self) -> PlanText:
        """The steps as a table: text, which notebooks show as HTML."""
        return self._any().describe()

    def steps(self) -> list[PlanStep]:
        """The steps of a run, for tests and tools."""
        return list(self._any().planner.steps)

    def _any(self) -> PreparedPlan:
        return next(iter(self._prepared.values()), None) or self.prepare()

    def reorder(self, seed: int) -> None:
        """Run the chunks of every step in an order drawn from a seed (for tests of the promise
        that no order changes a bit)."""
        for prepared in self._prepared.values() or [self.prepare()]:
            prepared.reorder(seed)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but plans, which another process makes for itself."""
        weights = self._weights
        arrays = None if weights is None else [operand.array for operand in weights.operands]
        return {**self.__dict__, "_prepared": {}, "_plans": {}, "_weights": arrays}

    def __setstate__(self, state: dict[str, Any]) -> None:
        arrays = state["_weights"]
        self.__dict__.update(state)
        self._weights = None if arrays is None else Weights.of(arrays)


def predicted_seconds(graph: Graph) -> float:
    """A rough forecast of a run on one thread, from the arithmetic and the memory it touches."""
    touched = sum(size_in_bytes(value.spec) for node in graph.nodes for value in node.outputs)
    return graph.cost() / 50e9 + touched / 10e9
