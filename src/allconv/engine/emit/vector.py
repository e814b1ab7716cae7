"""Vectors of a kernel: constants, masks, arithmetic and conversions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from llvmlite import ir

from allconv.engine.emit.integer import I32, I64, Index, Integers
from allconv.engine.target import Target

ELEMENTS = {
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
    "uint8": ir.IntType(8),
    "int32": I32,
    "int64": I64,
}
SIZES = {"float32": 4, "float64": 8, "uint8": 1, "int32": 4, "int64": 8}

FAR = 1 << 30  # beyond all that lanes can be compared with
Mask: TypeAlias = ir.Value | None  # None: every lane
Operand: TypeAlias = ir.Value | float  # a Python number stands for a constant of the other's type


class Vectors(Integers):
    """The vector part of a kernel being written: `lanes` elements of `dtype`, one register."""

    module: ir.Module

    def __init__(self, target: Target, dtype: str) -> None:
        self.target = target
        self.dtype = dtype
        self.size = SIZES[dtype]
        self.lanes = target.lanes(dtype)
        self.scalar = ELEMENTS[dtype]
        self.vec = ir.VectorType(self.scalar, self.lanes)
        self.ivec = ir.VectorType(ir.IntType(8 * self.size), self.lanes)
        self._intrinsics: dict[str, ir.Function] = {}

    def vector_type(self, dtype: str) -> ir.Type:
        """The type of `lanes` elements of `dtype`, whether or not they fill a register."""
        return ir.VectorType(ELEMENTS[dtype], self.lanes)

    def const(self, value: float, dtype: str | None = None) -> ir.Value:
        """A vector of equal numbers."""
        return constant(self.vector_type(dtype or self.dtype), value)

    def numbers(self, dtype: str) -> ir.Value:
        """The vector 0, 1, 2 ... of integers."""
        return ir.Constant(self.vector_type(dtype), list(range(self.lanes)))

    def splat(self, scalar: ir.Value) -> ir.Value:
        """A vector of `lanes` copies of a scalar of any type."""
        empty = ir.Constant(ir.VectorType(scalar.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(empty, scalar, I32(0))
        return self.builder.shuffle_vector(first, empty, ir.VectorType(I32, self.lanes)(None))

    def mask(self, remaining: Index) -> Mask:
        """The lanes below `remaining`; None, which means all, where Python knows that it is all."""
        if isinstance(remaining, int) and remaining >= self.lanes:
            return None
        count = self.builder.trunc(self.value(self.min(remaining, self.lanes)), I32)
        return self.builder.icmp_signed("<", self.numbers("int32"), self.splat(count))

    def limits(self, low: Index, high: Index) -> tuple[ir.Value, ir.Value]:
        """What `between` compares with."""
        clamped = (self.min(self.max(n, -FAR), FAR) for n in (low, high))
        first, last = (self.splat(self.builder.trunc(self.value(n), I32)) for n in clamped)
        return first, last

    def between(self, first: int, step: int, limits: tuple[ir.Value, ir.Value]) -> Mask:
        """The lanes of which first + step*lane lies from the lower to before the upper limit."""
        numbers = ir.Constant(
            self.vector_type("int32"), [first + step * n for n in range(self.lanes)]
        )
        low, high = limits
        above = self.builder.icmp_signed(">=", numbers, low)
        return self.builder.and_(above, self.builder.icmp_signed("<", numbers, high))

    def held(self, x: ir.Value) -> ir.Value:
        """x, read with a mask, in a register of its own.

        LLVM makes one instruction of such a load and of arithmetic with the same mask, and may part
        them again into a load without the mask, which faults at the end of memory.
        """
        if not self.target.masks:
            return x
        return self.builder.asm(ir.FunctionType(x.type, [x.type]), "", "=v,0", [x], False)

    def masks(self, remaining: Index, vectors: int) -> list[Mask]:
        """The masks of consecutive vectors of which `remaining` elements are left."""
        return [self.mask(self.sub(remaining, v * self.lanes)) for v in range(vectors)]

    def intrinsic(self, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        """Call an LLVM intrinsic by its full name."""
        if name not in self._intrinsics:
            kind = ir.FunctionType(result, [x.type for x in arguments])
            self._intrinsics[name] = ir.Function(self.module, kind, name)
        return self.builder.call(self._intrinsics[name], arguments)

    def overloaded(self, name: str, *arguments: ir.Value) -> ir.Value:
        """Call an intrinsic named after the type of its arguments and result."""
        kind = arguments[0].type
        return self.intrinsic(f"llvm.{name}.{suffix(kind)}", kind, *arguments)

    # Floating point. NaN and rounding are those of IEEE 754; nothing is contracted or reordered.

    def fma(self, x: Operand, y: Operand, z: Operand) -> ir.Value:
        """x*y + z, rounded once where the target can, else rounded twice."""
        x, y, z = _alike(x, y, z)
        if self.target.fma:
            return self.overloaded("fma", x, y, z)
        return self.builder.fadd(self.builder.fmul(x, y), z)

    def fadd(self, x: Operand, y: Operand) -> ir.Value:
        """x + y."""
        return self.builder.fadd(*_alike(x, y))

    def fsub(self, x: Operand, y: Operand) -> ir.Value:
        """x - y."""
        return self.builder.fsub(*_alike(x, y))

    def fmul(self, x: Operand, y: Operand) -> ir.Value:
        """x * y."""
        return self.builder.fmul(*_alike(x, y))

    def fdiv(self, x: Operand, y: Operand) -> ir.Value:
        """x / y."""
        return self.builder.fdiv(*_alike(x, y))

    def fneg(self, x: ir.Value) -> ir.Value:
        """-x, the sign flipped."""
        return self.builder.fneg(x)

    def fabs(self, x: ir.Value) -> ir.Value:
        """x without its sign."""
        return self.overloaded("fabs", x)

    def sqrt(self, x: ir.Value) -> ir.Value:
        """The square root, rounded correctly."""
        return self.overloaded("sqrt", x)

    def copysign(self, x: ir.Value, sign: ir.Value) -> ir.Value:
        """The magnitude of x with the sign of `sign`."""
        return self.overloaded("copysign", x, sign)

    def fcompare(self, op: str, x: Operand, y: Operand) -> ir.Value:
        """Lanes where x op y, false for NaN; "!=" is true for NaN."""
        x, y = _alike(x, y)
        if op == "!=":
            return self.builder.fcmp_unordered(op, x, y)
        return self.builder.fcmp_ordered(op, x, y)

    def is_nan(self, x: ir.Value) -> ir.Value:
        """Lanes that are NaN."""
        return self.builder.fcmp_unordered("uno", x, x)

    def any(self, lanes: ir.Value) -> ir.Value:
        """Whether any of these lanes is set."""
        bits = self.builder.bitcast(lanes, ir.IntType(lanes.type.count))
        return self.builder.icmp_unsigned("!=", bits, bits.type(0))

    def fmax(self, x: Operand, y: Operand) -> ir.Value:
        """x where x > y, else y: y if either is NaN (one instruction on x86)."""
        x, y = _alike(x, y)
        return self.builder.select(self.fcompare(">", x, y), x, y)

    def fmin(self, x: Operand, y: Operand) -> ir.Value:
        """x where x < y, else y: y if either is NaN (one instruction on x86)."""
        x, y = _alike(x, y)
        return self.builder.select(self.fcompare("<", x, y), x, y)

    def maximum(self, x: Operand, y: Operand) -> ir.Value:
        """The larger one, NaN if either is NaN: numpy.maximum."""
        x, y = _alike(x, y)
        return self.builder.select(self.is_nan(x), x, self.fmax(x, y))

    def minimum(self, x: Operand, y: Operand) -> ir.Value:
        """The smaller one, NaN if either is NaN: numpy.minimum."""
        x, y = _alike(x, y)
        return self.builder.select(self.is_nan(x), x, self.fmin(x, y))

    # Integers, lane by lane: + - * & | ^ and << >> (zeros come in) on any width.

    def integer(self, op: str, x: Operand, y: Operand) -> ir.Value:
        """x op y on integer vectors; op is one of + - * & | ^ << >> and >>- (the sign comes in)."""
        b = self.builder
        operations = {
            "+": b.add, "-": b.sub, "*": b.mul, "&": b.and_, "|": b.or_, "^": b.xor,
            "<<": b.shl, ">>": b.lshr, ">>-": b.ashr,
        }  # fmt: skip
        return operations[op](*_alike(x, y))

    def icompare(self, op: str, x: Operand, y: Operand) -> ir.Value:
        """Lanes of integer vectors where x op y, as signed numbers."""
        return self.builder.icmp_signed(op, *_alike(x, y))

    def bits(self, x: ir.Value) -> ir.Value:
        """The bits of floats as integers of the same width."""
        count = x.type.count
        return self.builder.bitcast(x, ir.VectorType(ir.IntType(_width(x.type.element)), count))

    def from_bits(self, x: ir.Value) -> ir.Value:
        """Integers of 32 or 64 bits as the bits of floats."""
        kind = ELEMENTS["float32" if x.type.element.width == 32 else "float64"]
        return self.builder.bitcast(x, ir.VectorType(kind, x.type.count))

    def convert(self, x: ir.Value, dtype: str) -> ir.Value:
        """The numbers of x as `dtype`: floats are cut towards zero, bytes count 0 ... 255."""
        b, goal, source = self.builder, self.vector_type(dtype), x.type.element
        unsigned = source == ELEMENTS["uint8"]
        if x.type == goal:
            return x
        if isinstance(source, ir.IntType):
            if not isinstance(goal.element, ir.IntType):
                return (b.uitofp if unsigned else b.sitofp)(x, goal)
            if goal.element.width < source.width:
                return b.trunc(x, goal)
            return (b.zext if unsigned else b.sext)(x, goal)
        if isinstance(goal.element, ir.IntType):
            return (b.fptoui if dtype == "uint8" else b.fptosi)(x, goal)
        return (b.fpext if dtype == "float64" else b.fptrunc)(x, goal)

    def lane(self, x: ir.Value, number: int) -> ir.Value:
        """One lane as a scalar."""
        return self.builder.extract_element(x, I32(number))

    def reduce(self, op: Callable[[ir.Value, ir.Value], ir.Value], x: ir.Value) -> ir.Value:
        """All lanes joined by `op` as a scalar: halves onto halves, so the order is fixed."""
        count = x.type.count
        empty = ir.Constant(x.type, ir.Undefined)
        while count > 1:
            count //= 2
            upper = [(lane + count) % x.type.count for lane in range(x.type.count)]
            pattern = ir.Constant(ir.VectorType(I32, x.type.count), upper)
            x = op(x, self.builder.shuffle_vector(x, empty, pattern))
        return self.lane(x, 0)

    def reduce_each(
        self, op: Callable[[ir.Value, ir.Value], ir.Value], rows: Sequence[ir.Value]
    ) -> ir.Value:
        """The vector of `reduce` of each of `lanes` vectors, in the same order.

        Two vectors become one at a time: halves of their rows onto halves, so that nothing is
        computed twice.
        """
        lanes = self.lanes
        held = [[(row, lane) for lane in range(lanes)] for row in range(lanes)]
        steps: list[tuple[list[int], list[int]]] = []
        size = lanes
        while size > 1:
            steps.append(self._halves(size // 2))
            lower = steps[-1][0]
            pairs = [x + y for x, y in zip(held[::2], held[1::2], strict=True)]
            held = [[pair[lane] for lane in lower] for pair in pairs]
            size //= 2
        # Row `row` as the input of that number ends in another lane: take them in another order.
        level = [rows[0]] * lanes
        for lane, (row, _) in enumerate(held[0]):
            level[row] = rows[lane]
        for lower, upper in steps:
            level = [
                op(self.picked(x, y, lower), self.picked(x, y, upper))
                for x, y in zip(level[::2], level[1::2], strict=True)
            ]
        return level[0]

    def transposed(self, rows: Sequence[ir.Value]) -> list[ir.Value]:
        """The columns of `lanes` vectors: blocks of half their size change places, then of a
        quarter, and so on."""
        level, lanes, half = list(rows), self.lanes, self.lanes // 2
        while half:
            lower = [lane + (lanes - half) * bool(lane & half) for lane in range(lanes)]
            upper = [lane + (lanes if lane & half else half) for lane in range(lanes)]
            for k in (k for k in range(lanes) if not k & half):
                x, y = level[k], level[k + half]
                level[k], level[k + half] = self.picked(x, y, lower), self.picked(x, y, upper)
            half //= 2
        return level

    def apart(self, vectors: Sequence[ir.Value]) -> list[ir.Value]:
        """n vectors of numbers 0, 1, ... as n others: the k-th holds k, k + n, k + 2*n, ..."""
        n, lanes = len(vectors), self.lanes
        if n == 1:
            return list(vectors)
        if n % 2 == 0:  # the even and the odd numbers first
            pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
            even, odd = (
                self.apart([self.picked(x, y, range(k, 2 * lanes, 2)) for x, y in pairs])
                for k in range(2)
            )
            return [each for pair in zip(even, odd, strict=True) for each in pair]
        return [self._one_in(n, k, vectors) for k in range(n)]

    def together(self, vectors: Sequence[ir.Value]) -> list[ir.Value]:
        """What `apart` undoes: n vectors as n others, number by number from each of them."""
        n, lanes = len(vectors), self.lanes
        mixed = []
        for first in range(0, n * lanes, lanes):
            each = [divmod(number, n) for number in range(first, first + lanes)]  # lane, vector
            held = self.picked(vectors[0], vectors[0], [lane for lane, _ in each])
            for v, x in enumerate(vectors[1:], 1):
                taken = [k if v != of else lanes + lane for k, (lane, of) in enumerate(each)]
                held = self.picked(held, x, taken)
            mixed.append(held)
        return mixed

    def _one_in(self, n: int, k: int, vectors: Sequence[ir.Value]) -> ir.Value:
        """The numbers k, k + n, ... for an odd n: no two lie in the same lane of their vectors."""
        lanes = self.lanes
        held = vectors[0]
        for number, vector in enumerate(vectors[1:], 1):
            taken = [(number * lanes + lane - k) % n == 0 for lane in range(lanes)]
            held = self.picked(held, vector, [lane + lanes * t for lane, t in enumerate(taken)])
        order = [(k + n * lane) % lanes for lane in range(lanes)]
        return self.picked(held, held, order)

    def _halves(self, half: int) -> tuple[list[int], list[int]]:
        """Lanes of two vectors of rows of 2*half elements: the lower halves, the upper halves.

        Rows that are shorter than a quarter of 512 bits stay within their quarter, where x86 has
        the shuffles.
        """
        quarter = min(16 // self.size, self.lanes)
        part = self.lanes if 2 * half > quarter else quarter
        lower = [
            vector * self.lanes + first + lane
            for first in range(0, self.lanes, part)
            for vector in range(2)
            for lane in range(part)
            if lane % (2 * half) < half
        ]
        return lower, [lane + half for lane in lower]

    def picked(self, x: ir.Value, y: ir.Value, lanes: Sequence[int]) -> ir.Value:
        """These lanes of x and, counted on from the last of x, of y."""
        pattern = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(x, y, pattern)


def suffix(kind: ir.Type) -> str:
    """The name of a type in the name of an intrinsic: v16f32, i64."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{suffix(kind.element)}"
    return f"{'i' if isinstance(kind, ir.IntType) else 'f'}{_width(kind)}"


def constant(kind: ir.Type, value: float) -> ir.Value:
    """A number as a constant of a scalar or vector type."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [value] * kind.count)
    return ir.Constant(kind, value)


def _width(kind: ir.Type) -> int:
    if isinstance(kind, ir.IntType):
        return int(kind.width)
    return 32 if kind == ELEMENTS["float32"] else 64


def _alike(*operands: Operand) -> Sequence[ir.Value]:
    """The operands with Python numbers made constants of the others' type."""
    kind = next(x.type for x in operands if not isinstance(x, int | float))
    return [constant(kind, x) if isinstance(x, int | float) else x for x in operands]
