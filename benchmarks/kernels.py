"""Direct kernels against the peak of a core: 3x3, padding 1, bias and ReLU, unpadded input."""

from __future__ import annotations

import numpy as np

from allconv.engine.plan import KernelStep
from allconv.engine.program import Program
from allconv.operators.base import Operator, Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose, CorrelateWeight
from allconv.operators.pointwise import Relu
from allconv.trace import Builder
from allconv.window import Window
from peak import peak
from timing import alternate

LAYERS = [  # images, channels in, size, channels out
    (16, 64, 56, 64),
    (16, 128, 28, 128),
    (16, 256, 14, 256),
    (1, 64, 56, 64),
    (1, 256, 56, 256),
]


def channels_last(draw: np.random.Generator, *shape: int) -> np.ndarray:
    """Random numbers (N, C, H, W) in channels-last memory."""
    memory = draw.standard_normal((shape[0], *shape[2:], shape[1])).astype(np.float32)
    return np.moveaxis(memory, -1, 1)


def made_ready(operator: Operator, operands: list[np.ndarray], weights: int | None) -> Program:
    """A program of one operator; its weights are bound, so that they are packed once."""
    builder = Builder()
    y = builder.apply(operator, *(builder.input(Spec.of(each)) for each in operands))
    if isinstance(operator, Correlate):
        y = builder.apply(Relu(), y)
    static = () if weights is None else (weights,)
    program = Program(builder.graph([y]), threads=1, static=static)
    if weights is not None:
        program.bind({weights: operands[weights]})
    return program


def main() -> None:
    """Print a row a layer."""
    draw = np.random.default_rng(0)
    top, top_work = peak()
    print("GFLOP/s of one core, and the share of the peak loop's, measured in turn")
    for n, c, size, o in LAYERS:
        window = Window.forward((size, size), (3, 3), padding=((1, 1), (1, 1)))
        x, y = channels_last(draw, n, c, size, size), channels_last(draw, n, o, size, size)
        w = draw.standard_normal((o, c, 3, 3)).astype(np.float32)
        b = draw.standard_normal(o).astype(np.float32)
        work = 2.0 * y.size * c * 9
        cells = []
        for operator, operands, weights in (
            (Correlate(window), [x, w, b], 1),
            (CorrelateTranspose(window), [w, y], 0),
            (CorrelateWeight(window), [x, y], None),
        ):
            program = made_ready(operator, operands, weights)
            rest = [each for number, each in enumerate(operands) if number != weights]
            out = [program(*rest)[0]]
            kernels = [s for s in program.steps() if isinstance(s, KernelStep)]
            assert len(kernels) == len(program.steps())  # noqa: S101 (nothing runs by definition)
            mine, best = alternate([lambda p=program, r=rest, o=out: p(*r, out=o), top], 1.0)
            speed, limit = work / mine.median / 1e9, top_work / best.median / 1e9
            cells.append(f"{speed:6.1f} ({speed / limit:.0%} of {limit:.0f})")
        names = ("forward", "input gradient", "weight gradient")
        row = "  ".join(f"{name} {cell}" for name, cell in zip(names, cells, strict=True))
        print(f"{n:>2} x {c:>3} x {size:>2} x {size:>2}, {o:>3}:  {row}", flush=True)


if __name__ == "__main__":
    main()
