"""The algorithm of a convolution is chosen on the whole graph, by shape alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv.bench.light import FOLDER
from allconv.engine.choose import ALGORITHMS, Choice, choose
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.plan import Planner
from allconv.engine.program import Program
from allconv.engine.step import KernelStep
from allconv.engine.target import host
from allconv.onnx import load
from allconv.operators.base import Spec
from allconv.rewrite.full_window import full_window
from allconv.trace import trace
from tiers import slowed

NETWORKS = ("light_resnet50", "light_densenet121", "light_squeezenet", "light_shufflenet")
KERNELS = 30
X, W = (2, 64, 28, 28), (64, 64, 3, 3)


def convolution(x: Any, w: Any) -> Any:
    return F.relu(F.conv2d(x, w, padding=1))


def chosen(batch: int, *, exact: bool) -> Choice:
    graph = trace(convolution, Spec((batch, *X[1:])), Spec(W)).graph
    (choice,) = choose(graph, host(), exact).values()
    return choice


def test_the_batch_decides_nothing() -> None:
    """Images have the same bits, however many there are."""
    for exact in (True, False):
        assert len({chosen(batch, exact=exact) for batch in (1, 2, 3, 16)}) == 1


def test_exact_sums_are_direct() -> None:
    """One fixed order of summation has one algorithm."""
    assert chosen(1, exact=True).algorithm == "direct"


def test_plans_say_what_was_chosen_and_why() -> None:
    """In a column of their own, beside what was fused."""
    graph = trace(convolution, Spec(X), Spec(W)).graph
    choice = chosen(2, exact=False)
    line = next(line for line in Program(graph).plan().splitlines() if "Correlate + Relu" in line)
    assert f"{choice.algorithm}: {choice.why}" in line


@pytest.mark.parametrize("name", slowed(NETWORKS, "light_squeezenet"))
def test_networks_have_few_kernels(name: str) -> None:
    """At most so many are compiled for a network, and nothing of it runs by definition."""
    net = load(FOLDER / f"{name}.onnx")
    graph = full_window(net.traced(Spec((1, 3, 224, 224))).graph)
    count = len(graph.inputs) + len(graph.constants)
    static = frozenset(range(1, len(graph.inputs)))
    planner = Planner(LOWERINGS, graph, ("rows",) * count, static).run()
    steps = [*planner.setup, *planner.steps]
    kernels = {step.kernel for step in steps if isinstance(step, KernelStep)}
    assert all(isinstance(step, KernelStep) for step in steps)
    assert len(kernels) <= KERNELS, sorted(map(repr, kernels))


def test_choices_travel() -> None:
    """A part of a graph, or of its images, is computed as the whole was."""
    graph = trace(convolution, Spec(X), Spec(W)).graph
    node = graph.nodes[0]
    table = ALGORITHMS[type(node.operator)]
    for name in (each.name for each in table if each.fits(node)):
        program = Program(graph, choices={node: Choice(name, "the whole's")})
        assert f"{name}: the whole's" in program.plan()
        x, w = np.ones(X, np.float32), np.ones(W, np.float32)
        np.testing.assert_allclose(program(x, w)[0], graph.run(x, w)[0], 1e-5)
