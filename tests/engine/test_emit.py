"""The vocabulary of control: folded integers, arguments, loops and branches, views."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allconv.engine import compiler
from allconv.engine.emit.view import View

from .calling import HOST, Written, empty_code, written

SMALL = st.integers(-50, 50)


def arithmetic(code, x, y, size):
    """Every integer method; x and y are any numbers, size is positive."""
    natural = code.mul(x, x)
    return [
        code.add(x, y, 3),
        code.sub(x, y),
        code.sub(x, 4),
        code.mul(x, y, 2),
        code.div(natural, size),
        code.rem(natural, size),
        code.ceil_div(natural, size),
        code.floor_div(x, size),
        code.floor_rem(x, size),
        code.min(x, y),
        code.max(x, y),
        code.select(code.compare("<=", x, y), 1, 0),
        code.select(code.within(x, size), 1, 0),
        code.select(code.both(code.compare("<", x, y), code.compare("!=", x, 1)), 1, 0),
        code.select(code.inverse(code.compare(">=", x, y)), 1, 0),
    ]


def by_python(x, y, size):
    """The same by Python."""
    return [
        x + y + 3,
        x - y,
        x - 4,
        x * y * 2,
        x * x // size,
        x * x % size,
        -(-x * x // size),
        x // size,
        x % size,
        min(x, y),
        max(x, y),
        x <= y,
        0 <= x < size,
        x < y and x != 1,
        not x >= y,
    ]


def nothing(code):
    """An empty kernel."""


@given(SMALL, SMALL, st.integers(1, 50))
def test_integers_fold(x, y, size):
    """On Python integers every method returns the Python integer, and emits nothing."""
    code = empty_code()
    assert arithmetic(code, x, y, size) == by_python(x, y, size)
    assert not code.builder.block.instructions


def test_integers_run():
    """On run-time values every method computes what it folds to."""

    def body(code):
        out = View(code, code.arg("out"), 8, dtype="int64")
        values = arithmetic(code, code.arg("x"), code.arg("y"), code.arg("size"))
        for number, value in enumerate(values):
            out[number].store_scalar(code.value(value))

    call = written(HOST, "float32", ("out", "x", "y", "size"), body)
    for x in (-50, -7, -1, 0, 1, 2, 49):
        for y in (-3, 0, 1, 7):
            for size in (1, 2, 7, 50):
                want = by_python(x, y, size)
                got = np.zeros(len(want), np.int64)
                call(got, x, y, size)
                assert got.tolist() == want


def test_arguments_are_loaded_once_in_the_entry_block():
    """An argument first used inside a branch is there after it, and is loaded once."""

    def body(code):
        with code.when(code.compare(">", code.arg("n"), 5)):
            View(code, code.arg("out"), dtype="int64").store_scalar(code.arg("x"))
        View(code, code.add(code.arg("out"), 8), dtype="int64").store_scalar(code.arg("x"))

    routine = Written(HOST, "float32", ("out", "n", "x"), body)
    assert routine.ir().count("load i64") == 3
    out = np.zeros(2, np.int64)
    written(HOST, "float32", ("out", "n", "x"), body)(out, 1, 42)
    assert out.tolist() == [0, 42]


def counting(n, step, start, **options):
    """Write into `out` the number of turns, and the sum of the indices."""

    def body(code):
        bounds = [code.arg(x) if isinstance(x, str) else x for x in (n, step, start)]
        registers = [code.value(0), code.value(0)]
        with code.loop(*bounds, carry=registers, **options) as i:
            registers[0] = code.add(registers[0], 1)
            registers[1] = code.add(registers[1], i)
        out = View(code, code.arg("out"), 8, dtype="int64")
        out[0].store_scalar(registers[0])
        out[1].store_scalar(registers[1])

    return body


@pytest.mark.parametrize("start", [0, 3, -4])
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("n", [-5, 0, 1, 3, 4, 6, 7, 100])
def test_loop_turns_as_range_does(n, step, start):
    """Zero, one and many turns, known to Python or at run time, carry registers as range would."""
    want = [len(range(start, n, step)), sum(range(start, n, step))]
    got = np.zeros(2, np.int64)
    written(HOST, "float32", ("out",), counting(n, step, start))(got)
    assert got.tolist() == want
    got[:] = -1
    names = ("out", "n", "step", "start")
    written(HOST, "float32", names, counting("n", "step", "start"))(got, n, step, start)
    assert got.tolist() == want


def test_loop_of_one_turn_folds_away():
    """A loop that Python knows to turn once adds no block; its index is a Python integer."""
    code = empty_code()
    with code.loop(7, step=5, start=3) as i:
        assert i == 3
    assert len(code.function.blocks) == 2


def test_loop_at_least_once_does_not_test_first():
    """The innermost form is one block less: it turns before it asks."""
    got = np.zeros(2, np.int64)
    names = ("out", "n")
    body = counting("n", 1, 0, at_least_once=True)
    written(HOST, "float32", names, body)(got, 4)
    assert got.tolist() == [4, 6]
    assert Written(HOST, "float32", names, body).ir().count("icmp") == 1


def test_loops_nest():
    """Registers go through loops inside loops and branches, some of which never turn."""

    def body(code):
        total = [code.value(0)]
        with (
            code.loop(code.arg("n"), carry=total) as i,
            code.loop(i, carry=total) as j,
            code.when(code.compare("!=", j, 2), carry=total),
        ):
            total[0] = code.add(total[0], code.mul(i, j))
        View(code, code.arg("out"), dtype="int64").store_scalar(total[0])

    call = written(HOST, "float32", ("out", "n"), body)
    for n in (0, 1, 2, 9):
        out = np.zeros(1, np.int64)
        call(out, n)
        assert out[0] == sum(i * j for i in range(n) for j in range(i) if j != 2)


@pytest.mark.parametrize("known", [None, True, False])
def test_either_merges_its_arms(known):
    """Each arm starts from the values before it; known conditions choose as run-time ones do."""

    def body(code):
        registers = [code.value(10), code.value(20)]
        condition = code.compare(">", code.arg("x"), 0) if known is None else known
        with code.either(condition, carry=registers) as (then, otherwise):
            with then:
                registers[0] = code.add(registers[0], 1)
            with otherwise:
                registers[1] = code.add(registers[1], code.arg("x"))
        with code.when(condition, carry=registers):
            registers[1] = code.add(registers[1], 100)
        out = View(code, code.arg("out"), 8, dtype="int64")
        out[0].store_scalar(registers[0])
        out[1].store_scalar(registers[1])

    call = written(HOST, "float32", ("out", "x"), body)
    for x in (5, -5):
        out = np.zeros(2, np.int64)
        call(out, x)
        taken = x > 0 if known is None else known
        assert out.tolist() == ([11, 120] if taken else [10, 20 + x])


def test_views_move_by_strides():
    """view[i, j] adds i and j strides, keeps the others, and rows add their offsets."""

    def body(code):
        x = View(code, code.arg("x"), 40, code.arg("stride"))
        out = View(code, code.arg("out"), 8)
        picked = [x[2, 3], x[1][code.arg("one")], x.moved(16), x.rows([8, code.arg("stride")])[1]]
        for number, view in enumerate(picked):
            out[number].store_scalar(view.scalar())

    x, out = np.arange(20.0), np.empty(4)
    written(HOST, "float64", ("x", "stride", "one", "out"), body)(x, 8, 1, out)
    assert out.tolist() == [13, 6, 2, 1]


def test_a_missing_symbol_is_an_error():
    """Linking looks for the symbol before it asks LLVM."""
    code = compiler.compile_object(Written(HOST, "float32", (), nothing))
    with pytest.raises(compiler.Error, match="no symbol"):
        compiler.link("elsewhere", code)
