"""Weight gradients at the border, summed again where they are NaN.

`weight` reads zeros where a tap lies outside of the input, and 0 times a gradient of the output
that is not finite is NaN where the definition has no term. So that no other case pays for it, this
step follows: it copies the sums, which are few, and sums those that are NaN once more, over the
cells whose tap lies inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Condition, Index
from allconv.engine.emit.tile import Tile, contract
from allconv.engine.emit.vector import constant
from allconv.engine.emit.view import Rows, View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.phases import clip_taps, phase_slots, read_phase
from allconv.engine.kernels.weight import COLUMNS

AXES = 4


@dataclass(frozen=True)
class WeightBorder(Kernel):
    """A unit: a group, a vector of output channels, an input channel and a tap.

    A chunk is `chunkunits` of the `units`; `sums` and w lie alike, with any strides.
    """

    slots: ClassVar[tuple[str, ...]] = (
        "x", "xn", "xg", "xc", "y", "yn", "yg", "sums", "w", "wg", "wo", "wc", *phase_slots(AXES),
        *(f"{name}{a}" for name in ("x", "i", "s", "d", "y", "k", "wk", "step")
          for a in range(AXES)),
        "units", "chunkunits", "n", "c", "o",
    )  # fmt: skip

    def emit(self, code: Code) -> None:
        """Write the body."""
        first = code.mul(code.chunk, code.arg("chunkunits"))
        last = code.min(code.add(first, code.arg("chunkunits")), code.arg("units"))
        with code.loop(last, start=first) as unit:
            self._unit(code, unit)

    def _unit(self, code: Code, unit: Index) -> None:
        """Look whether a weight is NaN, and sum again if one is."""
        vectors = code.ceil_div(code.arg("o"), code.lanes)
        counts: dict[str, Index] = {}
        for slot in ("k3", "k2", "k1", "k0", "c"):
            counts[slot] = code.rem(unit, code.arg(slot))
            unit = code.div(unit, code.arg(slot))
        first, group = code.mul(code.rem(unit, vectors), code.lanes), code.div(unit, vectors)
        channel = counts["c"]
        at = code.add(
            *(code.mul(counts[f"k{a}"], code.arg(f"wk{a}")) for a in range(AXES)),
            code.mul(group, code.arg("wg")),
            code.mul(channel, code.arg("wc")),
            code.mul(first, code.arg("wo")),
        )
        left = code.sub(code.arg("o"), first)
        sums, w = code.add(code.arg("sums"), at), code.add(code.arg("w"), at)
        with code.when(_copy(code, sums, w, left)):
            x = code.add(
                code.arg("x"), code.mul(group, code.arg("xg")), code.mul(channel, code.arg("xc"))
            )
            y = code.add(code.arg("y"), code.mul(group, code.arg("yg")), code.mul(first, code.size))
            taps = [counts[f"k{a}"] for a in range(AXES)]
            self._sum(code, x, y, taps, left)
            _replace(code, sums, w, left)

    def _sum(self, code: Code, x: Index, y: Index, taps: list[Index], left: Index) -> None:
        """The sums of a vector of output channels, into scratch memory."""
        loops: list[tuple[Index, Index, Index]] = [
            (code.arg("n"), code.arg("xn"), code.arg("yn")),
        ]
        for a, tap in enumerate(taps):
            step, stride, by_cell = code.arg(f"step{a}"), code.arg(f"s{a}"), code.arg(f"y{a}")
            phase = read_phase(code, COLUMNS, a, code.rem(tap, step))
            base = code.add(phase["offset"], code.mul(code.arg(f"d{a}"), code.div(tap, step)))
            low, count = clip_taps(code, base, stride, code.arg(f"i{a}"), phase["cells"])
            source = code.add(base, code.mul(stride, low))
            x = code.add(x, code.mul(source, code.arg(f"x{a}")))
            y = code.add(y, phase["y"], code.mul(low, by_cell))
            loops.append((count, code.mul(stride, code.arg(f"x{a}")), by_cell))
        mask = code.mask(left)
        tile = Tile(code, 1, 1)

        def add(a: Rows, b: View | None) -> None:
            if b is None:
                raise TypeError("an outer product needs both operands")
            product = (code.splat(a[0].scalar()), b.vector(0, mask))
            tile.registers[0] = code.fma(*product, tile.registers[0])

        contract(code, tile, loops, View(code, x).rows([0]), View(code, y), add)
        View(code, code.scratch).store(tile.registers[0])


def _copy(code: Code, sums: Index, w: Index, left: Index) -> Condition:
    """Copy the sums of the next `lanes` output channels; whether one is NaN (or inf - inf is)."""
    total = [constant(code.scalar, 0.0)]
    with code.loop(code.min(left, code.lanes), carry=total) as lane:
        at = code.mul(lane, code.arg("wo"))
        x = View(code, code.add(sums, at)).scalar()
        View(code, code.add(w, at)).store_scalar(x)
        total[0] = code.fadd(total[0], x)
    return code.is_nan(total[0])


def _replace(code: Code, sums: Index, w: Index, left: Index) -> None:
    """Write the sums in scratch memory where the others are NaN."""
    with code.loop(code.min(left, code.lanes)) as lane:
        at = code.mul(lane, code.arg("wo"))
        before = View(code, code.add(sums, at)).scalar()
        again = View(code, code.add(code.scratch, code.mul(lane, code.size))).scalar()
        after = code.builder.select(code.is_nan(before), again, before)
        View(code, code.add(w, at)).store_scalar(after)
