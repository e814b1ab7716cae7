"""A kernel being written: its arguments, loops and branches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from llvmlite import ir

from allconv.engine.arguments import Arguments
from allconv.engine.emit.integer import I1, I64, Condition, Index
from allconv.engine.emit.vector import Vectors
from allconv.engine.target import Target

Block = TypeVar("Block", bound=Arguments[Any])


class Code(Vectors):
    """One kernel `void name(const int64 *args, void *scratch, int64 chunk)` being written.

    `args` points to a block of 64-bit slots (sizes, strides and addresses) in the order of `slots`;
    `scratch` is the address of memory of this thread's own; `chunk` says which part to compute.
    """

    def __init__(self, target: Target, dtype: str, name: str, slots: tuple[str, ...]) -> None:
        super().__init__(target, dtype)
        self.module = ir.Module(name)
        self.function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [I64] * 3), name)
        # Arguments are loaded in the first block, so that every use comes after them.
        self._entry = ir.IRBuilder(self.function.append_basic_block("entry"))
        self._first = self.function.append_basic_block("body")
        self.builder = ir.IRBuilder(self._first)
        self._block, self.scratch, self.chunk = self.function.args
        self._slots = {slot: number for number, slot in enumerate(slots)}
        self._arguments: dict[str, ir.Value] = {}
        self._blocks: dict[type, Any] = {}
        self._known: dict[Hashable, ir.Value] = {}

    def arg(self, name: str) -> ir.Value:
        """The slot called `name`: a size, a stride or an address."""
        if name not in self._arguments:
            entry = self._entry
            address = entry.add(self._block, I64(8 * self._slots[name]))
            pointer = entry.inttoptr(address, ir.PointerType())
            self._arguments[name] = entry.load(pointer, name, align=8, typ=I64)
        return self._arguments[name]

    def arguments(self, kind: type[Block]) -> Block:
        """The argument block, or the part of it that a class describes."""
        block: Block | None = self._blocks.get(kind)
        if block is None:
            block = self._blocks[kind] = kind.made(self.arg)
        return block

    def once(self, key: Hashable, make: Callable[[], ir.Value]) -> ir.Value:
        """What `make` writes: it stands where the kernel begins, once for all that ask for it."""
        if key not in self._known:
            builder, self.builder = self.builder, self._entry
            self._known[key] = make()
            self.builder = builder
        return self._known[key]

    @contextmanager
    def units(self, block: Index, total: Index) -> Iterator[Index]:
        """The units of this chunk, one after the other: `block` of `total`, the last one fewer."""
        first = self.mul(self.chunk, block)
        with self.loop(self.min(self.add(first, block), total), start=first) as unit:
            yield unit

    def finish(self) -> str:
        """Close the kernel and return its IR."""
        self.builder.ret_void()
        self._entry.branch(self._first)
        return str(self.module)

    @contextmanager
    def loop(
        self,
        n: Index,
        step: Index = 1,
        start: Index = 0,
        carry: list[ir.Value] | None = None,
        *,
        at_least_once: bool = False,
        anew: bool = False,
    ) -> Iterator[Index]:
        """for i in range(start, n, step), where step > 0.

        The values in the list `carry` go round the loop: inside, the list holds those of this turn
        and the body puts the next ones in their places; afterwards it holds the last ones.
        `at_least_once` leaves out the test before the first turn. With `anew` LLVM takes the index
        as it is (see `Integers.anew`), so that addresses which are counted with it share it.
        """
        registers = [] if carry is None else carry
        turns = _turns(start, n, step)
        if turns == 1:
            yield start
            return
        initial, before = list(registers), self.builder.block
        body = self.function.append_basic_block("loop")
        after = self.function.append_basic_block("after")
        tested = not at_least_once and turns is None
        if tested:
            self.builder.cbranch(self.compare("<", start, n), body, after)
        else:
            self.builder.branch(after if turns == 0 else body)
        self.builder.position_at_end(body)
        index = i = self._phi(I64, [(self.value(start), before)] if turns != 0 else [])
        phis = [self._phi(x.type, [(x, before)] if turns != 0 else []) for x in initial]
        registers[:] = phis
        if anew:
            i = self.anew(i)
        yield i
        following, latch = self.builder.add(i, self.value(step)), self.builder.block
        for phi, x in zip([index, *phis], [following, *registers], strict=True):
            phi.add_incoming(x, latch)
        self.builder.cbranch(self.compare("<", following, n), body, after)
        self.builder.position_at_end(after)
        if turns == 0:
            # The body is unreachable and is dropped by LLVM, but it branches here.
            registers[:] = initial
        elif tested:
            registers[:] = self._merge([(initial, before), (list(registers), latch)])

    @contextmanager
    def when(self, condition: Condition, carry: list[ir.Value] | None = None) -> Iterator[None]:
        """if condition; the body may replace the values in the list `carry`."""
        with self.either(condition, carry) as (then, _), then:
            yield

    @contextmanager
    def either(
        self, condition: Condition, carry: list[ir.Value] | None = None
    ) -> Iterator[tuple[AbstractContextManager[None], AbstractContextManager[None]]]:
        """if condition ... else: yields the two arms, each a context; both may replace `carry`.

        with code.either(inside) as (then, otherwise):
            with then: ...
            with otherwise: ...
        """
        registers = [] if carry is None else carry
        initial = list(registers)
        blocks = [self.function.append_basic_block(name) for name in ("then", "otherwise")]
        after = self.function.append_basic_block("after")
        known = isinstance(condition, bool)
        self.builder.cbranch(I1(int(condition)) if known else condition, *blocks)
        ends: dict[ir.Block, tuple[list[ir.Value], ir.Block]] = {}

        @contextmanager
        def arm(block: ir.Block) -> Iterator[None]:
            self.builder.position_at_end(block)
            registers[:] = initial
            yield
            ends[block] = (list(registers), self.builder.block)
            self.builder.branch(after)

        yield arm(blocks[0]), arm(blocks[1])
        for block in blocks:
            if block not in ends:
                with arm(block):
                    pass
        self.builder.position_at_end(after)
        registers[:] = self._merge([ends[block] for block in blocks])

    @contextmanager
    def each_lane(self, mask: ir.Value, carry: list[ir.Value]) -> Iterator[ir.Value]:
        """The numbers of the lanes of a mask, one after the other: what few numbers need, and no
        vector can. The body may replace the values in the list `carry`."""
        bits = self.builder.bitcast(mask, ir.IntType(self.lanes))
        some = self.builder.icmp_unsigned("!=", bits, bits.type(0))
        with self.when(some, carry), self.loop(self.lanes, carry=carry) as index:
            lane = self.value(index)
            with self.when(self.builder.extract_element(mask, lane), carry):
                yield lane

    def cases(self, number: Index, of: range, carry: list[ir.Value] | None = None) -> Iterator[int]:
        """The numbers of a range, one after the other: what is written for each runs if `number` is
        it; all may replace `carry`.

        for n in code.cases(which, range(3)): ...
        """
        if len(of) == 1:
            yield of[0]
            return
        middle = len(of) // 2
        with self.either(self.compare("<", number, of[middle]), carry) as (below, above):
            with below:
                yield from self.cases(number, of[:middle], carry)
            with above:
                yield from self.cases(number, of[middle:], carry)

    def _phi(self, kind: ir.Type, incoming: list[tuple[ir.Value, ir.Block]]) -> ir.Value:
        phi = self.builder.phi(kind)
        for x, block in incoming:
            phi.add_incoming(x, block)
        return phi

    def _merge(self, ends: list[tuple[list[ir.Value], ir.Block]]) -> list[ir.Value]:
        """The values after several blocks that each end with values of their own."""
        (first, _), *_ = ends
        return [
            self._phi(first[k].type, [(values[k], block) for values, block in ends])
            for k in range(len(first))
        ]


def _turns(start: Index, n: Index, step: Index) -> int | None:
    """How often a loop turns, where Python knows it."""
    if not (isinstance(start, int) and isinstance(n, int) and isinstance(step, int)):
        return None
    return max(0, -(-(n - start) // step))
