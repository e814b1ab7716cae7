"""`ac.compile`: a network or function made ready to run on arrays of given shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from allconv.engine.program import Program
from allconv.errors import ArgumentError, ShapeError
from allconv.graph import Graph
from allconv.operators.base import FLOATS, Array, Spec
from allconv.trace import trace, unflatten


class NetworkTrace(Protocol):
    """A network as a graph: its inputs are the arrays, then parameters, then buffers."""

    graph: Graph
    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    structure: Any


@runtime_checkable
class Network(Protocol):
    """What can be compiled with a state of its own, `allconv.nn.Module` for one."""

    def traced(self, *specs: Spec) -> NetworkTrace:
        """The network as a graph, for inputs of these specs."""

    def state_dict(self) -> dict[str, Array]:
        """Parameters and buffers by name."""


class Compiled:
    """A program with a snapshot of the state that it was compiled with.

    Calls take the arrays of the shapes it was made for and return fresh arrays (or fill `out`).
    """

    def __init__(
        self, program: Program, structure: Any, inputs: int, names: Sequence[str] = ()
    ) -> None:
        self.program = program
        self.graph = program.graph
        self._structure = structure
        self._inputs = inputs
        self._names = tuple(names)

    def __call__(self, *arrays: Any, out: Array | None = None) -> Any:
        """Run; `out` receives the result of a function of one result."""
        if len(arrays) != self._inputs:
            raise ShapeError(f"{self._inputs} arrays are wanted, {len(arrays)} given")
        operands = [np.asarray(array) for array in arrays]
        if out is None:
            return unflatten(self._structure, iter(self.program(*operands)))
        if len(self.graph.outputs) != 1:
            raise ArgumentError("out is for functions of one result")
        value = self.graph.outputs[0]
        if not isinstance(out, np.ndarray):
            raise ArgumentError(f"out is {type(out).__name__}; a NumPy array is wanted")
        if Spec.of(out) != value.spec or not out.flags.writeable:
            raise ShapeError(f"out is {Spec.of(out)}; a writable {value.spec} is wanted")
        if any(np.may_share_memory(out, operand) for operand in operands):
            raise ArgumentError("out shares memory with an input; pass another array")
        return self.program(*operands, out=[out])[0]

    def plan(self) -> str:
        """The steps as a table: what runs, by which kernel, in how many chunks."""
        return self.program.plan()

    def update(self, state: Mapping[str, Array]) -> None:
        """Take another state (parameters and buffers by name); what was packed is packed anew."""
        missing = [name for name in self._names if name not in state]
        if missing:
            raise ArgumentError(f"the state lacks {', '.join(missing[:5])}")
        values = self.graph.inputs[self._inputs :]
        for name, value in zip(self._names, values, strict=True):
            if Spec.of(np.asarray(state[name])) != value.spec:
                given = Spec.of(np.asarray(state[name]))
                raise ShapeError(f"{name} is {given}; {value.spec} is wanted")
        numbered = enumerate(self._names, self._inputs)
        self.program.bind({number: _kept(state[name]) for number, name in numbered})


def compile(
    f: Network | Callable[..., Any],
    *shapes: Sequence[int],
    dtype: str = "float32",
    threads: int | None = None,
    exact: bool = False,
) -> Compiled:
    """Make a network, or any traceable function, ready to run on arrays of these shapes.

    `shapes` include the batch, one for each array. `threads` is how many threads run it (None: all
    that this process may use). With `exact` one fixed order of summation is kept.
    Another shape is an error: compile again, which takes milliseconds. Arrays that the function
    holds are copied now, as the parameters of a network are.

    >>> import numpy as np
    >>> from allconv.engine.compile import compile
    >>> double = compile(lambda x: x * 2.0, (3,))
    >>> double(np.ones(3, np.float32))
    array([2., 2., 2.], dtype=float32)
    """
    specs = tuple(_spec(shape, dtype) for shape in shapes)
    if not isinstance(f, Network):
        traced = trace(f, *specs)
        if traced.captured:
            raise ArgumentError("the function uses values of a trace; pass them as arguments")
        program = Program(_snapshot(traced.graph), threads=threads, exact=exact)
        return Compiled(program, traced.structure, len(specs))
    network = f.traced(*specs)
    names = (*network.parameters, *network.buffers)
    static = range(len(specs), len(specs) + len(names))
    graph = _snapshot(network.graph)
    program = Program(graph, threads=threads, exact=exact, static=static)
    compiled = Compiled(program, network.structure, len(specs), names)
    compiled.update(f.state_dict())
    return compiled


def _snapshot(graph: Graph) -> Graph:
    """The graph with constants of its own: what a caller writes later changes no result."""
    return replace(graph, constants={v: np.array(array) for v, array in graph.constants.items()})


def _kept(array: Array) -> Array:
    """An array that nobody changes: itself, if it is read-only and owns its memory; else a copy."""
    return array if array.base is None and not array.flags.writeable else np.array(array)


def _spec(shape: Sequence[int], dtype: str) -> Spec:
    if dtype not in FLOATS:
        raise ArgumentError(f"dtype is {dtype!r}; {' or '.join(FLOATS)} is wanted")
    if isinstance(shape, int) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ArgumentError(f"a shape is whole numbers, the batch first: got {shape!r}")
    return Spec(tuple(shape), dtype)
