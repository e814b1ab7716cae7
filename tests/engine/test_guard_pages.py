"""Kernels touch no byte outside of their arrays: memory beyond both ends faults."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from allconv.engine import threads as team
from allconv.engine.array_layout import ready
from allconv.engine.place import layout_strides
from allconv.engine.program import Program
from allconv.engine.step import DefinitionStep
from allconv.operators.base import Spec
from tiers import shares, slow, slowed

from .cells import FAMILIES as CELLS
from .comparing import graph_of, poison
from .drawing import Drawing, add_binary, add_map, add_pool, add_sum, add_view
from .geometries import VIEWS, draw_problem
from .test_random_graphs import check_value

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs mprotect: run it on Linux")

PAGE = mmap.PAGESIZE
NONE, READ = 0, 1  # PROT_NONE and PROT_READ
DRAWN = {"pool": add_pool, "map": add_map, "binary": add_binary, "reduce": add_sum,
         "copy": add_view}  # fmt: skip
FAMILIES = (*VIEWS, *DRAWN, *CELLS)
SHARE = 22  # cases of one test, at both ends
SHARES = 3  # of each family


def protect(address, size, kind):
    """Change what may be done with some pages."""
    library = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(kind))
    assert library.mprotect(*arguments) == 0, os.strerror(ctypes.get_errno())


def guarded(spec, strides, *, end, content=None):
    """An array that begins (or ends) where memory faults, of NaN or of content that is read only.

    At least one page before it and one after it fault on every access.
    """
    size = spec.size * np.dtype(spec.dtype).itemsize
    inner = -(-max(size, 1) // PAGE) * PAGE
    memory = np.frombuffer(mmap.mmap(-1, inner + 2 * PAGE), np.uint8)
    address = memory.ctypes.data
    protect(address, PAGE, NONE)
    protect(address + PAGE + inner, PAGE, NONE)
    start = PAGE + (inner - size if end else 0)
    memory[PAGE : PAGE + inner] = 255  # NaN of every dtype, -1 of integers
    array = np.ndarray(spec.shape, spec.dtype, memory, start, strides)
    if content is not None:
        array[...] = content
        protect(address + PAGE, inner, READ)
    return array


def draw_case(family, number):
    """A graph of one operator or a few, its inputs, and what compares a result."""
    if family in VIEWS:
        draw = np.random.default_rng([number, VIEWS.index(family)])
        operator, operands = draw_problem(draw, family)
        return graph_of(operator, operands), operands, equal
    if family in CELLS:
        operator, operands = CELLS[family](np.random.default_rng(number))
        return graph_of(operator, operands), operands, equal
    for attempt in range(100):
        g = Drawing([number, attempt, FAMILIES.index(family)])
        size = [g.one([1, 2, 3, 5, 8, 13]) for _ in range(g.one([1, 2, 2, 3]))]
        for _ in range(2):
            g.new((g.one([1, 2, 3]), g.one([1, 2, 3, 8, 17, 33]), *size), constant=0)
        DRAWN[family](g)
        produced = [value for node in g.builder.nodes for value in node.outputs]
        outputs = [value for value in produced if value in g.exact or value.spec.is_float]
        if outputs:
            return g.builder.graph(outputs), g.arrays, partial(check_value, g)
    raise ValueError(f"nothing of {family} fits")


def equal(value, got, want):
    """The same numbers."""
    assert got.dtype == value.dtype
    np.testing.assert_array_equal(got, want)


def check_case(family, number):
    """A program whose arrays lie against pages that fault gives what the definition gives.

    Its memory between steps, its scratch and its outputs are all NaN before it runs.
    """
    graph, operands, compare = draw_case(family, number)
    wanted = graph.run(*operands)
    program = Program(graph, threads=1, exact=number % 2 == 0)
    kinds = ["rows" if (number + n) % 3 else "last" for n in range(len(operands))]
    for end in (False, True):
        arrays = [
            guarded(Spec.of(x), layout_strides(Spec.of(x), kind), end=end, content=x)
            for x, kind in zip(operands, kinds, strict=True)
        ]
        every = [*arrays, *graph.constants.values()]
        prepared = program.prepare(tuple(ready(array).layout for array in every))
        poison(prepared)
        team._caller.scratch.block(0).memory[...] = 255
        places = prepared.planner.outputs
        out = [guarded(place.spec, place.strides, end=end) for place in places]
        program(*arrays, out=out)
        assert not any(isinstance(step, DefinitionStep) for step in prepared.planner.steps)
        for value, got, want in zip(graph.outputs, out, wanted, strict=True):
            compare(value, got, want)


def check_cases(family, share):
    """Check a share of the cases of a family; the last number printed is that of a fault."""
    for number in range(share * SHARE, (share + 1) * SHARE):
        print(number, flush=True)
        check_case(family, number)


RUN = """
import sys
sys.path.insert(0, {folder!r})
from engine import test_guard_pages as here
{line}
"""


def run(request, line):
    """Run a line in a process of its own, which may fault."""
    code = RUN.format(folder=str(request.path.parent.parent), line=line)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("share", shares(SHARES))
@pytest.mark.parametrize("family", slowed(FAMILIES, "correlate"))
def test_no_kernel_leaves_its_arrays(request, family, share):
    """Programs on arrays between faulting pages end, and give what their definitions give."""
    done = run(request, f"here.check_cases({family!r}, {share})")
    numbers = "".join(f"{n}\n" for n in range(share * SHARE, (share + 1) * SHARE))
    assert (done.returncode, done.stdout) == (0, numbers), done.stderr


@slow
@pytest.mark.parametrize("item", [-1, 4])
def test_an_access_outside_faults(request, item):
    """One element before a guarded array, or after it, ends the process."""
    line = (
        f"x = here.guarded(here.Spec((4,)), (4,), end={item > 0}); "
        f"here.ctypes.c_float.from_address(x.ctypes.data + 4 * {item}).value"
    )
    assert run(request, line).returncode < 0


@slow
def test_a_write_to_an_input_faults(request):
    """Inputs are read only."""
    line = "here.guarded(here.Spec((4,)), (4,), end=True, content=1.0)[0] = 2.0"
    assert run(request, line).returncode < 0
