"""The machine code of the mailbox: a leader offers a run, helpers that wait for one enter it."""

from __future__ import annotations

from llvmlite import ir

from allconv.engine.emit import run_loop
from allconv.engine.emit.integer import I64
from allconv.engine.emit.native import NativeCode

STATE, MESSAGE, FIXED = 0, 1, 8
"""Where the state, the message and what never changes begin in a mailbox, in words: it is two cache
lines, of which runs write the first."""
WORDS = 16
BITS = 16  # of each of the two counts in the state: helpers inside, places
INSIDE = (1 << BITS) - 1
PLACES = INSIDE << BITS
_FOLLOWING = 1 << 2 * BITS  # added to the state: the number of the next run

_MESSAGE = ("places", "size", "block", "counters", "epoch")
_FIXED = ("run", "clock", "give_way")
LEAD = ("mailbox", *_MESSAGE, "scratch")
SERVE = ("mailbox", "scratch", "size", "nanoseconds")
TURNS = 256  # of the waiting loop, after which the processor is offered to other threads

_RUN = ir.FunctionType(I64, [I64] * len(run_loop.PARAMETERS))
_BLOCK_BYTES = 8 * len(run_loop.BLOCK)


class LeadCode(NativeCode):
    """The function `int64 name(int64 ...)` of LEAD being written: run, and let helpers enter.

    The state of a mailbox is one word: how many helpers are inside of runs, how many more may enter
    this one (its free places), and the number of the run, which returns after 2**32 runs. The
    leader writes the message, offers the places, runs, and takes back the places that are still
    free: after that single operation no helper enters. It waits for none of them. The result is
    that of the run. `block` is the first of several, one for the leader and then one for each half.
    """

    def __init__(self, name: str, architecture: str) -> None:
        super().__init__(name, architecture, LEAD)

    def emit(self) -> str:
        """Write the function and return its IR."""
        b, given = self.builder, self.arguments
        state = given["mailbox"]
        for number, field in enumerate(_MESSAGE, MESSAGE):
            self.store(given[field], self.word(state, number), "monotonic")
        offered = b.shl(given["places"], I64(BITS))
        self.change("add", state, b.add(offered, I64(_FOLLOWING)))
        fixed = self.read(_FIXED, self.word(state, FIXED))
        run = self.pointer(fixed["run"], _RUN)
        result = b.call(run, [given[name] for name in run_loop.PARAMETERS])
        self.change("and", state, I64(~PLACES))
        b.ret(result)
        return str(self.module)


class ServeCode(NativeCode):
    """The function `int64 name(int64 ...)` of SERVE being written: enter runs as they come.

    A helper that sees a free place reads the message, and enters by exchanging the state, which
    fails if the state has changed since. So the message that it read is whole, and what that names
    is kept until no helper is inside (see `engine.mailbox`). It enters a run once. Every `TURNS`
    turns it offers its processor to other threads: the leader may have no other. The function
    returns 0 when no run came for so many nanoseconds; or, if a run needs more scratch memory than
    the `size` bytes given, how much it needs.
    """

    def __init__(self, name: str, architecture: str, clock: str) -> None:
        super().__init__(name, architecture, SERVE)
        self.clock = clock

    def emit(self) -> str:
        """Write the function and return its IR."""
        b, state = self.builder, self.arguments["mailbox"]
        self.fixed = self.read(_FIXED, self.word(state, FIXED))
        timespec = self.timespec()
        before = b.block
        rest, look, idle, clock, place, leave = self.blocks(
            "rest", "look", "idle", "clock", "place", "leave"
        )
        b.branch(rest)
        b.position_at_end(rest)
        served = b.phi(I64)
        now = self.now(self.clock, self.fixed["clock"], timespec)
        deadline = b.add(now, self.arguments["nanoseconds"])
        b.branch(look)
        b.position_at_end(look)
        turns = b.phi(I64)
        turns.add_incoming(I64(1), rest)
        word = self.load(state, "acquire")
        number = b.lshr(word, I64(2 * BITS))
        full = b.icmp_unsigned("==", b.and_(word, I64(PLACES)), I64(0))
        b.cbranch(b.or_(full, b.icmp_unsigned("==", number, served)), idle, place)
        b.position_at_end(idle)
        self.spin_hint()
        following = b.add(turns, I64(1))
        soon = b.icmp_unsigned("!=", b.urem(turns, I64(TURNS)), I64(0))
        b.cbranch(soon, look, clock)
        b.position_at_end(clock)
        self.give_way(self.fixed["give_way"])
        late = b.icmp_signed(">", self.now(self.clock, self.fixed["clock"], timespec), deadline)
        b.cbranch(late, leave, look)
        b.position_at_end(place)
        failed, need, small, left = self._emit_entering(word)
        served.add_incoming(I64(-1), before)
        served.add_incoming(number, left)
        turns.add_incoming(following, idle)
        turns.add_incoming(following, clock)
        turns.add_incoming(turns, failed)
        b.position_at_end(left)
        b.branch(rest)
        b.position_at_end(failed)
        b.branch(look)
        b.position_at_end(small)
        b.branch(leave)
        b.position_at_end(leave)
        result = b.phi(I64)
        result.add_incoming(I64(0), clock)
        result.add_incoming(need, small)
        b.ret(result)
        return str(self.module)

    def _emit_entering(self, word: ir.Value) -> tuple[ir.Block, ir.Value, ir.Block, ir.Block]:
        """Enter the run that the state offers, help, and leave it.

        Returned are the block where the place was gone, how much memory is needed, the block where
        it is more than there is, and the block after the run.
        """
        b, state = self.builder, self.arguments["mailbox"]
        gone, small, enough, inside, left = self.blocks("gone", "small", "enough", "inside", "left")
        message = {
            name: self.load(self.word(state, number), "monotonic")
            for number, name in enumerate(_MESSAGE, MESSAGE)
        }
        need = message["size"]
        b.cbranch(b.icmp_unsigned(">", need, self.arguments["size"]), small, enough)
        b.position_at_end(enough)
        entered = b.sub(word, I64(INSIDE))  # a place less, one more inside
        b.cbranch(self.exchange(state, word, entered), inside, gone)
        b.position_at_end(inside)
        # The leader begins with half 0, the first helper with half 1, the next with 0, and so on.
        places = b.lshr(b.and_(word, I64(PLACES)), I64(BITS))
        half = b.and_(b.add(b.sub(message["places"], places), I64(1)), I64(run_loop.HALVES - 1))
        message["block"] = b.add(message["block"], b.mul(b.add(half, I64(1)), I64(_BLOCK_BYTES)))
        given = message | {"scratch": self.arguments["scratch"]}
        run = self.pointer(self.fixed["run"], _RUN)
        b.call(run, [given[name] for name in run_loop.PARAMETERS])
        self.change("sub", state, I64(1))
        b.branch(left)
        return gone, need, small, left
