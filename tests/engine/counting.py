"""Kernels that count: instead of writing a number they add one to what lies there.

So arrays that are zero before tell how often each of their cells was written. Kernels move by
counts, strides and tables of integers, never by what they compute, so they write where they always
do; single integers, which those tables are made of, are written as they are.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from llvmlite import ir

from allconv.engine import compiler, memory, step_table
from allconv.engine.array_layout import ready
from allconv.engine.cache import Loaded, load
from allconv.engine.emit.view import View
from allconv.engine.program import Program
from allconv.engine.step import array_at

FLOATS = ("float32", "float64")


def written(graph, operands, kinds, *, more):
    """The outputs of a program, zero before, where kernels of these classes write one more than
    what lies there, or just one; and the kernels."""
    kernels = set()

    def load_counting(routine):
        if not isinstance(routine, kinds):
            return load(routine)
        kernels.add(routine)
        return _counting(routine, more=more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_table, "load", load_counting)
        program = Program(graph, threads=2, exact=True)
        prepared = program.prepare(tuple(ready(array).layout for array in operands))
        block = memory.borrow(prepared.arena.bytes)
        block.memory[...] = 0
        memory.give_back(block)
        places = prepared.planner.outputs
        out = [array_at(np.zeros(place.storage.bytes, np.uint8), place) for place in places]
        program(*operands, out=out)
    return out, kernels


@cache
def _counting(kernel, *, more):
    """The machine code of a kernel that counts."""
    store, store_scalar = View.store, View.store_scalar

    def following(view, old):
        kind = getattr(old.type, "element", old.type)
        one = ir.Constant(old.type, 1 if kind is old.type else [1] * old.type.count)
        builder = view.code.builder
        add = builder.add if isinstance(kind, ir.IntType) else builder.fadd
        return add(old, one) if more else one

    def vector(view, x, v=0, mask=None):
        store(view, following(view, view.vector(v, mask)), v, mask)

    def scalar(view, x):
        store_scalar(view, following(view, view.scalar()) if view.dtype in FLOATS else x)

    View.store, View.store_scalar = vector, scalar
    try:
        code = compiler.compile_object(kernel)
    finally:
        View.store, View.store_scalar = store, store_scalar
    return Loaded(compiler.link(kernel.name, code), kernel.name)
