"""The machine code that breaks a run off: no chunk is claimed any more, and none is being run."""

from __future__ import annotations

from llvmlite import ir

from allconv.engine.emit.integer import I64
from allconv.engine.emit.native import LINE_BYTES, NativeCode
from allconv.engine.emit.run_loop import COLUMNS, COUNTERS, HALVES, ROW_BYTES

PARAMETERS = ("table", "first", "count", "epoch", "counters", "give_way")


class StopperCode(NativeCode):
    """The function `int64 name(int64 ...)` of PARAMETERS being written; see `RunnerCode`.

    Step by step the words are set to the next epoch, which no run uses: a thread that looks at them
    finds its run over. Claim words tell, when they are exchanged, how many chunks were claimed; the
    done word is set when so many are done. Where some were not claimed, no thread is beyond that
    step.
    """

    def __init__(self, name: str, architecture: str) -> None:
        super().__init__(name, architecture, PARAMETERS)

    def emit(self) -> str:
        """Write the function and return its IR."""
        b, arguments = self.builder, self.arguments
        epoch, first = arguments["epoch"], arguments["first"]
        later = b.add(epoch, I64(1))
        tag = b.shl(later, I64(32))
        self.store(later, arguments["counters"], "release")
        end = b.add(first, arguments["count"])
        before = b.block
        head, step_, claimed_, wait, idle, counted, following, out = self.blocks(
            "head", "step", "claimed", "wait", "idle", "counted", "following", "out"
        )
        b.branch(head)
        b.position_at_end(head)
        step = b.phi(I64)
        step.add_incoming(first, before)
        b.cbranch(b.icmp_signed("<", step, end), step_, out)

        b.position_at_end(step_)
        row = b.add(arguments["table"], b.mul(step, I64(ROW_BYTES)))
        chunks = self.read(COLUMNS, row)["chunks"]
        line = b.add(b.mul(step, I64(COUNTERS * LINE_BYTES)), I64(LINE_BYTES))
        claim = b.add(arguments["counters"], line)
        finished = b.add(claim, I64(HALVES * LINE_BYTES))
        b.cbranch(b.icmp_unsigned("==", chunks, I64(0)), following, claimed_)

        b.position_at_end(claimed_)
        claims: ir.Value = I64(0)
        for half in range(HALVES):
            claimed = self.change("xchg", b.add(claim, I64(half * LINE_BYTES)), tag)
            claims = b.add(claims, self._count(claimed, epoch))
        b.branch(wait)

        b.position_at_end(wait)
        done = self.load(finished, "acquire")
        b.cbranch(b.icmp_unsigned(">=", self._count(done, epoch), claims), counted, idle)
        b.position_at_end(idle)
        self.give_way(arguments["give_way"])
        b.branch(wait)

        b.position_at_end(counted)
        self.store(tag, finished, "release")
        b.cbranch(b.icmp_unsigned("<", claims, chunks), out, following)

        b.position_at_end(following)
        step.add_incoming(b.add(step, I64(1)), following)
        b.branch(head)
        b.position_at_end(out)
        b.ret(I64(0))
        return str(self.module)

    def _count(self, word: ir.Value, epoch: ir.Value) -> ir.Value:
        """The count of a word of this epoch, 0 of another one."""
        b = self.builder
        now = b.icmp_unsigned("==", b.lshr(word, I64(32)), epoch)
        return b.select(now, b.and_(word, I64(0xFFFFFFFF)), I64(0))
