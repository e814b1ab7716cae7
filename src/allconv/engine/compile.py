"""`ac.compile`: a network or function made ready to run on arrays of given shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from allconv.engine.plan_text import PlanText
from allconv.engine.program import Program
from allconv.errors import ArgumentError, ShapeError
from allconv.graph import Graph, few_specs
from allconv.intake.arrays import frozen, is_frozen, is_masked, overlaps_itself, take_array
from allconv.intake.limits import limit_reached, within_limits
from allconv.intake.settings import flag, float_dtype, shape_of, short_repr
from allconv.operators.base import Array, Spec
from allconv.trace import Recorded, trace, unflatten


@runtime_checkable
class Compilable(Protocol):
    """What can be compiled with a state of its own, `allconv.nn.Module` for one."""

    def traced(self, *specs: Spec) -> Recorded:
        """The network as a graph, for inputs of these specs."""

    def state_dict(self) -> dict[str, Array]:
        """Parameters and buffers by name."""


class Compiled:
    """A program with a snapshot of the state that it was compiled with.

    Calls take the arrays of the shapes it was made for and return fresh arrays (or fill `out`).
    """

    def __init__(self, program: Program, recorded: Recorded) -> None:
        self.program = program
        self.graph = program.graph
        self._structure = recorded.structure
        self._inputs = recorded.arguments
        self._names = recorded.state
        inputs = enumerate(program.graph.inputs[: recorded.arguments])
        self._labels = [value.name or f"argument {n}" for n, value in inputs]

    def __call__(self, *arrays: Any, out: Array | None = None) -> Any:
        """Run; `out` receives the result of a function of one result."""
        if len(arrays) != self._inputs:
            raise ShapeError(f"{self._inputs} arrays are expected, {len(arrays)} given")
        for array in arrays:
            if type(array) is not np.ndarray:  # the program looks at those that are
                arrays = tuple(map(take_array, self._labels, arrays))
                break
        if out is not None:
            self._check_out(out, arrays)
        try:
            results = self.program(*arrays, out=None if out is None else [out])
        except MemoryError as error:
            raise limit_reached("the program", error) or error from error
        one = out is not None or self._structure is None
        return results[0] if one else unflatten(self._structure, iter(results))

    def _check_out(self, out: Any, operands: Sequence[Array]) -> None:
        """Refuse an array in which the result cannot be written."""
        if len(self.graph.outputs) != 1:
            raise ArgumentError("out is for functions of one result")
        value = self.graph.outputs[0]
        if not isinstance(out, np.ndarray):
            raise ArgumentError(f"out is {type(out).__name__}; a NumPy array is expected")
        if is_masked(out):
            raise ArgumentError("out is masked; pass an array without a mask")
        if Spec.of(out) != value.spec or not out.flags.writeable:
            raise ShapeError(f"out is {Spec.of(out)}; a writable {value.spec} is expected")
        if not out.flags.c_contiguous and overlaps_itself(out):
            raise ArgumentError(
                f"out has the strides {out.strides}, by which cells of {out.shape} share memory; "
                "pass an array whose cells lie apart"
            )
        if any(np.may_share_memory(out, operand) for operand in operands):
            raise ArgumentError("out shares memory with an input; pass another array")

    def __repr__(self) -> str:
        takes, gives = self.graph.inputs[: self._inputs], self.graph.outputs
        return f"Compiled({few_specs(takes)} -> {few_specs(gives)}, {len(self.graph.nodes)} nodes)"

    def plan(self) -> PlanText:
        """The steps as a table: what runs, by which kernel, in how many chunks."""
        return self.program.plan()

    def update(self, state: Mapping[str, Array]) -> None:
        """Take another state (parameters and buffers by name); what was packed is packed anew."""
        if not isinstance(state, Mapping):
            raise ArgumentError(
                f"the state is {short_repr(state)}; arrays by name, as state_dict() gives them, "
                "are expected"
            )
        missing = [name for name in self._names if name not in state]
        if missing:
            raise ArgumentError(f"the state lacks {', '.join(missing[:5])}")
        values = self.graph.inputs[self._inputs :]
        taken = {}
        for name, value in zip(self._names, values, strict=True):
            taken[name] = take_array(name, state[name])
            if Spec.of(taken[name]) != value.spec:
                raise ShapeError(f"{name} is {Spec.of(taken[name])}; {value.spec} is expected")
        with within_limits("the state"):
            kept = [_kept(array) for array in taken.values()]
        self.program.bind(dict(enumerate(kept, self._inputs)))


def compile(
    f: Compilable | Callable[..., Any],
    *shapes: Sequence[int],
    dtype: str = "float32",
    threads: int | None = None,
    exact: bool = False,
) -> Compiled:
    """Make a network, or any traceable function, ready to run on arrays of these shapes.

    `shapes` include the batch, one for each array. `threads` is how many threads run it (None: all
    that this process may use). With `exact` one fixed order of summation is kept. Without it 3x3
    convolutions and the gradients of their images may run by Winograd's algorithm (Lavin and Gray
    2016, arXiv:1509.09308), and batch normalisation becomes a part of the weights before it. The
    algorithm's error was at most 6e-6 times max|x| times the largest sum|w| of an output channel in
    all geometries that were drawn (float32); one number that is not finite may spread over its
    tile, and a weight that is not over its channel.
    Another shape is an error: compile again, which takes milliseconds. Arrays that the function
    holds are copied now, as the parameters of a network are.

    >>> import numpy as np
    >>> from allconv.engine.compile import compile
    >>> double = compile(lambda x: x * 2.0, (3,))
    >>> double(np.ones(3, np.float32))
    array([2., 2., 2.], dtype=float32)
    """
    dtype, exact = float_dtype("dtype", dtype), flag("exact", exact)
    specs = tuple(Spec(shape_of("a shape", shape), dtype) for shape in shapes)
    state: Mapping[str, Array] = {}
    if isinstance(f, Compilable):
        recorded, state = f.traced(*specs), f.state_dict()
    else:
        recorded = trace(f, *specs)
    if recorded.captured:
        raise ArgumentError("the function uses values of a trace; pass them as arguments")
    with within_limits("the program"):
        program = Program(
            _snapshot(recorded.graph),
            threads=threads,
            exact=exact,
            static=recorded.state_places,
        )
    compiled = Compiled(program, recorded)
    if recorded.state:
        compiled.update(state)
    return compiled


def _snapshot(graph: Graph) -> Graph:
    """The graph with constants of its own: what a caller writes later changes no result."""
    return replace(graph, constants={v: _kept(array) for v, array in graph.constants.items()})


def _kept(array: Array) -> Array:
    """An array that nobody changes: itself, if it is read-only; else a copy."""
    if is_frozen(array):
        return array
    return frozen(np.array(array))
