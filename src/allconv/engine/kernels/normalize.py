"""Batch normalisation: sums over channels-last rows, coefficients a channel, one map.

x (N, C, *S) is a matrix of N*prod(S) rows and C columns. Few channels would fill few lanes, so
where it helps several rows count as one: a matrix of rows/fold x fold*C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allconv.engine.arguments import joined
from allconv.engine.expression import Expression
from allconv.engine.kernels.arrange import fill
from allconv.engine.kernels.copy import add_copy
from allconv.engine.kernels.map import DEFERRED, add_map, broadcast
from allconv.engine.kernels.moments import (
    GradientJoin,
    GradientJoinArguments,
    GradientSums,
    GradientSumsArguments,
    JoinArguments,
    MatrixArguments,
    Moments,
    MomentsArguments,
    MomentsJoin,
    MomentsJoinArguments,
    rows_side_by_side,
)
from allconv.engine.kernels.pointwise import compute, expressed, followers, gathered
from allconv.engine.place import Place
from allconv.engine.plan import Lowering, Planner
from allconv.engine.step import Argument
from allconv.graph import Node
from allconv.operators.base import Operator
from allconv.operators.normalize import BatchNorm, BatchNormGradient, Normalize
from allconv.operators.pointwise import Add, Divide, Multiply, Sqrt, Subtract

SPLIT = 32768  # elements of one block of rows: it stays in the cache between two passes
CHAIN = 256  # additions one after the other
FOLDS = (1, 2, 4, 8, 16)

# (x, mean, scale, shift): (x - mean)*scale + shift
NORMAL = Expression(4, ((Subtract(), (0, 1)), (Multiply(), (4, 2)), (Add(), (5, 3))), (6,))
# (variance, eps, gamma): gamma / sqrt(variance + eps)
SCALE = Expression(3, ((Add(), (0, 1)), (Sqrt(), (3,)), (Divide(), (2, 4))), (5,))
# (gy, x, mean, a, b, c): a * (gy - b - (x - mean)*c)
CENTRED = Expression(
    6,
    (
        (Subtract(), (0, 4)),
        (Subtract(), (1, 2)),
        (Multiply(), (7, 5)),
        (Subtract(), (6, 8)),
        (Multiply(), (3, 9)),
    ),
    (10,),
)


@dataclass(frozen=True)
class _Matrix:
    """How the rows of a channels-last array are folded and cut into blocks."""

    channels: int
    fold: int
    rows: int  # folded
    block: int  # rows that are added up at once
    vectors: int  # side by side
    joins: int  # vectors of channels

    @classmethod
    def of(cls, planner: Planner, x: Place) -> _Matrix:
        """The folding that fills the lanes, decided by shape and target."""
        lanes = planner.target.lanes(x.spec.dtype)
        channels = x.shape[1]
        rows = x.spec.size // channels

        def unfit(fold: int) -> tuple[float, bool, int]:
            columns = fold * channels
            return -columns / (-(-columns // lanes) * lanes), columns < 4 * lanes, fold

        fold = min((fold for fold in FOLDS if rows % fold == 0), key=unfit)
        wide = fold * channels // lanes
        vectors = max(v for v in (1, 2, 4) if v <= max(wide, 1))
        rows //= fold
        most = CHAIN * rows_side_by_side(planner.target, vectors)
        block = min(rows, most, max(1, SPLIT // (fold * channels)))
        return cls(channels, fold, rows, block, vectors, -(-channels // lanes))

    @property
    def columns(self) -> int:
        """Columns of the folded matrix."""
        return self.fold * self.channels

    @property
    def blocks(self) -> int:
        """Blocks of rows."""
        return -(-self.rows // self.block)

    def folded(self, x: Place) -> Place:
        """A channels-last array, or one with a number for each column, as a matrix."""
        rows = x.spec.size // self.columns
        return x.viewed((rows, self.columns), (self.columns * x.item, x.item))

    def over_channels(self, vector: Place, rank: int) -> Place:
        """A number for each channel, to meet an array of `rank` axes."""
        ones = (1,) * (rank - 2)
        return vector.viewed((1, self.channels, *ones), (0, vector.item, *(0 for _ in ones)))

    def row(self, planner: Planner, dtype: str) -> Place:
        """Memory for a number for each column."""
        return planner.temporary((self.fold, self.channels), dtype)

    def repeated(self, planner: Planner, vector: Place) -> Place:
        """A vector (C,) with a number for each column."""
        if self.fold == 1:
            return vector
        row = self.row(planner, vector.spec.dtype)
        add_copy(planner, broadcast(vector, row.shape), row)
        return row

    def arguments(self, x: Place) -> MatrixArguments[Argument]:
        """What a kernel is given of an array x."""
        return MatrixArguments[Argument](
            rows=self.rows, block=self.block, columns=self.columns, x=x
        )

    def join(
        self, planner: Planner, sums: Sequence[Place], eps: float, gamma: Place
    ) -> JoinArguments[Argument]:
        """What every join of sums is given."""
        return JoinArguments[Argument](
            rows=self.rows,
            block=self.block,
            blocks=self.blocks,
            channels=self.channels,
            fold=self.fold,
            sums=tuple(sums),
            eps=planner.constant(np.array(eps, np.float64)),
            gamma=gamma,
        )


def lower_batch_norm(planner: Planner, node: Node) -> bool:
    """Statistics, then one map with the pointwise operators that follow."""
    operator = node.of(BatchNorm)
    x = planner.read(node.inputs[0], "last")
    matrix = _Matrix.of(planner, x)
    sums = [planner.temporary((matrix.blocks, matrix.columns), "float64") for _ in range(2)]
    planner.step(
        Moments(planner.target, x.spec.dtype, matrix.vectors),
        MomentsArguments[Argument](**joined(matrix.arguments(x)), means=sums[0], squares=sums[1]),
        writes=sums, chunks=matrix.blocks, what="moments",
    )  # fmt: skip

    gamma, beta = (planner.read(value, "rows") for value in node.inputs[1:])
    mean, variance = (planner.result(value) for value in node.outputs[1:])
    centre, scale, shift = (matrix.row(planner, x.spec.dtype) for _ in range(3))
    arguments = MomentsJoinArguments[Argument](
        **joined(matrix.join(planner, sums, operator.eps, gamma)),
        beta=beta,
        mean=mean,
        variance=variance,
        centre=centre,
        scale=scale,
        shift=shift,
    )
    planner.step(
        MomentsJoin(planner.target, x.spec.dtype), arguments,
        writes=[mean, variance, centre, scale, shift], chunks=matrix.joins, what="join moments",
    )  # fmt: skip
    _apply(planner, matrix, NORMAL, [x], [centre, scale, shift], node)
    return True


def lower_normalize(planner: Planner, node: Node) -> bool:
    """The factor of each channel, then one map with the pointwise operators that follow."""
    operator = node.of(Normalize)
    x = planner.read(node.inputs[0])
    mean, variance, gamma, beta = (planner.read(value, "rows") for value in node.inputs[1:])
    if x.spec.size == 0:
        planner.result(node.outputs[0])
        return True
    matrix = _Matrix.of(planner, x)
    eps = planner.constant(np.array(operator.eps, x.spec.dtype))
    scale = matrix.row(planner, x.spec.dtype)
    add_map(planner, SCALE, [variance, eps, gamma], [scale])
    vectors = [matrix.repeated(planner, mean), scale, matrix.repeated(planner, beta)]
    _apply(planner, matrix, NORMAL, [x], vectors, node)
    return True


def lower_gradient(planner: Planner, node: Node) -> bool:
    """Two sums a channel in one pass, then one map; both compute a gy that was deferred."""
    operator = node.of(BatchNormGradient)
    if node.inputs[0].spec.size == 0:
        for value in node.outputs:
            fill(planner, planner.result(value, "rows"), 0.0)
        return True
    x = planner.read(node.inputs[0], "last")
    matrix = _Matrix.of(planner, x)
    gamma, mean, variance = (planner.read(value, "rows") for value in node.inputs[1:4])
    expression, operands = _gradient(planner, node)
    mean = matrix.repeated(planner, mean)

    sums = [planner.temporary((matrix.blocks, matrix.columns), "float64") for _ in range(2)]
    kinds = "".join("v" if place.shape == x.shape else "s" for place in operands)
    kernel = GradientSums(planner.target, x.spec.dtype, matrix.vectors, expression, kinds)
    of_sums = GradientSumsArguments[Argument](
        **joined(matrix.arguments(x)),
        mean=mean,
        g=(*operands, *[0] * (DEFERRED - len(operands))),
        plain=sums[0],
        products=sums[1],
    )
    planner.step(kernel, of_sums, writes=sums, chunks=matrix.blocks, what="sums of gradients")

    ggamma, gbeta = (planner.result(value) for value in node.outputs[1:])
    a, b, c = (matrix.row(planner, x.spec.dtype) for _ in range(3))
    arguments = GradientJoinArguments[Argument](
        **joined(matrix.join(planner, sums, operator.eps, gamma)),
        variance=variance,
        ggamma=ggamma,
        gbeta=gbeta,
        coefficients=(a, b, c),
    )
    planner.step(
        GradientJoin(planner.target, x.spec.dtype), arguments,
        writes=[ggamma, gbeta, a, b, c], chunks=matrix.joins, what="join sums",
    )  # fmt: skip
    _apply(planner, matrix, CENTRED.after(expression), [*operands, x], [mean, a, b, c], node)
    return True


def _gradient(planner: Planner, node: Node) -> tuple[Expression, list[Place]]:
    """gy as an expression of channels-last arrays of its shape, and of numbers."""
    gy = node.inputs[-1]
    producer = planner.producer(gy)
    if gy not in planner.places and producer is not None:
        expression, values = gathered(planner, producer)
        if all(value.shape == gy.shape or value.size == 1 for value in values):
            return expression, [
                planner.read(value, "last" if value.shape == gy.shape else None) for value in values
            ]
        compute(planner, producer)
    return Expression(1, (), (0,)), [planner.read(gy, "last")]


def _apply(
    planner: Planner,
    matrix: _Matrix,
    expression: Expression,
    full: Sequence[Place],
    vectors: Sequence[Place],
    node: Node,
) -> None:
    """Add the map of an expression of arrays, then vectors, and of the operators that follow.

    It runs on the folded matrix if everything lies channels last.
    """
    shape = node.outputs[0].shape
    chain = followers(planner, node.outputs[0])
    made = [node.outputs[0], *(each.outputs[0] for each in chain)]
    others = [v for v in dict.fromkeys(v for each in chain for v in each.inputs) if v not in made]
    more = [planner.read(value) for value in others]
    if chain:
        expression = expressed([made[0], *others], chain).after(expression)
        planner.absorbed.update(chain)
    arrays = [*full, *more]
    is_matrix = all(
        (each.shape == shape and each.has("last")) or each.spec.size == 1 for each in arrays
    )
    last = any(each.shape == shape and each.is_last for each in arrays)
    out = planner.result(made[-1], "last" if last else "rows")
    if is_matrix:
        as_matrix = [matrix.folded(x) if x.shape == shape else x.viewed((), ()) for x in arrays]
        rows = [matrix.folded(vector) for vector in vectors]
        out = matrix.folded(out)
    else:
        as_matrix = arrays
        rows = [matrix.over_channels(vector, len(shape)) for vector in vectors]
    n = len(full)
    add_map(planner, expression, [*as_matrix[:n], *rows, *as_matrix[n:]], [out])


LOWERINGS: dict[type[Operator], Lowering] = {
    BatchNorm: lower_batch_norm,
    Normalize: lower_normalize,
    BatchNormGradient: lower_gradient,
}
