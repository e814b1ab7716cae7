"""The machine code of the runner: claim chunks, call kernels, wait for a step to be done."""

from __future__ import annotations

from llvmlite import ir

from allconv.engine.emit.integer import I32, I64

ROW_BYTES = 64  # of a step in the table
LINE_BYTES = 64  # every counter has a cache line of its own
HALVES = 2  # of the chunks of a step, each with a claim word
COUNTERS = HALVES + 1  # of a step
SPINS = 2000  # turns of a waiting loop before the processor is offered to others

PARAMETERS = ("block", "counters", "epoch", "scratch")
BLOCK = ("table", "first", "count", "leader", "half", "nanoseconds", "relax", "clock")
"""What `block` is the address of, int64 each: the same in every run of a job. `half` is the half of
the chunks that a thread begins with, of every step."""
_KERNEL = ir.FunctionType(ir.VoidType(), [I64] * 3)
_RELAX = ir.FunctionType(I32, [])
_MOMENT = ir.LiteralStructType([I64, I64])  # struct timespec
_CLOCK = ir.FunctionType(I32, [I32, ir.PointerType()])
_TICKS = ir.FunctionType(I64, [])
_VOID = ir.VoidType()
_ARM = ("aarch64", "arm64")


class RunnerCode:
    """The function `int64 name(int64 ...)` of PARAMETERS being written.

    Counters are an opening word, then for each step a claim word for each half of its chunks and a
    done word. Each is epoch << 32 | n; a word of an earlier epoch counts as n = 0, one of a later
    epoch means that this run is over. A thread claims chunks of its own half of every step, so that
    much of what it reads lies in its own caches, where the step before has left it; then it claims
    what is left of the other half. What it has done it counts when it finds nothing to claim: a
    word that two processors write in turn takes each of them longer than a small chunk.

    Arguments cost the caller more than what is done here, so few are given one by one. The
    function returns 1 when all its steps are done, 0 when it found the run over, and 2 when it
    has run for so many nanoseconds (0: any number), between two chunks or while it waits for those
    of others. Called again it goes on.
    """

    def __init__(self, name: str, architecture: str, clock: str) -> None:
        self.architecture = architecture
        self.clock = clock
        self.module = ir.Module(name)
        kind = ir.FunctionType(I64, [I64] * len(PARAMETERS))
        self.function = ir.Function(self.module, kind, name)
        self.arguments = dict(zip(PARAMETERS, self.function.args, strict=True))
        self.builder = b = ir.IRBuilder(self.function.append_basic_block("entry"))
        for number, field in enumerate(BLOCK):
            where = b.add(self.arguments["block"], I64(8 * number))
            self.arguments[field] = b.load(self._pointer(where), typ=I64)
        self.epoch = self.arguments["epoch"]
        self.tag = self.builder.shl(self.epoch, I64(32))

    def emit(self) -> str:
        """Write the function and return its IR."""
        b = self.builder
        control = self._set_control()
        self.moment = b.alloca(_MOMENT)
        self.uncounted = b.alloca(I64)  # chunks of a step that this thread has done
        steps, done, over, self.paused = self._blocks("steps", "done", "over", "paused")
        self.timed = b.icmp_signed("!=", self.arguments["nanoseconds"], I64(0))
        self.deadline = self._emit_deadline()
        self._emit_opening(steps, over)
        b.position_at_end(steps)
        first = self.arguments["first"]
        self._emit_steps(first, b.add(first, self.arguments["count"]), done, over)
        for block, result in ((done, 1), (over, 0), (self.paused, 2)):
            b.position_at_end(block)
            self._restore_control(control)
            b.ret(I64(result))
        return str(self.module)

    def _emit_deadline(self) -> ir.Value:
        """When to pause, where there is a limit."""
        b = self.builder
        before = b.block
        timed, begin = self._blocks("timed", "begin")
        b.cbranch(self.timed, timed, begin)
        b.position_at_end(timed)
        limit = b.add(self._now(), self.arguments["nanoseconds"])
        b.branch(begin)
        b.position_at_end(begin)
        deadline = b.phi(I64)
        deadline.add_incoming(I64(0), before)
        deadline.add_incoming(limit, timed)
        return deadline

    def _emit_pause(self, pause: ir.Block, otherwise: ir.Block) -> None:
        """Pause if the time is up."""
        b = self.builder
        (look,) = self._blocks("look")
        b.cbranch(self.timed, look, otherwise)
        b.position_at_end(look)
        late = b.icmp_signed(">", self._now(), self.deadline)
        b.cbranch(late, pause, otherwise)

    def _now(self) -> ir.Value:
        """Nanoseconds of the system's clock."""
        b = self.builder
        name, *number = self.clock.split()
        if name == "clock_gettime":
            function = b.inttoptr(self.arguments["clock"], ir.PointerType(_CLOCK))
            b.call(function, [I32(int(number[0])), self.moment])
            seconds, rest = (
                b.load(b.gep(self.moment, [I32(0), I32(k)], source_etype=_MOMENT), typ=I64)
                for k in range(2)
            )
            return b.add(b.mul(seconds, I64(10**9)), rest)
        function = b.inttoptr(self.arguments["clock"], ir.PointerType(_TICKS))
        return b.mul(b.call(function, []), I64(10**6))

    def _emit_opening(self, steps: ir.Block, over: ir.Block) -> None:
        """The leader opens the run; others enter an open run, and wait a little for it to open."""
        b, opening = self.builder, self.arguments["counters"]
        lead, follow, early, wait = self._blocks("lead", "follow", "early", "wait")
        before = b.block
        b.cbranch(b.icmp_signed("!=", self.arguments["leader"], I64(0)), lead, follow)
        b.position_at_end(lead)
        b.store_atomic(self.epoch, self._pointer(opening, I64), "release", 8)
        b.branch(steps)
        b.position_at_end(follow)
        spins = b.phi(I64)
        spins.add_incoming(I64(0), before)
        opened = self._load(opening, "acquire")
        b.cbranch(b.icmp_unsigned("==", opened, self.epoch), steps, early)
        b.position_at_end(early)
        late = b.icmp_unsigned(">", opened, self.epoch)
        tired = b.icmp_unsigned(">", spins, I64(SPINS))
        b.cbranch(b.or_(late, tired), over, wait)
        b.position_at_end(wait)
        self._pause()
        spins.add_incoming(b.add(spins, I64(1)), wait)
        b.branch(follow)

    def _emit_steps(self, first: ir.Value, end: ir.Value, done: ir.Block, over: ir.Block) -> None:
        """for each step: claim and run chunks until none is left, then wait until all are done."""
        b = self.builder
        before = b.block
        head, body, claim, wait, following = self._blocks(
            "head", "step", "claim", "wait", "following"
        )
        b.branch(head)
        b.position_at_end(head)
        step = b.phi(I64)
        step.add_incoming(first, before)
        b.cbranch(b.icmp_signed("<", step, end), body, done)
        b.position_at_end(body)
        row = b.add(self.arguments["table"], b.mul(step, I64(ROW_BYTES)))
        fields = [b.load(self._pointer(b.add(row, I64(8 * k))), typ=I64) for k in range(5)]
        chunks = fields[2]
        line = b.add(b.mul(step, I64(COUNTERS * LINE_BYTES)), I64(LINE_BYTES))
        claimed = b.add(self.arguments["counters"], line)
        finished = b.add(claimed, I64(HALVES * LINE_BYTES))
        b.cbranch(b.icmp_unsigned("==", chunks, I64(0)), following, claim)
        b.position_at_end(claim)
        ends = [self._counting(finished, end) for end in (wait, over, self.paused)]
        self._emit_claims(fields, claimed, ends)
        b.position_at_end(wait)
        self._emit_wait(b.add(self.tag, chunks), finished, following, over)
        b.position_at_end(following)
        step.add_incoming(b.add(step, I64(1)), following)
        b.branch(head)

    def _emit_claims(self, fields: list[ir.Value], claimed: ir.Value, ends: list[ir.Block]) -> None:
        """Run chunks of one half, then of the other; then go to the first of `ends`, or to the
        others where the run is over or pauses."""
        b = self.builder
        none, over, paused = ends
        chunks = fields[2]
        middle = b.lshr(b.add(chunks, I64(1)), I64(1))
        b.store(I64(0), self.uncounted)
        before = b.block
        half_, left, other = self._blocks("half", "left", "other")
        b.branch(half_)
        b.position_at_end(half_)
        half, turn = b.phi(I64), b.phi(I64)
        half.add_incoming(self.arguments["half"], before)
        turn.add_incoming(I64(1), before)
        second = b.icmp_unsigned("!=", half, I64(0))
        first = b.select(second, middle, I64(0))
        count = b.select(second, b.sub(chunks, middle), middle)
        word = b.add(claimed, b.mul(half, I64(LINE_BYTES)))
        self._emit_half(fields, word, (first, count), (left, over, paused))
        b.position_at_end(left)
        b.cbranch(b.icmp_unsigned("<", turn, I64(HALVES)), other, none)
        b.position_at_end(other)
        half.add_incoming(b.sub(I64(1), half), other)
        turn.add_incoming(b.add(turn, I64(1)), other)
        b.branch(half_)

    def _emit_half(
        self,
        fields: list[ir.Value],
        claimed: ir.Value,
        part: tuple[ir.Value, ir.Value],
        ends: tuple[ir.Block, ir.Block, ir.Block],
    ) -> None:
        """while a chunk is left of these, so many from a first on: take its number and run it."""
        b = self.builder
        address, arguments, chunks, multiplier, offset = fields
        first, count = part
        none, over, paused = ends
        again, current, take, run = self._blocks("again", "current", "take", "run")
        b.branch(again)
        b.position_at_end(again)
        word = self._load(claimed, "monotonic")
        b.cbranch(self._is_over(word), over, current)
        b.position_at_end(current)
        index = self._count(word)
        b.cbranch(b.icmp_unsigned("<", index, count), take, none)
        b.position_at_end(take)
        taken = b.add(self.tag, b.add(index, I64(1)))
        pair = b.cmpxchg(self._pointer(claimed, I64), word, taken, "acq_rel", "monotonic")
        b.cbranch(b.extract_value(pair, 1), run, again)
        b.position_at_end(run)
        kernel = b.inttoptr(address, ir.PointerType(_KERNEL))
        number = b.mul(b.add(first, index), multiplier)
        chunk = b.urem(b.add(number, offset), chunks)
        b.call(kernel, [arguments, self.arguments["scratch"], chunk])
        b.store(b.add(b.load(self.uncounted, typ=I64), I64(1)), self.uncounted)
        self._emit_pause(paused, again)

    def _counting(self, finished: ir.Value, after: ir.Block) -> ir.Block:
        """A block that counts what this thread has done, if anything, and goes on to `after`; the
        run cannot be over before that."""
        b = self.builder
        before = b.block
        begin, retry = self._blocks("counting", "count")
        b.position_at_end(begin)
        more = b.load(self.uncounted, typ=I64)
        b.cbranch(b.icmp_unsigned("==", more, I64(0)), after, retry)
        b.position_at_end(retry)
        word = self._load(finished, "monotonic")
        counted = b.add(self.tag, b.add(self._count(word), more))
        pair = b.cmpxchg(self._pointer(finished, I64), word, counted, "acq_rel", "monotonic")
        b.cbranch(b.extract_value(pair, 1), after, retry)
        b.position_at_end(before)
        return begin

    def _emit_wait(
        self, complete: ir.Value, finished: ir.Value, following: ir.Block, over: ir.Block
    ) -> None:
        """Until the done word is `complete`: spin, and after a while yield on every turn."""
        b = self.builder
        before = b.block
        turn, undone, spin, give_way, again = self._blocks(
            "turn", "undone", "spin", "give_way", "next_turn"
        )
        b.branch(turn)
        b.position_at_end(turn)
        spins = b.phi(I64)
        spins.add_incoming(I64(0), before)
        word = self._load(finished, "acquire")
        b.cbranch(b.icmp_unsigned("==", word, complete), following, undone)
        b.position_at_end(undone)
        b.cbranch(self._is_over(word), over, spin)
        b.position_at_end(spin)
        self._pause()
        b.cbranch(b.icmp_unsigned(">", spins, I64(SPINS)), give_way, again)
        b.position_at_end(give_way)
        b.call(b.inttoptr(self.arguments["relax"], ir.PointerType(_RELAX)), [])
        self._emit_pause(self.paused, again)
        b.position_at_end(again)
        spins.add_incoming(b.add(spins, I64(1)), again)
        b.branch(turn)

    def _is_over(self, word: ir.Value) -> ir.Value:
        """Whether a counter belongs to a later epoch."""
        return self.builder.icmp_unsigned(">", self.builder.lshr(word, I64(32)), self.epoch)

    def _count(self, word: ir.Value) -> ir.Value:
        """The count of a word of this epoch, 0 of an earlier one."""
        b = self.builder
        now = b.icmp_unsigned("==", b.lshr(word, I64(32)), self.epoch)
        return b.select(now, b.and_(word, I64(0xFFFFFFFF)), I64(0))

    def _load(self, address: ir.Value, ordering: str) -> ir.Value:
        return self.builder.load_atomic(self._pointer(address), ordering, 8, typ=I64)

    def _pointer(self, address: ir.Value, kind: ir.Type | None = None) -> ir.Value:
        return self.builder.inttoptr(address, ir.PointerType(kind))

    def _blocks(self, *names: str) -> list[ir.Block]:
        return [self.function.append_basic_block(name) for name in names]

    # The floating-point control register: a library that set flush-to-zero must not change bits.

    def _set_control(self) -> ir.Value:
        """Round to nearest, keep subnormals, trap nothing; returns what was set before."""
        b = self.builder
        if self.architecture == "x86_64":
            saved, usual = b.alloca(I32), b.alloca(I32)
            b.store(I32(0x1F80), usual)
            self._intrinsic("llvm.x86.sse.stmxcsr", _VOID, saved)
            self._intrinsic("llvm.x86.sse.ldmxcsr", _VOID, usual)
            return saved
        if self.architecture in _ARM:
            saved = self._intrinsic("llvm.aarch64.get.fpcr", I64)
            self._intrinsic("llvm.aarch64.set.fpcr", _VOID, I64(0))
            return saved
        return I64(0)

    def _restore_control(self, saved: ir.Value) -> None:
        if self.architecture == "x86_64":
            self._intrinsic("llvm.x86.sse.ldmxcsr", _VOID, saved)
        elif self.architecture in _ARM:
            self._intrinsic("llvm.aarch64.set.fpcr", _VOID, saved)

    def _pause(self) -> None:
        """Tell the processor that this is a waiting loop."""
        if self.architecture == "x86_64":
            self._intrinsic("llvm.x86.sse2.pause", _VOID)
        elif self.architecture in _ARM:
            self._intrinsic("llvm.aarch64.hint", _VOID, I32(1))

    def _intrinsic(self, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
        function = self.module.globals.get(name)
        if function is None:
            opaque = [ir.PointerType() if x.type.is_pointer else x.type for x in arguments]
            function = ir.Function(self.module, ir.FunctionType(result, opaque), name)
        return self.builder.call(function, arguments)
