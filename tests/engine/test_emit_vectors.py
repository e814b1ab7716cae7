"""The vocabulary of vectors: masks, arithmetic, conversions, and tiles.

Their machine code is read in `test_disassembly`."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from allconv.engine.emit.code import Code
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.view import View

from .calling import DTYPES, HOST, TARGETS, empty_code, written

EVERY_TARGET = pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.bits}")
EVERY_DTYPE = pytest.mark.parametrize("dtype", DTYPES)


@EVERY_TARGET
@EVERY_DTYPE
def test_masked_tails_touch_nothing_else(target, dtype):
    """Tails of every length read zeros and write nothing outside, on every target."""
    vectors = 2
    lanes = target.lanes(dtype)

    def body(code):
        masks = code.masks(code.arg("n"), vectors)
        x, y = View(code, code.arg("x")), View(code, code.arg("y"))
        z = View(code, code.arg("z"))
        for v, mask in enumerate(masks):
            y.store(x.vector(v, mask), v, mask)
            z.store(x.vector(v, mask), v)

    call = written(target, dtype, ("x", "y", "z", "n"), body)
    x = np.arange(1, vectors * lanes + 1, dtype=dtype)
    for n in range(-1, vectors * lanes + 3):
        kept = max(0, min(n, vectors * lanes))
        y, z = np.full(vectors * lanes + 8, -7, dtype), np.full(vectors * lanes, -7, dtype)
        call(x, y, z, n)
        assert (y[:kept] == x[:kept]).all()
        assert (y[kept:] == -7).all()
        assert (z == np.where(np.arange(len(z)) < kept, x, 0)).all()


@EVERY_TARGET
@EVERY_DTYPE
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_together_and_apart(target, dtype, n):
    """Numbers of n vectors in turn, and back."""
    lanes = target.lanes(dtype)

    def body(code):
        x, y, z = (View(code, code.arg(name)) for name in "xyz")
        mixed = code.together([x.vector(v) for v in range(n)])
        for v, (one, other) in enumerate(zip(mixed, code.apart(mixed), strict=True)):
            y.store(one, v)
            z.store(other, v)

    x = np.arange(n * lanes, dtype=dtype).reshape(n, lanes)
    y, z = np.zeros((lanes, n), dtype), np.zeros_like(x)
    written(target, dtype, ("x", "y", "z"), body)(x, y, z)
    assert (y == x.T).all()
    assert (z == x).all()


def test_a_full_mask_is_known():
    """Where Python knows that all lanes remain there is no mask."""
    code = Code(HOST, "float32", "k", ())
    assert code.masks(2 * code.lanes, 2) == [None, None]
    assert code.mask(code.lanes - 1) is not None


@EVERY_TARGET
@EVERY_DTYPE
def test_float_operations(target, dtype):
    """Vector arithmetic is NumPy's, on NaN and zeros of both signs too."""

    def body(code):
        x, y = (View(code, code.arg(name)).vector() for name in "xy")
        results = [
            code.fadd(x, y), code.fsub(x, 1.0), code.fmul(x, y), code.fdiv(y, 2.0), code.fneg(x),
            code.fabs(x), code.sqrt(code.fabs(x)), code.copysign(x, y), code.fma(x, 3.0, y),
            code.maximum(x, y), code.minimum(x, y), code.fmax(x, y), code.fmin(x, y),
            *(code.select(code.fcompare(op, x, y), x, code.const(9.0)) for op in COMPARED),
            code.select(code.is_nan(x), code.const(1.0), y),
            code.from_bits(code.bits(x)),
        ]  # fmt: skip
        out = View(code, code.arg("out"))
        for v, result in enumerate(results):
            out.store(result, v)

    special = np.array([0.0, -0.0, 1.5, -2.0, np.nan, np.inf, -np.inf, 3.0], dtype)
    pairs = np.array([(x, y) for x in special for y in special], dtype)
    lanes = target.lanes(dtype)
    call = written(target, dtype, ("x", "y", "out"), body)
    for start in range(0, len(pairs), lanes):
        x, y = (np.ascontiguousarray(column) for column in pairs[start : start + lanes].T)
        out = np.empty((15 + len(COMPARED), lanes), dtype)
        call(x, y, out)
        with np.errstate(all="ignore"):
            want = [
                x + y, x - 1, x * y, y / 2, -x, abs(x), np.sqrt(abs(x)), np.copysign(x, y),
                x * 3 + y, np.maximum(x, y), np.minimum(x, y), np.where(x > y, x, y),
                np.where(x < y, x, y),
                *(np.where(COMPARED[op](x, y), x, 9) for op in COMPARED),
                np.where(np.isnan(x), 1, y), x,
            ]  # fmt: skip
        np.testing.assert_array_equal(out, want)


