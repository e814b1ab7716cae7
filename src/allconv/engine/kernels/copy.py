"""Copies between any two strided places of the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from allconv.engine.arguments import Arguments, T, several
from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import Index
from allconv.engine.emit.view import View
from allconv.engine.kernel import Kernel
from allconv.engine.kernels.transpose import Axis, add_transpose
from allconv.engine.place import Place, collapse
from allconv.engine.plan import Planner
from allconv.engine.step import Argument

AXES = 7
SPLIT = 8192  # elements of one chunk where a copy is one run


@dataclass(frozen=True, kw_only=True)
class CopyArguments(Arguments[T]):
    """Sizes of the axes, the innermost last, and the strides of both sides."""

    source: T
    out: T
    n: tuple[T, ...] = several(AXES)
    source_axis: tuple[T, ...] = several(AXES)
    out_axis: tuple[T, ...] = several(AXES)
    block: T
    zeros: T


@dataclass(frozen=True)
class Copy(Kernel):
    """out[i0, ..., i6] = source[i0, ..., i6]; a chunk is `block` steps along axis 0.

    After each run of the innermost axis come `zeros` zeros. One kernel an element size: whether the
    innermost axis is contiguous is looked up as it runs.
    """

    takes: ClassVar = CopyArguments

    def emit(self, code: Code) -> None:
        """Write the body."""
        a = code.arguments(CopyArguments)
        with code.units(a.block, a.n[0]) as i:
            source = code.add(a.source, code.mul(i, a.source_axis[0]))
            out = code.add(a.out, code.mul(i, a.out_axis[0]))
            self._loops(code, 1, source, out)

    def _loops(self, code: Code, axis: int, source: Index, out: Index) -> None:
        if axis == AXES - 1:
            self._run(code, source, out)
            return
        a = code.arguments(CopyArguments)
        with code.loop(a.n[axis]) as i:
            inner_source = code.add(source, code.mul(i, a.source_axis[axis]))
            inner_out = code.add(out, code.mul(i, a.out_axis[axis]))
            self._loops(code, axis + 1, inner_source, inner_out)

    def _run(self, code: Code, source: Index, out: Index) -> None:
        """The innermost axis: vectors where both sides are contiguous, else element by element."""
        a = code.arguments(CopyArguments)
        n, step, out_step = a.n[-1], a.source_axis[-1], a.out_axis[-1]
        contiguous = code.both(
            code.compare("==", step, code.size), code.compare("==", out_step, code.size)
        )
        with code.either(contiguous) as (then, otherwise):
            with then, code.loop(n, step=code.lanes) as i:
                mask = code.mask(code.sub(n, i))
                x = View(code, code.add(source, code.mul(i, code.size))).vector(0, mask)
                View(code, code.add(out, code.mul(i, code.size))).store(x, 0, mask)
            with otherwise, code.loop(n) as i:
                x = View(code, code.add(source, code.mul(i, step))).scalar()
                View(code, code.add(out, code.mul(i, out_step))).store_scalar(x)
        with code.loop(a.zeros, step=code.lanes) as i:
            beyond = code.add(out, code.mul(code.add(n, i), code.size))
            View(code, beyond).store(code.const(0.0), 0, code.mask(code.sub(a.zeros, i)))


def add_copy(planner: Planner, source: Place, out: Place) -> None:
    """Add the step that copies one place to another of the same shape (strides of 0 repeat)."""
    if source.spec.size == 0:
        return
    axes = collapse(out.shape, (out.strides, source.strides))
    if add_transpose(planner, source, out, [(n, (to, step)) for n, (to, step) in axes]):
        return
    if len(axes) > 1 or axes[0][0] < 2 * SPLIT:
        if len(axes) > 1 and axes[-1][1][1] != source.item and axes[-2][0] > axes[-1][0]:
            axes[-2:] = reversed(axes[-2:])  # the longer of the two loops is the inner one
        _add_steps(planner, source, out, [(n, (to, step)) for n, (to, step) in axes])
        return
    n, (to, step) = axes[0]  # one run: whole chunks, and what is left
    whole = n // SPLIT
    add_runs(planner, source, out, [(whole, (SPLIT * to, SPLIT * step)), (SPLIT, (to, step))])
    if n % SPLIT:
        rest, there = (
            place.viewed(place.shape, place.strides, whole * SPLIT * move)
            for place, move in ((source, step), (out, to))
        )
        add_runs(planner, rest, there, [(n % SPLIT, (to, step))])


def _add_steps(planner: Planner, source: Place, out: Place, axes: list[Axis]) -> None:
    """One step, or one for each index of the outer axes that the kernel has no loop for."""
    if len(axes) <= AXES:
        add_runs(planner, source, out, axes)
        return
    (n, (to, step)), inner = axes[0], axes[1:]
    for i in range(n):
        here = source.viewed(source.shape, source.strides, i * step)
        _add_steps(planner, here, out.viewed(out.shape, out.strides, i * to), inner)


def add_runs(
    planner: Planner, source: Place, out: Place, axes: list[Axis], *, zeros: int = 0, what: str = ""
) -> None:
    """Add the step that copies over these axes, the innermost last, with zeros after each run."""
    if len(axes) > AXES:
        raise ValueError(f"a copy over {len(axes)} axes")
    outer, inner = axes[:-1] or [(1, (0, 0))], axes[-1]
    filled = [outer[0], *[(1, (0, 0))] * (AXES - 1 - len(outer)), *outer[1:], inner]
    first = filled[0][0]
    block = max(1, min(first, SPLIT * first // prod(n for n, _ in filled)))
    arguments = CopyArguments[Argument](
        source=source,
        out=out,
        n=tuple(n for n, _ in filled),
        source_axis=tuple(step for _, (_, step) in filled),
        out_axis=tuple(to for _, (to, _) in filled),
        block=block,
        zeros=zeros,
    )
    kernel = Copy(planner.target, {4: "float32", 8: "float64"}[source.item])
    counts, strides = [n for n, _ in axes], list(zip(*(steps for _, steps in axes), strict=True))
    read = source.viewed(tuple(counts), strides[1])
    written = out.viewed((*counts[:-1], counts[-1] + zeros), strides[0])
    chunks = -(-first // block)
    planner.step(kernel, arguments, reads=[read], writes=[written], chunks=chunks, what=what)
