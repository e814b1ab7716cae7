"""The algorithm of a convolution is chosen on the whole graph, by shape alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv.bench.light import FOLDER
from allconv.engine.choose import ALGORITHMS, Choice, choose
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.plan import Planner
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep, KernelStep
from allconv.engine.target import host
from allconv.nn import Module, networks
from allconv.onnx import load
from allconv.operators.base import Spec
from allconv.rewrite.expanded import expanded
from allconv.rewrite.full_window import full_window
from allconv.trace import trace

EXPORTS = Path(__file__).parent.parent / "onnx" / "data" / "exports"
KERNELS = 30
DEFINED = {"Sin", "Cos"}  # operators without a kernel
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


def check_kernels(net: Module, *shapes: Sequence[int]) -> None:
    """A plan has few kernels, those of what is prepared once included; few run by definition."""
    recorded = net.traced(*(Spec(tuple(shape)) for shape in shapes))
    graph = full_window(expanded(recorded.graph))
    inputs, count = len(graph.inputs), len(graph.inputs) + len(graph.constants)
    static = frozenset((*recorded.state_places, *range(inputs, count)))
    planner = Planner(LOWERINGS, graph, ("rows",) * count, static, keep_last=False).run()
    steps = [*planner.setup, *planner.steps]
    kernels = {step.kernel for step in steps if isinstance(step, KernelStep)}
    defined = {step.node.operator.name for step in steps if isinstance(step, DefinitionStep)}
    assert defined <= DEFINED
    assert len(kernels) <= KERNELS, sorted(map(repr, kernels))


@pytest.mark.parametrize("name", networks.names())
def test_our_networks_have_few_kernels(name: str) -> None:
    """At most so many are compiled for any of them."""
    channels, *size = networks.usual_images(name)
    net = networks.build(name, channels, size, 1000 if channels == 3 else 10)
    check_kernels(net, (1, channels, *size))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.onnx")), ids=lambda path: path.stem)
def test_light_networks_have_few_kernels(path: Path) -> None:
    """Those of the onnx package, some of which are deep."""
    check_kernels(load(path), (1, 3, 224, 224))


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*.onnx")), ids=lambda path: path.stem)
def test_exported_networks_have_few_kernels(path: Path) -> None:
    """Networks as PyTorch's exporters write them, at each size that the file takes."""
    name, _, sizes = path.stem.rsplit("-", 2)
    tried = json.loads((EXPORTS / "sizes.json").read_text())[name]
    for shapes in tried[: None if sizes == "open" else 1]:
        check_kernels(load(path), *shapes)


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
