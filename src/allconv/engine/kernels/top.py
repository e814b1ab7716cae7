"""The largest numbers of each line, in order: those found so far are kept in a heap.

An entry of the heap is an integer of the number's rank (`emit.ranking`) and, in its lower half, of
its index: the first of equal numbers has the largest. The root is the least entry, which a larger
one replaces; at the end entries are taken from the root, the last of them first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from allconv.engine.arguments import Arguments, T
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import I64, Index
from allconv.engine.emit.ranking import limits, rank, rank_dtype
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.over_axis import CHUNK_WORK, CHUNKS, lines, result_lines
from allconv.engine.plan import Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.order import TopK

MOST = 2**16  # entries of a heap
HELD = 64  # bytes of the scratch for a vector of ranks


@dataclass(frozen=True, kw_only=True)
class TopArguments(Arguments[T]):
    """The arrays; the cells of a line, those that are found, and how deep their heap is; how many
    lines there are, in all and in a chunk."""

    x: T
    out: T
    index: T
    cells: T
    count: T
    levels: T
    rows: T
    block: T


@dataclass(frozen=True)
class Top(Kernel):
    """out[row] = the `count` largest (or smallest) of x[row], in order, and index[row] where they
    were; a chunk is `block` rows."""

    smallest: bool

    takes: ClassVar = TopArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a, heap = code.arguments(TopArguments), _Heap(code)
        with code.units(a.block, a.rows) as row:
            start = code.mul(row, a.cells, code.size)
            x = View(code, code.add(a.x, start), code.size)
            heap.clear()
            with code.loop(a.cells, step=code.lanes) as i:
                self._look(code, heap, x, i)
            found = code.mul(row, a.count)
            out = View(code, code.add(a.out, code.mul(found, code.size)), code.size)
            index = View(code, code.add(a.index, code.mul(found, 8)), 8, dtype="int64")
            with code.loop(a.count) as k:
                last = code.sub(code.sub(a.count, 1), k)
                i = heap.index(heap.root())
                index[last].store_scalar(i)
                out[last].store_scalar(x[i].scalar())
                heap.replace(heap.most)

    def _look(self, code: Code, heap: _Heap, x: View, i: Index) -> None:
        """Keep what is larger than the root of the cells from i on, a vector of them."""
        b, mask = code.builder, code.mask(code.sub(code.arguments(TopArguments).cells, i))
        ranks = rank(code, x[i].vector(0, mask), falling=self.smallest, nan_first=not self.smallest)
        ranks = code.select(mask, ranks, code.const(limits(code)[0], rank_dtype(code)))
        larger = code.icompare(">", ranks, code.splat(heap.rank(heap.root())))
        bits = b.zext(b.bitcast(larger, ir.IntType(code.lanes)), I64)
        with code.when(code.compare("!=", bits, 0)):
            held = View(code, code.scratch, code.size, dtype=rank_dtype(code))
            held.store(ranks)
            left = [bits]
            with code.loop(code.intrinsic("llvm.ctpop.i64", I64, bits), carry=left):
                lane = code.intrinsic("llvm.cttz.i64", I64, left[0], ir.IntType(1)(1))
                left[0] = b.and_(left[0], b.sub(left[0], I64(1)))
                entry = heap.entry(held[lane].scalar(), code.add(i, lane))
                with code.when(b.icmp_signed(">", entry, heap.root())):
                    heap.replace(entry)


class _Heap:
    """`count` entries, each no larger than its two children; behind them entries larger than all.

    That of a number is larger than `least`, which an empty place holds.
    """

    def __init__(self, code: Code) -> None:
        self.code, self.a = code, code.arguments(TopArguments)
        self.half = 8 * code.size
        self.kind = ir.IntType(2 * self.half)
        self.address = code.add(code.scratch, HELD)
        self.least = self.kind(-(1 << 2 * self.half - 1))
        self.most = self.kind((1 << 2 * self.half - 1) - 1)

    def entry(self, rank: ir.Value, index: Index) -> ir.Value:
        """The entry of a cell."""
        b = self.code.builder
        ranked = b.shl(b.sext(rank, self.kind), self.kind(self.half))
        number = self.code.value(index)
        number = number if self.kind == I64 else b.zext(number, self.kind)
        return b.or_(ranked, b.sub(self.kind((1 << self.half) - 1), number))

    def rank(self, entry: ir.Value) -> ir.Value:
        """The rank of an entry."""
        b = self.code.builder
        return b.trunc(b.ashr(entry, self.kind(self.half)), ir.IntType(self.half))

    def index(self, entry: ir.Value) -> ir.Value:
        """The index of an entry."""
        b, low = self.code.builder, (1 << self.half) - 1
        number = b.sub(self.kind(low), b.and_(entry, self.kind(low)))
        return number if self.kind == I64 else b.trunc(number, I64)

    def root(self) -> ir.Value:
        """The least entry."""
        return self._read(0)

    def clear(self) -> None:
        """Begin with empty places."""
        code, count = self.code, self.a.count
        with code.loop(count) as k:
            self._write(k, self.least)
        with code.loop(code.add(code.mul(count, 2), 1), start=count) as k:
            self._write(k, self.most)

    def replace(self, entry: ir.Value) -> None:
        """Put an entry in place of the root: the lesser child moves up until none is less."""
        code, place = self.code, [self.code.value(0)]
        with code.loop(self.a.levels, carry=place):
            left = code.add(code.mul(place[0], 2), 1)
            one, other = self._read(left), self._read(code.add(left, 1))
            right = code.builder.icmp_signed("<", other, one)
            child = code.builder.select(right, other, one)
            up = code.builder.icmp_signed("<", child, entry)
            self._write(place[0], code.builder.select(up, child, entry))
            there = code.add(left, code.builder.zext(right, I64))
            place[0] = code.value(code.select(up, there, place[0]))
        self._write(place[0], entry)

    def _read(self, k: Index) -> ir.Value:
        return self.code.builder.load(self._pointer(k), align=self.code.size, typ=self.kind)

    def _write(self, k: Index, entry: ir.Value) -> None:
        self.code.builder.store(entry, self._pointer(k), align=self.code.size)

    def _pointer(self, k: Index) -> ir.Value:
        code = self.code
        address = code.add(self.address, code.mul(k, 2 * code.size))
        return code.builder.inttoptr(code.value(address), ir.PointerType())


def lower_top(planner: Planner, node: Node) -> bool:
    """Lines along the axis; more numbers than fit into a heap are sorted by definition."""
    operator, (value,), (y, index) = node.of(TopK), node.inputs, node.outputs
    cells, count = value.shape[operator.axis], operator.count
    if count > MOST or cells >= 2**31:
        return False
    x = lines(planner, value, operator.axis)
    out, where = (result_lines(planner, each, operator.axis) for each in (y, index))
    if not out.spec.size:
        return True
    rows = x.spec.size // cells
    block = -(-rows // max(1, min(CHUNKS, x.spec.size // CHUNK_WORK)))
    arguments = TopArguments[Argument](
        x=x, out=out, index=where, cells=cells, count=count, levels=count.bit_length() - 1,
        rows=rows, block=block,
    )  # fmt: skip
    planner.step(
        Top(planner.target, y.dtype, operator.smallest),
        arguments,
        writes=[out, where],
        chunks=-(-rows // block),
        scratch=HELD + 2 * out.item * (2 * count + 1),
    )
    return True
