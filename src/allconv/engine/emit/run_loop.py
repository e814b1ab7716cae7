"""The machine code of the runner: claim chunks, call kernels, wait for a step to be done."""

from __future__ import annotations

from llvmlite import ir

from allconv.engine.emit.integer import I64
from allconv.engine.emit.native import LINE_BYTES, NativeCode

ROW_BYTES = LINE_BYTES  # of a step in the table
COLUMNS = ("address", "args", "chunks", "multiplier", "offset")  # of a row: see `runner.Column`
HALVES = 2  # of the chunks of a step, each with a claim word
COUNTERS = HALVES + 1  # of a step
SPINS = 2000  # turns of a waiting loop before the processor is offered to other threads

PARAMETERS = ("block", "counters", "epoch", "scratch")
BLOCK = ("table", "first", "count", "leader", "half", "nanoseconds", "give_way", "clock")
"""What `block` is the address of, int64 each: the same in every run of a job. `half` is the half of
the chunks that a thread begins with, of every step."""
_KERNEL = ir.FunctionType(ir.VoidType(), [I64] * 3)


class RunnerCode(NativeCode):
    """The function `int64 name(int64 ...)` of PARAMETERS being written.

    Counters are an opening word, then for each step a claim word for each half of its chunks and a
    done word. Each is epoch << 32 | n; a word of an earlier epoch counts as n = 0, one of a later
    epoch means that this run is over. A thread claims chunks of its own half of every step, so that
    much of what it reads lies in its own caches, where the step before has left it; then it claims
    what is left of the other half. What it has done it counts when it finds nothing to claim: a
    word that two processors write in turn takes each of them longer than a small chunk.

    Each argument takes Python a while to pass, so those that are the same in every run of a job are
    read from one block. The function returns 1 when all its steps are done, 0 when it found the run
    over, and 2 when it has run for so many nanoseconds (0: no limit), between two chunks or while
    it waits for those of other threads. Called again it goes on.
    """

    def __init__(self, name: str, architecture: str, clock: str) -> None:
        super().__init__(name, architecture, PARAMETERS)
        self.clock = clock
        self.arguments |= self.read(BLOCK, self.arguments["block"])
        self.epoch = self.arguments["epoch"]
        self.tag = self.builder.shl(self.epoch, I64(32))

    def emit(self) -> str:
        """Write the function and return its IR."""
        b = self.builder
        control = self.set_control()
        self.clock_memory = self.timespec()
        self.uncounted = b.alloca(I64)  # chunks of a step that this thread has done
        steps, done, over, self.paused = self.blocks("steps", "done", "over", "paused")
        self.timed = b.icmp_signed("!=", self.arguments["nanoseconds"], I64(0))
        self.deadline = self._emit_deadline()
        self._emit_opening(steps, over)
        b.position_at_end(steps)
        first = self.arguments["first"]
        self._emit_steps(first, b.add(first, self.arguments["count"]), done, over)
        for block, result in ((done, 1), (over, 0), (self.paused, 2)):
            b.position_at_end(block)
            self.restore_control(control)
            b.ret(I64(result))
        return str(self.module)

    def _emit_deadline(self) -> ir.Value:
        """When to pause, where there is a limit."""
        b = self.builder
        before = b.block
        timed, begin = self.blocks("timed", "begin")
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
        (look,) = self.blocks("look")
        b.cbranch(self.timed, look, otherwise)
        b.position_at_end(look)
        late = b.icmp_signed(">", self._now(), self.deadline)
        b.cbranch(late, pause, otherwise)

    def _now(self) -> ir.Value:
        """Nanoseconds of the system's clock."""
        return self.now(self.clock, self.arguments["clock"], self.clock_memory)

    def _emit_opening(self, steps: ir.Block, over: ir.Block) -> None:
        """The leader opens the run; others enter an open run, and wait a little for it to open."""
        b, opening = self.builder, self.arguments["counters"]
        lead, follow, early, wait = self.blocks("lead", "follow", "early", "wait")
        before = b.block
        b.cbranch(b.icmp_signed("!=", self.arguments["leader"], I64(0)), lead, follow)
        b.position_at_end(lead)
        self.store(self.epoch, opening, "release")
        b.branch(steps)
        b.position_at_end(follow)
        spins = b.phi(I64)
        spins.add_incoming(I64(0), before)
        opened = self.load(opening, "acquire")
        b.cbranch(b.icmp_unsigned("==", opened, self.epoch), steps, early)
        b.position_at_end(early)
        late = b.icmp_unsigned(">", opened, self.epoch)
        tired = b.icmp_unsigned(">", spins, I64(SPINS))
        b.cbranch(b.or_(late, tired), over, wait)
        b.position_at_end(wait)
        self.spin_hint()
        spins.add_incoming(b.add(spins, I64(1)), wait)
        b.branch(follow)

    def _emit_steps(self, first: ir.Value, end: ir.Value, done: ir.Block, over: ir.Block) -> None:
        """for each step: claim and run chunks until none is left, then wait until all are done."""
        b = self.builder
        before = b.block
        head, body, claim, wait, following = self.blocks(
            "head", "step", "claim", "wait", "following"
        )
        b.branch(head)
        b.position_at_end(head)
        step = b.phi(I64)
        step.add_incoming(first, before)
        b.cbranch(b.icmp_signed("<", step, end), body, done)
        b.position_at_end(body)
        row = b.add(self.arguments["table"], b.mul(step, I64(ROW_BYTES)))
        fields = list(self.read(COLUMNS, row).values())
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
        """Run chunks of one half, then of the other. `ends` are where to go on when none is left,
        when the run is over, and when it pauses."""
        b = self.builder
        none, over, paused = ends
        chunks = fields[2]
        middle = b.lshr(b.add(chunks, I64(1)), I64(1))
        b.store(I64(0), self.uncounted)
        before = b.block
        half_, left, other = self.blocks("half", "left", "other")
        b.branch(half_)
        b.position_at_end(half_)
        half, tried = b.phi(I64), b.phi(I64)
        half.add_incoming(self.arguments["half"], before)
        tried.add_incoming(I64(1), before)
        second = b.icmp_unsigned("!=", half, I64(0))
        first = b.select(second, middle, I64(0))
        count = b.select(second, b.sub(chunks, middle), middle)
        word = b.add(claimed, b.mul(half, I64(LINE_BYTES)))
        self._emit_half(fields, word, (first, count), (left, over, paused))
        b.position_at_end(left)
        b.cbranch(b.icmp_unsigned("<", tried, I64(HALVES)), other, none)
        b.position_at_end(other)
        half.add_incoming(b.sub(I64(1), half), other)
        tried.add_incoming(b.add(tried, I64(1)), other)
        b.branch(half_)

    def _emit_half(
        self,
        fields: list[ir.Value],
        claimed: ir.Value,
        part: tuple[ir.Value, ir.Value],
        ends: tuple[ir.Block, ir.Block, ir.Block],
    ) -> None:
        """while a chunk of this part (the first, how many) is left: take its number and run it."""
        b = self.builder
        address, arguments, chunks, multiplier, offset = fields
        first, count = part
        none, over, paused = ends
        again, current, take, run = self.blocks("again", "current", "take", "run")
        b.branch(again)
        b.position_at_end(again)
        word = self.load(claimed, "monotonic")
        b.cbranch(self._is_over(word), over, current)
        b.position_at_end(current)
        index = self._count(word)
        b.cbranch(b.icmp_unsigned("<", index, count), take, none)
        b.position_at_end(take)
        taken = b.add(self.tag, b.add(index, I64(1)))
        b.cbranch(self.exchange(claimed, word, taken), run, again)
        b.position_at_end(run)
        kernel = self.pointer(address, _KERNEL)
        number = b.mul(b.add(first, index), multiplier)
        chunk = b.urem(b.add(number, offset), chunks)
        b.call(kernel, [arguments, self.arguments["scratch"], chunk])
        b.store(b.add(b.load(self.uncounted, typ=I64), I64(1)), self.uncounted)
        self._emit_pause(paused, again)

    def _counting(self, finished: ir.Value, after: ir.Block) -> ir.Block:
        """A block that counts the chunks that this thread has done, if any, and goes on to `after`.

        Until they are counted the run cannot be over.
        """
        b = self.builder
        before = b.block
        begin, retry = self.blocks("counting", "count")
        b.position_at_end(begin)
        more = b.load(self.uncounted, typ=I64)
        b.cbranch(b.icmp_unsigned("==", more, I64(0)), after, retry)
        b.position_at_end(retry)
        word = self.load(finished, "monotonic")
        counted = b.add(self.tag, b.add(self._count(word), more))
        b.cbranch(self.exchange(finished, word, counted), after, retry)
        b.position_at_end(before)
        return begin

    def _emit_wait(
        self, complete: ir.Value, finished: ir.Value, following: ir.Block, over: ir.Block
    ) -> None:
        """Until the done word is `complete`: spin, and after a while give way on every turn."""
        b = self.builder
        before = b.block
        turn, undone, spin, give_way, again = self.blocks(
            "turn", "undone", "spin", "give_way", "next_turn"
        )
        b.branch(turn)
        b.position_at_end(turn)
        spins = b.phi(I64)
        spins.add_incoming(I64(0), before)
        word = self.load(finished, "acquire")
        b.cbranch(b.icmp_unsigned("==", word, complete), following, undone)
        b.position_at_end(undone)
        b.cbranch(self._is_over(word), over, spin)
        b.position_at_end(spin)
        self.spin_hint()
        b.cbranch(b.icmp_unsigned(">", spins, I64(SPINS)), give_way, again)
        b.position_at_end(give_way)
        self.give_way(self.arguments["give_way"])
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
