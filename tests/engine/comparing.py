"""Hold a compiled graph against its definition, and plant faults that this must catch."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np

from allconv.engine import memory
from allconv.engine import program as program_module
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.plan import Planner
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep, KernelStep
from allconv.operators.base import Spec
from allconv.operators.pointwise import Relu
from allconv.rewrite.full_window import full_window
from allconv.trace import Builder


def graph_of(operator, operands, *, relu=False):
    """A graph of one operator, and perhaps an activation."""
    builder = Builder()
    y = builder.apply(operator, *(builder.input(Spec.of(each)) for each in operands))
    if isinstance(y, tuple):
        return builder.graph(y)
    return builder.graph([builder.apply(Relu(), y) if relu else y])


def plan_of(graph):
    """The plan of a graph whose arrays lie in plain memory; nothing is compiled."""
    graph = full_window(graph)
    count = len(graph.inputs) + len(graph.constants)
    return Planner(LOWERINGS, graph, ("rows",) * count).run()


def channels_last(x):
    """The same numbers in channels-last memory; as they are where there are no images."""
    if x.ndim < 3:
        return x
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def check_equal(graph, operands, *, threads=2, seed=None):
    """The compiled program has no definition step and equals the definition, cell by cell.

    Returns the plan and the result. The second run writes over NaN, in memory that lies as the
    first result does, so that a cell which no kernel writes is seen.
    """
    program = Program(graph, threads=threads, exact=True)
    program.prepare()
    if seed is not None:
        program.reorder(seed)
    (first,), (wanted,) = program(*operands), graph.run(*operands)
    (got,) = program(*operands, out=[np.full_like(first, np.nan)])
    planner = program.prepare().planner
    assert not any(isinstance(step, DefinitionStep) for step in program.steps())
    np.testing.assert_array_equal(got, wanted)
    return planner, wanted


def check_kernels(operator, *arrays):
    """Programs on 1, 2 and 3 threads, of row-major and channels-last arrays: the definition."""
    graph = graph_of(operator, arrays)
    wanted = operator.define(*arrays)
    for last in (False, True):
        given = [channels_last(x) if last else x for x in arrays]
        for threads in (1, 2, 3):
            program = Program(graph, threads=threads)
            assert not any(isinstance(step, DefinitionStep) for step in program.steps())
            for y, want in zip(program(*given), wanted, strict=True):
                assert y.dtype == want.dtype
                np.testing.assert_array_equal(y, want)


def phase_column(planner, step, name):
    """A column of the table of phases of a step, of one axis: "taps2" are the taps of axis 2."""
    kinds = (type(step.kernel), *step.kernel.takes.__mro__)
    modules = (sys.modules[kind.__module__] for kind in kinds)
    columns = next(module.COLUMNS for module in modules if hasattr(module, "COLUMNS"))
    table = planner.constants[step.arguments["phases"].storage]
    starts = [n for slot, n in step.arguments.items() if re.fullmatch(r"first\d", slot)]
    begin = step.arguments[f"first{name[-1]}"]
    end = min([n for n in starts if n > begin], default=table.nbytes)
    row = table.strides[0]
    return table[begin // row : end // row, columns.index(name[:-1])]


def poison(prepared) -> None:
    """Fill the memory between steps of the next run with NaN, so that nothing there is right."""
    block = memory.borrow(prepared.arena.bytes)
    block.memory[...] = 255
    memory.give_back(block)


def planted(monkeypatch, kernel, slot, delta):
    """Every plan gives kernels of this class one argument that is off, or one column of their
    table of phases ("taps2": that of axis 2)."""
    original = Planner.run

    def wrong(planner, step):
        if not (isinstance(step, KernelStep) and isinstance(step.kernel, kernel)):
            return step
        if slot in step.arguments:
            return replace(step, arguments={**step.arguments, slot: step.arguments[slot] + delta})
        phase_column(planner, step, slot)[...] += delta
        return step

    def run(self):
        original(self)
        self.steps = [wrong(self, step) for step in self.steps]
        return self

    monkeypatch.setattr(program_module.Planner, "run", run)