COMPARED = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
    ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
COUNTED = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "&": operator.and_,
    "|": operator.or_, "^": operator.xor,
}  # fmt: skip


@EVERY_TARGET
@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_integer_operations(target, kind):
    """Integer vectors wrap around as NumPy's do."""
    lanes = target.lanes("float32")

    def body(code):
        x, y = (View(code, code.arg(name), dtype=kind).vector() for name in "xy")
        results = [code.integer(op, x, y) for op in COUNTED]
        results += [code.integer("<<", x, 5), code.integer(">>-", x, 5), code.integer(">>", x, 5)]
        results += [code.select(code.icompare("<", x, y), x, y), code.numbers(kind)]
        for v, result in enumerate(results):
            View(code, code.arg("out"), dtype=kind).store(result, v)

    call = written(target, "float32", ("x", "y", "out"), body)
    unsigned = kind.replace("int", "uint")
    random = np.random.default_rng(0)
    x, y = random.integers(np.iinfo(kind).min, np.iinfo(kind).max, (2, lanes), dtype=kind)
    out = np.empty((11, lanes), kind)
    call(x, y, out)
    with np.errstate(over="ignore"):
        want = [COUNTED[op](x, y) for op in COUNTED]
    want += [x << 5, x >> 5, (x.view(unsigned) >> 5).view(kind), np.minimum(x, y)]
    want += [np.arange(lanes)]
    np.testing.assert_array_equal(out, want)


@EVERY_TARGET
@EVERY_DTYPE
@pytest.mark.parametrize("source", ["float32", "float64", "int32", "int64", "uint8"])
@pytest.mark.parametrize("goal", ["float32", "float64", "int32", "int64", "uint8"])
def test_conversions(target, dtype, source, goal):
    """Every pair of element types converts as NumPy's astype does."""
    lanes = target.lanes(dtype)
    low = 0 if "uint8" in (source, goal) else -100

    def body(code):
        x = View(code, code.arg("x"), dtype=source).vector()
        View(code, code.arg("y"), dtype=goal).store(code.convert(x, goal))

    x = np.linspace(low, 200 if low == 0 else 100, lanes).astype(source)
    y = np.empty(lanes, goal)
    written(target, dtype, ("x", "y"), body)(x, y)
    np.testing.assert_array_equal(y, x.astype(goal))


