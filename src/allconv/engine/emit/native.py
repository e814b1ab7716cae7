"""A function of the engine's own being written: not a kernel, and so without its surfaces."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from allconv.engine.buffer import LINE
from allconv.engine.emit.integer import I32, I64

LINE_BYTES = LINE  # what two processors write in turn has a cache line of its own

_TIMESPEC = ir.LiteralStructType([I64, I64])
_CLOCK = ir.FunctionType(I32, [I32, ir.PointerType()])
_TICKS = ir.FunctionType(I64, [])
_GIVE_WAY = ir.FunctionType(I32, [])
_VOID = ir.VoidType()
_ARM = ("aarch64", "arm64")


class NativeCode:
    """The function `int64 name(int64 ...)` of named parameters being written."""

    def __init__(self, name: str, architecture: str, parameters: Sequence[str]) -> None:
        self.architecture = architecture
        self.module = ir.Module(name)
        kind = ir.FunctionType(I64, [I64] * len(parameters))
        self.function = ir.Function(self.module, kind, name)
        self.arguments = dict(zip(parameters, self.function.args, strict=True))
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))

    def read(self, names: Sequence[str], start: ir.Value) -> dict[str, ir.Value]:
        """The words from an address on, by name."""
        b = self.builder
        places = [self.pointer(self.word(start, number)) for number in range(len(names))]
        loads = [b.load(place, typ=I64) for place in places]
        return dict(zip(names, loads, strict=True))

    def word(self, start: ir.Value, number: int) -> ir.Value:
        """The address of a word counted from another."""
        return self.builder.add(start, I64(8 * number))

    def load(self, address: ir.Value, ordering: str) -> ir.Value:
        """An atomic load."""
        return self.builder.load_atomic(self.pointer(address), ordering, 8, typ=I64)

    def store(self, value: ir.Value, address: ir.Value, ordering: str) -> None:
        """An atomic store."""
        self.builder.store_atomic(value, self.pointer(address, I64), ordering, 8)

    def change(self, operation: str, address: ir.Value, value: ir.Value) -> ir.Value:
        """An atomic operation on a word; what it was before."""
        return self.builder.atomic_rmw(operation, self.pointer(address, I64), value, "acq_rel")

    def exchange(self, address: ir.Value, old: ir.Value, new: ir.Value) -> ir.Value:
        """Write a word if it is `old`; whether it was."""
        pointer = self.pointer(address, I64)
        pair = self.builder.cmpxchg(pointer, old, new, "acq_rel", "monotonic")
        return self.builder.extract_value(pair, 1)

    def pointer(self, address: ir.Value, kind: ir.Type | None = None) -> ir.Value:
        """An address as what LLVM loads from."""
        return self.builder.inttoptr(address, ir.PointerType(kind))

    def blocks(self, *names: str) -> list[ir.Block]:
        """New blocks, in the order they are laid out in."""
        return [self.function.append_basic_block(name) for name in names]

    def now(self, clock: str, address: ir.Value, timespec: ir.Value) -> ir.Value:
        """Nanoseconds of the system's clock of this name, whose function is at `address`; it
        writes them into what `timespec` made."""
        b = self.builder
        name, *number = clock.split()
        if name == "clock_gettime":
            b.call(self.pointer(address, _CLOCK), [I32(int(number[0])), timespec])
            seconds, rest = (
                b.load(b.gep(timespec, [I32(0), I32(k)], source_etype=_TIMESPEC), typ=I64)
                for k in range(2)
            )
            return b.add(b.mul(seconds, I64(10**9)), rest)
        return b.mul(b.call(self.pointer(address, _TICKS), []), I64(10**6))

    def timespec(self) -> ir.Value:
        """Room on the stack for what the clock says, made where the function begins."""
        return self.builder.alloca(_TIMESPEC)

    def spin_hint(self) -> None:
        """Tell the processor that this is a waiting loop."""
        if self.architecture == "x86_64":
            self.intrinsic("llvm.x86.sse2.pause", _VOID)
        elif self.architecture in _ARM:
            self.intrinsic("llvm.aarch64.hint", _VOID, I32(1))

    def give_way(self, address: ir.Value) -> None:
        """Offer the processor to other threads, by the system's function at an address."""
        self.builder.call(self.pointer(address, _GIVE_WAY), [])

    # The floating-point control register: a library that set flush-to-zero must not change bits.

    def set_control(self) -> ir.Value:
        """Round to nearest, keep subnormals, trap nothing; returns what was set before."""
        b = self.builder
        if self.architecture == "x86_64":
            saved, usual = b.alloca(I32), b.alloca(I32)
            b.store(I32(0x1F80), usual)
            self.intrinsic("llvm.x86.sse.stmxcsr", _VOID, saved)
            self.intrinsic("llvm.x86.sse.ldmxcsr", _VOID, usual)
            return saved
        if self.architecture in _ARM:
            saved = self.intrinsic("llvm.aarch64.get.fpcr", I64)
            self.intrinsic("llvm.aarch64.set.fpcr", _VOID, I64(0))
            return saved
        return I64(0)

    def restore_control(self, saved: ir.Value) -> None:
        """Set again what `set_control` found."""
        if self.architecture == "x86_64":
            self.intrinsic("llvm.x86.sse.ldmxcsr", _VOID, saved)
        elif self.architecture in _ARM:
            self.intrinsic("llvm.aarch64.set.fpcr", _VOID, saved)

    def intrinsic(self, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        """Call an intrinsic function of LLVM."""
        function = self.module.globals.get(name)
        if function is None:
            opaque = [ir.PointerType() if x.type.is_pointer else x.type for x in arguments]
            function = ir.Function(self.module, ir.FunctionType(result, opaque), name)
        return self.builder.call(function, arguments)
