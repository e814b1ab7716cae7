"""Every algorithm of the table against the definition, on whatever it fits, paying or not."""

from __future__ import annotations

import numpy as np
import pytest

from allconv.engine.choose import WINOGRAD
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep, KernelStep
from allconv.engine.target import names
from tiers import shares

from .comparing import channels_last, graph_of
from .forcing import ROWS, force, row_name
from .geometries import draw_fitting
from .test_winograd import check_close

SHARE = 12  # geometries of one test
SHARES = 4
KERNELS = 40  # that they need at most: sizes, strides and groups are no part of a kernel


def check_forced(operator, algorithm, numbers):
    """Drawn geometries in either order of memory, dtype and order of the chunks: exact algorithms
    give the definition's numbers, Winograd's are within its bound. The kernels."""
    kernels = set()
    for number in numbers:
        draw = np.random.default_rng([13, number])
        kind, operands = draw_fitting(draw, operator, algorithm.fits)
        if draw.random() < 0.5:
            operands = tuple(map(channels_last, operands))
        graph = graph_of(kind, operands, relu=draw.random() < 0.3)
        program = Program(graph, threads=2, exact=True)
        (choice,) = program.choices.values()
        assert choice.algorithm == algorithm.name
        (first,), (wanted,) = program(*operands), graph.run(*operands)
        program.reorder(number)
        (got,) = program(*operands, out=[np.full_like(first, np.nan)])
        np.testing.assert_array_equal(got, first)
        if algorithm.name in WINOGRAD:
            check_close(got, wanted, kind, operands)
        else:
            np.testing.assert_array_equal(got, wanted)
        steps = program.steps()
        assert not any(isinstance(step, DefinitionStep) for step in steps)
        kernels |= {step.kernel for step in steps if isinstance(step, KernelStep)}
    return kernels


@pytest.mark.parametrize("share", shares(SHARES))
@pytest.mark.parametrize(("operator", "algorithm"), ROWS, ids=row_name)
def test_it_equals_the_definition(operator, algorithm, share, monkeypatch):
    """A new row of the table is held to this without a line here."""
    force(monkeypatch, algorithm.name)
    numbers = range(share * SHARE, (share + 1) * SHARE)
    assert len(check_forced(operator, algorithm, numbers)) <= KERNELS


@pytest.mark.parametrize("target", names()[1:])
@pytest.mark.parametrize(("operator", "algorithm"), ROWS, ids=row_name)
def test_narrower_targets(operator, algorithm, target, monkeypatch):
    """The same with the features of older processors."""
    force(monkeypatch, algorithm.name)
    monkeypatch.setenv("ALLCONV_TARGET", target)
    check_forced(operator, algorithm, range(1000, 1008))
