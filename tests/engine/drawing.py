"""Draw a random graph, with what the definition gives for every value of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allconv.errors import Error
from allconv.operators import arrange, correlate, dropout, local, loss, normalize, pool, reduce
from allconv.operators import pointwise as point
from allconv.operators.base import Spec
from allconv.trace import Builder
from allconv.window import Window

LARGEST = {"float32": 2.0**22, "float64": 2.0**45}  # integers below add up exactly in any order
MOST = 20000  # elements of a value
SUMS = (
    correlate.Correlate, correlate.CorrelateTranspose, correlate.CorrelateWeight,
    local.Local, local.LocalWeight, reduce.Sum, pool.AveragePool, pool.AveragePoolTranspose,
)  # fmt: skip


class Drawing:
    """A graph being drawn, with what the definition gives for every value of it.

    The inputs are small integers. `exact` holds the values that are integers in any order of
    summation; the others are compared within a tolerance.
    """

    def __init__(self, seed):
        self.draw = np.random.default_rng(seed)
        self.builder = Builder()
        self.dtype = self.one(["float32", "float32", "float32", "float64"])
        self.arrays = []  # of the inputs
        self.known = {}
        self.exact = set()
        self.pool = []  # the float values, the newest last

    def one(self, options):
        """One of a sequence."""
        return options[int(self.draw.integers(len(options)))]

    def chance(self, probability):
        """True so often."""
        return self.draw.random() < probability

    def new(self, shape, low=-3, high=3, *, constant=0.25):
        """An input, or a constant, of integers."""
        array = self.draw.integers(low, high + 1, shape).astype(self.dtype)
        return self.given(array, constant=self.chance(constant))

    def given(self, array, *, constant=False):
        """An array as an input or a constant."""
        if constant:
            value = self.builder.constant(array)
        else:
            value = self.builder.input(Spec.of(array))
            self.arrays.append(array)
        self.keep(value, array, exact=True)
        return value

    def keep(self, value, array, *, exact):
        """Remember what a value is."""
        if value in self.known:
            return
        self.known[value] = array
        if exact:
            self.exact.add(value)
        if value.spec.is_float:
            self.pool.append(value)

    def pick(self, fits=lambda value: True):
        """A value that fits, rather a new one; None if there is none."""
        fitting = [value for value in self.pool if fits(value)]
        if not fitting:
            return None
        return self.one(fitting[-4:] if self.chance(0.6) else fitting)

    def apply(self, operator, *values, exact=True):
        """The results of an operator; none where it does not fit or its numbers grow too large."""
        arrays = [self.known[value] for value in values]
        try:
            specs = operator.infer(*(value.spec for value in values))
        except Error:
            return ()
        if sum(spec.size for spec in specs) > MOST:
            return ()
        results = sizes = operator.define(*arrays)
        if isinstance(operator, SUMS):
            sizes = operator.define(*map(np.abs, arrays))
        floats = [each for each in (*results, *sizes) if each.dtype.kind == "f"]
        if not all((np.abs(each) < LARGEST[self.dtype]).all() for each in floats):
            return ()
        exact = exact and all(value in self.exact for value in values)
        exact = exact and all((each == np.round(each)).all() for each in results)
        outputs = self.builder.apply(operator, *values)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for value, array in zip(outputs, results, strict=True):
            self.keep(value, array, exact=exact)
        return outputs

    def window(self, size):
        """A window on an image, of any geometry; None if it does not fit."""

        def each(options):
            return [self.one(options) for _ in size]

        try:
            return Window.forward(
                size,
                [self.one([1, 2, 3, min(n, 4), min(n, 6)]) for n in size],
                stride=each([1, 1, 2, 3]),
                dilation=each([1, 1, 1, 2]),
                input_dilation=each([1, 1, 1, 1, 2]),
                padding=[(self.one([0, 0, 1, 2, -1]), self.one([0, 0, 1, 2, -1])) for _ in size],
            )
        except Error:
            return None

    def image(self):
        """An image with a window on it, or None twice."""
        x = self.pick(lambda value: 3 <= value.ndim <= 5)
        window = None if x is None else self.window(x.shape[2:])
        return (None, None) if window is None else (x, window)

    def relu(self, values, probability):
        """Perhaps an activation on the first result."""
        if values and self.chance(probability):
            self.apply(point.Relu(), values[0])


def add_correlation(g):
    """A convolution, perhaps with a bias, an activation, a batch normalisation."""
    x, window = g.image()
    if x is None:
        return
    c = x.shape[1]
    groups = g.one([1, 1, 1, *(d for d in range(1, c + 1) if c % d == 0)])
    o = groups * g.one([1, 2, 3, 5, 9] if groups < 4 else [1, 2])
    w = g.new((o, c // groups, *window.kernel), -2, 2)
    bias = [g.new((o,))] if g.chance(0.5) else []
    y = g.apply(correlate.Correlate(window, groups), x, w, *bias)
    g.relu(y, 0.5)
    if y and g.chance(0.3):
        normalized(g, y[0])


def add_local(g):
    """A locally connected layer."""
    x, window = g.image()
    o = g.one([1, 2, 3])
    if x is None or np.prod((*window.kernel, *window.output, o, x.shape[1])) > 5000:
        return
    w = g.new((o, x.shape[1], *window.kernel, *window.output), -2, 2)
    bias = [g.new((o, *window.output))] if g.chance(0.5) else []
    g.relu(g.apply(local.Local(window), x, w, *bias), 0.5)


def add_transpose(g):
    """A transposed convolution, to an image of any size: parts may be unseen, or outside."""
    y = g.pick(lambda value: 3 <= value.ndim <= 5 and 0 not in value.shape[2:])
    if y is None:
        return
    seen = g.window([g.one([1, 2, 3, 5, 7]) for _ in y.shape[2:]])
    if seen is None:
        return
    axes = zip(seen.axes, y.shape[2:], strict=True)
    back = Window(tuple(replace(axis, output=size) for axis, size in axes))
    o = y.shape[1]
    groups = g.one([1, *(d for d in range(1, o + 1) if o % d == 0)])
    w = g.new((o, g.one([1, 2, 3, 8]), *back.kernel), -2, 2)
    bias = [g.new((w.shape[1] * groups,))] if g.chance(0.5) else []
    g.relu(g.apply(correlate.CorrelateTranspose(back, groups), w, y, *bias), 0.5)


def add_weight_gradient(g):
    """The gradient of the weights of a convolution."""
    x, window = g.image()
    if x is None:
        return
    y = g.pick(lambda v: v.shape[:1] == x.shape[:1] and v.shape[2:] == window.output)
    if y is None:
        y = g.new((x.shape[0], g.one([1, 2, 4]), *window.output))
    shared = g.chance(0.7)
    g.apply((correlate.CorrelateWeight if shared else local.LocalWeight)(window), x, y)


def add_linear(g):
    """A fully connected layer, its transpose or the gradient of its weights."""
    x = g.pick(lambda value: value.ndim >= 2 and 0 < value.size <= MOST)
    if x is None:
        return
    rows, columns = x.shape[0], x.size // x.shape[0]
    if x.ndim > 2:
        (x,) = g.apply(arrange.Reshape((rows, columns)), x)
    o = g.one([1, 2, 3, 10, 17])
    kind = g.one(
        [correlate.Correlate] * 4 + [correlate.CorrelateTranspose] * 2 + [correlate.CorrelateWeight]
    )
    if kind is correlate.Correlate:
        bias = [g.new((o,))] if g.chance(0.5) else []
        y = g.apply(kind(Window()), x, g.new((o, columns), -2, 2), *bias)
    elif kind is correlate.CorrelateTranspose:
        y = g.apply(kind(Window()), g.new((columns, o), -2, 2), x)
    else:
        y = g.apply(kind(Window()), x, g.new((rows, o)))
    g.relu(y, 0.4)


def add_map(g):
    """A function of each element."""
    x = g.pick()
    if g.chance(0.2):
        g.apply(g.one([point.Tanh(), point.Sigmoid(), point.Erf()]), x, exact=False)
    else:
        steps = [point.Heaviside()] if x in g.exact else []  # a step makes much of a rounding
        g.apply(g.one([*[point.Relu()] * 4, point.Negate(), point.Absolute(), *steps]), x)


def partner(g, value):
    """A value of the same shape, or one that is broadcast with it."""

    def fits(other):
        try:
            shape = np.broadcast_shapes(other.shape, value.shape)
        except ValueError:
            return False
        return shape in (other.shape, value.shape)

    kind = g.draw.random()
    if kind < 0.1:
        return g.new(tuple(g.one([1, n]) for n in value.shape))
    if kind < 0.15:
        return g.new((), constant=1)
    found = g.pick(fits if kind < 0.5 else lambda other: other.shape == value.shape)
    return g.new(value.shape) if found is None else found


def add_binary(g):
    """A function of two or three values, element by element."""
    x = g.pick()
    y = partner(g, x)
    if x in g.exact and g.chance(0.2):
        if g.chance(0.5):
            g.apply(point.ReluGradient(), x, y)
        else:
            g.apply(point.Select(), x, y, partner(g, x))
        return
    operators = [point.Subtract(), point.Multiply(), point.Multiply(), point.Maximum()]
    pair = (y, x) if g.chance(0.3) else (x, y)
    g.relu(g.apply(g.one([*[point.Add()] * 5, *operators]), *pair), 0.4)


def add_pool(g):
    """A pooling, with what carries gradients through it."""
    x, window = g.image()
    if x is None:
        return
    kind = g.one(["max", "max", "average", "transpose"])
    if kind == "average":
        g.apply(pool.AveragePool(window, g.chance(0.5)), x, exact=False)
    elif kind == "transpose":
        gy = g.new((*x.shape[:2], *window.output))
        g.apply(pool.AveragePoolTranspose(window, g.chance(0.5)), gy, exact=False)
    elif all(list(axis.meetings(p)) for axis in window.axes for p in range(axis.output)):
        if x not in g.exact:  # which of two equal numbers is larger is a matter of rounding
            return
        largest = g.apply(pool.MaxPool(window), x)
        g.relu(largest, 0.3)
        if largest and g.chance(0.5):
            g.apply(pool.ScatterWindow(window), g.new(largest[0].shape), largest[1])
            g.apply(pool.GatherWindow(window), partner_of_shape(g, x), largest[1])


def partner_of_shape(g, value):
    """A value of the same shape."""
    found = g.pick(lambda other: other.shape == value.shape)
    return g.new(value.shape) if found is None else found


def add_normalization(g):
    """A normalisation over the batch."""
    x = g.pick(lambda value: value.ndim >= 2 and value.size > 0)
    if x is not None:
        normalized(g, x)


def normalized(g, x):
    """A normalisation of one value, perhaps with its gradient and a residual."""
    if x not in g.exact or not 0 < np.abs(g.known[x]).max(initial=0) < 1000:
        return
    c = (x.shape[1],)
    if g.chance(0.5):
        operands = (x, g.new(c), g.new(c, 1, 5), g.new(c), g.new(c))
        y = g.apply(normalize.Normalize(1e-2), *operands, exact=False)
    else:
        scale, shift = g.new(c), g.new(c)
        y = g.apply(normalize.BatchNorm(1e-2), x, scale, shift, exact=False)
        gy = partner_of_shape(g, x)
        if y and gy in g.exact and g.chance(0.4):
            operands = (x, scale, y[1], y[2], gy)
            g.apply(normalize.BatchNormGradient(1e-2), *operands, exact=False)
    g.relu(y, 0.5)
    if y and g.chance(0.3):
        g.apply(point.Add(), y[0], partner_of_shape(g, x))


def add_view(g):
    """Another order, shape or part of a value."""
    x = g.pick()
    kind = g.one(["transpose", "reshape", "slice", "slice", "unslice", "pad", "join", "broadcast"])
    if kind == "transpose":
        g.apply(arrange.Transpose(tuple(map(int, g.draw.permutation(x.ndim)))), x)
    elif kind == "reshape" and x.ndim > 1:
        axis = int(g.draw.integers(x.ndim - 1))
        merged = x.shape[axis] * x.shape[axis + 1]
        g.apply(arrange.Reshape((*x.shape[:axis], merged, *x.shape[axis + 2 :])), x)
    elif kind in ("slice", "unslice"):
        add_slice(g, x, back=kind == "unslice")
    elif kind == "pad":
        widths = tuple((g.one([0, 0, 1, 2, -1]), g.one([0, 0, 1, -1])) for _ in x.shape)
        g.apply(arrange.Pad(widths, g.one([0.0, 0.0, 2.0])), x)
    elif kind == "join" and x.ndim:
        axis = int(g.draw.integers(x.ndim))
        rest = np.delete(x.shape, axis)
        alike = [v for v in g.pool if v.ndim == x.ndim and (np.delete(v.shape, axis) == rest).all()]
        parts = [x, *(g.one(alike) for _ in range(int(g.draw.integers(4))))]
        g.apply(arrange.Concatenate(axis, len(parts)), *parts)
    elif kind == "broadcast":
        front = (g.one([1, 2, 3]),) * g.one([0, 1])
        shape = tuple(g.one([1, 3]) if n == 1 else n for n in x.shape)
        g.apply(reduce.Broadcast((*front, *shape)), x)


def add_slice(g, x, *, back):
    """A part of a value by starts, steps of both signs and counts, or the reverse of that."""
    steps = tuple(g.one([1, 1, 1, 2, -1, -2]) for _ in x.shape)
    starts, counts = [], []
    for n, step in zip(x.shape, steps, strict=True):
        first = int(g.draw.integers(max(n, 1))) if g.chance(0.5) else (0 if step > 0 else n - 1)
        most = (n - 1 - first) // step + 1 if step > 0 else first // -step + 1
        starts.append(max(first, 0))
        counts.append(max(most - g.one([0, 0, 0, 1]), min(n, 1)))
    form = (tuple(starts), steps, tuple(counts))
    if back:
        g.apply(arrange.Unslice(*form, x.shape), g.new(tuple(counts)))
    else:
        g.apply(arrange.Slice(*form), x)


def add_sum(g):
    """A sum over any axes."""
    x = g.pick()
    axes = tuple(axis for axis in range(x.ndim) if g.chance(0.5))
    g.apply(reduce.Sum(axes, g.chance(0.4)), x)


def add_loss(g):
    """A softmax, perhaps with the loss of labels and its gradient."""
    x = g.pick(lambda value: value.ndim >= 1 and value.size > 0 and value in g.exact)
    if x is None or np.abs(g.known[x]).max() > 40:
        return
    axis = int(g.draw.integers(x.ndim))
    g.apply(g.one([loss.Softmax, loss.LogSoftmax])(axis), x, exact=False)
    if x.ndim >= 2 and g.chance(0.5):
        shape = (x.shape[0], *x.shape[2:])
        labels = g.given(g.draw.integers(0, x.shape[1], shape))
        g.apply(loss.CrossEntropy(0.1), x, labels, exact=False)
        g.apply(loss.CrossEntropyGradient(0.1), x, labels, g.new(shape), exact=False)


def add_dropout(g):
    """A dropout by a key."""
    key = g.given(g.draw.integers(0, 100, 2))
    g.apply(dropout.Dropout(0.5, g.one([0, 1, 2])), g.pick(), key)


ADDING = [
    *[add_correlation] * 5, *[add_map] * 5, *[add_binary] * 5, *[add_view] * 5, *[add_pool] * 3,
    *[add_normalization] * 3, *[add_linear] * 2, *[add_dropout] * 2, *[add_sum] * 2, add_transpose,
    add_weight_gradient, add_local, add_loss,
]  # fmt: skip


def draw_graph(seed):
    """A drawing and its graph of one to six outputs, some of them the same or an input."""
    g = Drawing(seed)
    axes = g.one([1, 2, 2, 2, 2, 3])
    for _ in range(g.one([1, 1, 2])):
        size = [g.one([1, 2, 3, 5, 6, 8]) for _ in range(axes)]
        batch = 0 if g.chance(0.05) else g.one([1, 1, 2, 3])
        g.new((batch, g.one([1, 2, 3, 4, 8, 16, 17]), *size), constant=0)
    for _ in range(int(g.draw.integers(2, 15))):
        g.one(ADDING)(g)
    produced = [v for node in g.builder.nodes for v in node.outputs if v in g.exact or v in g.pool]
    produced = produced or g.pool
    outputs = [g.one(produced[-6:] if g.chance(0.6) else produced) for _ in range(g.one([1, 2, 4]))]
    outputs += [g.one(g.pool)] * g.chance(0.1) + outputs[:1] * g.chance(0.1)
    return g, g.builder.graph(outputs)
