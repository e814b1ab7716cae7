"""Hold a compiled graph against its definition, and plant faults that this must catch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allconv.engine import program as program_module
from allconv.engine.plan import DefinitionStep, KernelStep, Planner
from allconv.engine.program import Program
from allconv.operators.base import Spec
from allconv.operators.pointwise import Relu
from allconv.rewrite.full_window import full_window
from allconv.trace import Builder


def graph_of(operator, operands, *, relu=False):
    """A graph of one operator, and perhaps an activation."""
    builder = Builder()
    y = builder.apply(operator, *(builder.input(Spec.of(each)) for each in operands))
    return builder.graph([builder.apply(Relu(), y) if relu else y])


def plan_of(graph):
    """The plan of a graph whose arrays lie in plain memory; nothing is compiled."""
    graph = full_window(graph)
    count = len(graph.inputs) + len(graph.constants)
    return Planner(graph, ("rows",) * count).run()


def channels_last(x):
    """The same numbers in channels-last memory; as they are where there are no images."""
    if x.ndim < 3:
        return x
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def check_equal(graph, operands, *, threads=2, seed=None):
    """The compiled program has no definition step and equals the definition, cell by cell.

    Returns the steps and the result. The second run writes over NaN, in memory that lies as the
    first result does, so that a cell which no kernel writes is seen.
    """
    program = Program(graph, threads=threads, exact=True)
    program.prepare()
    if seed is not None:
        program.reorder(seed)
    (first,), (wanted,) = program(*operands), graph.run(*operands)
    (got,) = program(*operands, out=[np.full_like(first, np.nan)])
    steps = program.steps()
    assert not any(isinstance(step, DefinitionStep) for step in steps)
    np.testing.assert_array_equal(got, wanted)
    return steps, wanted


def planted(monkeypatch, kernel, slot, delta):
    """Every plan gives kernels of this class one argument that is off."""
    original = Planner.run

    def run(self):
        original(self)
        self.steps = [
            replace(step, arguments={**step.arguments, slot: step.arguments[slot] + delta})
            if isinstance(step, KernelStep) and isinstance(step.kernel, kernel)
            else step
            for step in self.steps
        ]
        return self

    monkeypatch.setattr(program_module.Planner, "run", run)
