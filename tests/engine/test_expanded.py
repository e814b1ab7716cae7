"""Operators that are compiled as what they are made of: against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.operators.base import Spec
from allconv.rewrite.expanded import EXPANDED
from allconv.trace import trace
from records import RECORDS

from .comparing import channels_last

CHOSEN = [record for record in RECORDS if record.operator in EXPANDED]


def test_each_has_a_record():
    """None is left out below."""
    assert len(CHOSEN) == len(EXPANDED)


@pytest.mark.parametrize("record", CHOSEN, ids=str)
@given(data=st.data())
def test_compiled_as_defined(record, data):
    """In either order of memory, without a step that runs by definition."""
    operator, arrays = record.draw(data)
    if not all(array.size for array in arrays):
        return
    graph = trace(operator, *map(Spec.of, arrays)).graph
    program = Program(graph)
    assert not any(isinstance(step, DefinitionStep) for step in program.steps()), program.plan()
    wanted = operator.define(*arrays)
    for given_arrays in (arrays, tuple(map(channels_last, arrays))):
        for y, want in zip(program(*given_arrays), wanted, strict=True):
            tolerance = 1e-4 if y.dtype == np.float32 else 1e-11
            np.testing.assert_allclose(y, want, tolerance, tolerance)