@EVERY_TARGET
@EVERY_DTYPE
def test_reduce_joins_halves(target, dtype):
    """Lanes are joined by halves onto halves, so the order of a sum is fixed."""
    lanes = target.lanes(dtype)

    def body(code):
        x = View(code, code.arg("x")).vector()
        out = View(code, code.arg("out"), code.size)
        out[0].store_scalar(code.reduce(code.fadd, x))
        out[1].store_scalar(code.reduce(code.fmax, x))

    x = np.random.default_rng(1).normal(size=lanes).astype(dtype)
    out = np.empty(2, dtype)
    written(target, dtype, ("x", "out"), body)(x, out)
    total = x
    while len(total) > 1:
        total = total[: len(total) // 2] + total[len(total) // 2 :]
    assert out.tolist() == [total[0], x.max()]


@EVERY_TARGET
@EVERY_DTYPE
def test_reduce_each_is_reduce_of_every_row(target, dtype):
    """As many rows as there are lanes, each in its own lane, with the bits of `reduce`."""
    lanes = target.lanes(dtype)

    def body(code):
        x = View(code, code.arg("x"))
        rows = [x.vector(row) for row in range(lanes)]
        View(code, code.arg("each")).store(code.reduce_each(code.fadd, rows))
        out = View(code, code.arg("alone"), code.size)
        for row, vector in enumerate(rows):
            out[row].store_scalar(code.reduce(code.fadd, vector))

    draw = np.random.default_rng(1)
    x = (draw.normal(size=(lanes, lanes)) * 10 ** draw.normal(size=(lanes, lanes))).astype(dtype)
    each, alone = np.empty(lanes, dtype), np.empty(lanes, dtype)
    written(target, dtype, ("x", "each", "alone"), body)(x, each, alone)
    assert each.tolist() == alone.tolist()
    assert len(set(alone.tolist())) == lanes


def product(rows, vectors):
    """y[m, n] = start[n] + a[m, blocks, k] b[blocks, k, n] through a tile, with masked columns."""

    def body(code):
        s, k, n = code.size, code.arg("k"), code.arg("n")
        depth, block = code.arg("depth"), code.arg("block")
        masks = code.masks(n, vectors)
        bias = [View(code, code.arg("bias")).vector(v, masks[v]) for v in range(vectors)]
        tile = Tile(code, rows, vectors, bias)
        a = View(code, code.arg("a")).rows([code.mul(r, depth, s) for r in range(rows)])
        pitch = vectors * code.lanes * s
        loops = [
            (k, code.mul(block, s), code.mul(block, pitch)),
            (lambda i: code.min(block, code.sub(depth, code.mul(i, block))), s, pitch),
        ]
        contract(code, tile, loops, a, View(code, code.arg("b")))
        y = View(code, code.arg("y")).rows([code.mul(r, n, s) for r in range(rows)])
        tile.store(y, lambda x, row, v: code.fmul(x, 2.0), masks)

    return body


@EVERY_TARGET
@EVERY_DTYPE
@pytest.mark.parametrize(("rows", "vectors"), [(1, 1), (3, 2), (6, 2)])
def test_contract_is_an_exact_matrix_product(target, dtype, rows, vectors):
    """Products of small integers are exact, with a last block that is partial, and no depth."""
    names = ("a", "b", "bias", "y", "n", "depth", "block", "k")
    call = written(target, dtype, names, product(rows, vectors))
    random = np.random.default_rng(rows)
    width = vectors * target.lanes(dtype)
    for depth, block in [(0, 4), (1, 4), (7, 3), (8, 4), (64, 64)]:
        for n in (1, width - 1, width):
            a = random.integers(-4, 5, (rows, depth)).astype(dtype)
            b = random.integers(-4, 5, (depth, width)).astype(dtype)
            bias = random.integers(-4, 5, width).astype(dtype)
            y = np.full(rows * n + 9, 0.5, dtype)
            call(a, b, bias, y, n, depth, block, -(-depth // block))
            want = 2 * (bias + a.astype(float) @ b.astype(float))[:, :n]
            assert (y[: rows * n].reshape(rows, n) == want).all()
            assert (y[rows * n :] == 0.5).all()


@EVERY_TARGET
def test_lanewise_steps(target):
    """A lanewise step joins registers with rows of a, and of b where there is one, under masks."""
    lanes = target.lanes("float32")

    def body(code):
        masks = code.masks(code.arg("n"), 2)
        tile = Tile(code, 2, 2)
        size = 2 * lanes * 4
        a, b = View(code, code.arg("a")), View(code, code.arg("b"))
        step = tile.lanewise(lambda t, x, w: code.fma(x, w, t), masks)
        contract(code, tile, [(3, size, size)], a.rows([0, size]), b, step)
        step = tile.lanewise(lambda t, x, _: code.fmax(x, t), masks)
        contract(code, tile, [(2, size, 0)], a.rows([0, size]), None, step)
        tile.store(View(code, code.arg("y")).rows([0, size]), masks=masks)

    random = np.random.default_rng(2)
    n = 2 * lanes - 3
    a = random.integers(-9, 9, (4, 2 * lanes)).astype(np.float32)
    b = random.integers(-9, 9, (3, 2 * lanes)).astype(np.float32)
    y = np.full((2, 2 * lanes), 99, np.float32)
    written(target, "float32", ("a", "b", "y", "n"), body)(a, b, y, n)
    want = np.array([(a[r : r + 3] * b).sum(0) for r in (0, 1)])
    want = np.maximum(want, np.array([a[r : r + 2].max(0) for r in (0, 1)]))
    assert (y[:, :n] == want[:, :n]).all()
    assert (y[:, n:] == 99).all()


def test_outer_needs_both_operands():
    """The outer product without b is refused."""
    code = empty_code()
    tile = Tile(code, 1, 1)
    with pytest.raises(TypeError, match="both operands"):
        contract(code, tile, [(3, 4, 4)], View(code, 0).rows([0]), None)
