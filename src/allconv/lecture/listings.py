"""The TensorFlow listings of the slides as programs of this package, and what they print.

Each runs after `PREAMBLE` and prints `output`.
"""

from __future__ import annotations

from dataclasses import dataclass

PREAMBLE = """\
import numpy as np
import allconv as ac
from allconv import functional as F, nn
"""


@dataclass(frozen=True)
class Listing:
    """A listing of the slides.

    slide    what stands there, in short
    code     the same here; it runs after the preamble
    output   what it prints
    trick    what is not plain about it, as paragraphs of `cells.words`
    """

    name: str
    title: str
    slide: str
    code: str
    output: str
    trick: tuple[str, ...]


LISTINGS = (
    Listing(
        "listing-conv1d",
        "Conv1D and GradientTape: handing a gradient in",
        """\
conv1 = tf.layers.Conv1D(1, 3, 1, "VALID", activation=None)
with tf.GradientTape(persistent=True) as t:
    t.watch(n)
    m = conv1(n)
    m1 = tf.multiply(nextgrad, m)  # a trick to make gradOutput = nextgrad
gradWeight = t.gradient(m1, conv1.weights[0])
""",
        """\
n = np.array([0.20350695, -0.31481498, -0.85656077, 0.5981919])
nextgrad = np.array([-0.47567356, -2.3547919])
w = np.array([[[0.5, -1.0, 2.0]]])  # any: the gradient does not depend on them

def conv1(w):
    return F.conv1d(n[None, None], w)

def loss(w):  # the trick: the sum of nextgrad * m
    return (nextgrad * conv1(w)).sum()

m, pull = ac.vjp(conv1, w)
(direct,) = pull(nextgrad[None, None])  # without it: nextgrad is handed in
print(ac.grad(loss)(w)[0, 0])
print(direct[0, 0])
""",
        """\
[ 0.64452089  2.16677153 -1.00117413]
[ 0.64452089  2.16677153 -1.00117413]
""",
        (
            "A tape can be asked for the gradient of a number (of an array it takes the sum of its "
            "cells). But backpropagation needs the step in the middle: given *dL/dO*, which comes "
            "from the layers behind, what is *dL/dW*? The trick is to make up a loss whose "
            "gradient is known: *L* = sum over *i* of *nextgrad_i* · *m_i* has *dL/dm_i* = "
            "*nextgrad_i*. So the gradient of `m1 = nextgrad * m` with respect to the weights is "
            "the row vector *nextgrad* times the matrix *dO/dW*: a vector-Jacobian product.",
            "Here `ac.vjp` gives the result and a function that takes *dL/dO* as it is: no trick "
            "is needed.",
        ),
    ),
    Listing(
        "listing-conv1d-back",
        "The gradient used as a kernel",
        """\
conv1_back = tf.layers.Conv1D(1, 2, 1, "VALID", activation=None)
conv1_back.kernel_initializer = tf.constant_initializer(nextgrad.numpy())
gradWeight = conv1_back(n)
""",
        """\
n = np.array([0.20350695, -0.31481498, -0.85656077, 0.5981919])
nextgrad = np.array([-0.47567356, -2.3547919])
conv1_back = nn.Conv1d(1, 1, 2, bias=False).astype(np.float64)
conv1_back.weight = nextgrad[None, None]  # (outputs, inputs, kernel)
print(conv1_back(n[None, None])[0, 0])
""",
        """\
[ 0.64452089  2.16677153 -1.00117413]
""",
        (
            "The same three numbers come out of an ordinary layer: its kernel is the gradient that "
            "arrived. This is *dL/dW* = Correlation(*I*, *LO*), typed in.",
        ),
    ),
    Listing(
        "listing-conv2d-shapes",
        "Conv2D: shapes",
        """\
n = tf.random_normal((1, 16, 16, 1))
conv2 = tf.layers.Conv2D(8, [5, 5], [1, 1], "valid", activation=None)
m = conv2(n)
print(m.shape, conv2.weights[0].shape, conv2.weights[1].shape)
""",
        """\
n = np.zeros((1, 1, 16, 16), np.float32)  # (N, C, H, W)
conv2 = nn.Conv2d(1, 8, 5)
print(conv2(n).shape)
print(conv2.weight.shape, conv2.bias.shape)
""",
        """\
(1, 8, 12, 12)
(8, 1, 5, 5) (8,)
""",
        (
            "TensorFlow keeps channels last, (N, H, W, C), and its kernels as (kH, kW, I, O); here "
            "it is (N, C, H, W) and (O, I, kH, kW), as in Torch. The numbers are the same, their "
            "order is not: (1, 12, 12, 8) and (5, 5, 1, 8) there. 16 − 5 + 1 = 12.",
        ),
    ),
    Listing(
        "listing-conv2d",
        "Conv2D on the nested lists of the 2x4x4 example",
        """\
I = tf.constant([[[[1, -2], [2, 1], [-2, 3], [-1, 2]], [[2, 2], [3, -2], ...
conv.kernel_initializer = tf.constant_initializer(
    [[[[1, -2], [-2, 1]], [[1, 0], [0, 1]]], [[[3, 1], [2, 2]], [[0, 0], [0, 4]]]])
O = conv(I)
""",
        """\
image = np.array([
    [[1, -2], [2, 1], [-2, 3], [-1, 2]], [[2, 2], [3, -2], [-3, 1], [-4, 2]],
    [[3, 0], [-2, -2], [2, -1], [5, -2]], [[0, 0], [1, -1], [3, 1], [0, 1]],
], float)  # read as (H, W, C)
kernel = np.array([
    [[[1, -2], [-2, 1]], [[1, 0], [0, 1]]], [[[3, 1], [2, 2]], [[0, 0], [0, 4]]],
], float)  # read as (kH, kW, I, O)
x = image.transpose(2, 0, 1)[None]
w = ac.conventions.reorder(kernel, "HWIO", "OIHW")
print(F.conv2d(x, w, np.array([0.1, 0.2]))[0, 0].round(1))
print(F.conv2d(x, kernel, np.array([0.1, 0.2]))[0, 0].round(1))  # the kernel as drawn
""",
        """\
[[ 17.1   3.1 -15.9]
 [ 10.1  -5.9  -4.9]
 [  1.1   5.1  20.1]]
[[ -7.9  -0.9   7.1]
 [-11.9  12.1   5.1]
 [  7.1  -5.9 -13.9]]
""",
        (
            "A nested list has no layout of its own: it is a row of numbers with brackets, and "
            "whoever reads it decides which axis is which. Both lists were typed in the order of "
            "the drawing and read in another one.",
        ),
    ),
    Listing(
        "listing-backward",
        "A loss whose gradient is its own argument",
        """\
conv = tf.layers.Conv2D(1, [3, 3], [2, 2], "valid", activation=None)
with tf.GradientTape(persistent=True) as t:
    t.watch(imgC)
    r = conv(imgC)
    r_1 = tf.multiply(0.5 * r, r)  # trick to give r as gradOutput
grad_input = t.gradient(r_1, imgC)
""",
        """\
w = np.array([[0.13429713, 1.9649408, 0.74939513],
              [0.6982393, 1.2397809, 1.4247327],
              [1.5534406, 0.1190145, 1.3256309]])[None, None]
imgC = np.arange(25.0).reshape(1, 1, 5, 5)  # any: the slides do not print theirs

def loss(x):  # the trick: half of the sum of squares
    r = F.conv2d(x, w, stride=2)
    return (0.5 * r * r).sum()

r, pull = ac.vjp(lambda x: F.conv2d(x, w, stride=2), imgC)
print(np.allclose(ac.grad(loss)(imgC), pull(r)[0]))
""",
        "True\n",
        (
            "The same trick with another loss. *L* = ½ · the sum of *r_i*² has *dL/dr_i* = *r_i*: "
            "the gradient that arrives is *r* itself. The example needs some gradient that is not "
            "all ones, and this one is at hand and is printed on the slide already, so that it "
            "can be given to the transposed layer next.",
        ),
    ),
    Listing(
        "listing-transposed",
        "Conv2DTranspose: forward is the other one's backward",
        """\
trancon = tf.layers.Conv2DTranspose(1, [3, 3], [2, 2], "valid", activation=None)
trancon.kernel_initializer = tf.constant_initializer(w.numpy())
imgC_1 = trancon(r)
""",
        """\
w = np.array([[0.13429713, 1.9649408, 0.74939513],
              [0.6982393, 1.2397809, 1.4247327],
              [1.5534406, 0.1190145, 1.3256309]])[None, None]
r = np.array([[25.535583, 28.583742], [23.470192, 20.622599]])[None, None]
forward = F.conv_transpose2d(r, w, stride=2)
_, pull = ac.vjp(lambda x: F.conv2d(x, w, stride=2), np.zeros((1, 1, 5, 5)))
print(forward[0, 0, 0].round(4))
print(np.array_equal(forward, pull(r)[0]))
""",
        """\
[ 3.4294 50.1759 22.975  56.1654 21.4205]
True
""",
        (
            "The 25 numbers are equal to the last bit. Note that *imgC* does not come back: only "
            "its shape does, with each number of *r* laid where it came from. The transposed "
            "convolution is not an inverse, in spite of the name “deconvolution”.",
        ),
    ),
    Listing(
        "listing-pooling",
        "MaxPooling2D and its gradient",
        """\
pool = tf.layers.MaxPooling2D([2, 2], [2, 2], "valid")
nextgrad = tf.ones((1, 2, 2, 1))
    m = pool(n)
    m1 = tf.multiply(nextgrad, m)
gradInput = t.gradient(m1, n)
""",
        """\
n = np.array([[0.58009243, 1.1895669, 2.6777048, 0.15597591],
              [-0.94100916, -0.7437242, -1.0578039, -0.30651447],
              [0.53753567, 0.10521288, -0.43827865, -0.7727399],
              [-0.42974523, -1.669584, -0.92768306, -0.19861951]])[None, None]
m, pull = ac.vjp(lambda x: F.max_pool2d(x, 2, 2), n)
print(m[0, 0])
print(pull(np.ones((1, 1, 2, 2)))[0][0, 0])
""",
        """\
[[ 1.1895669   2.6777048 ]
 [ 0.53753567 -0.19861951]]
[[0. 1. 1. 0.]
 [0. 0. 0. 0.]
 [1. 0. 0. 0.]
 [0. 0. 0. 1.]]
""",
        (
            "Again `nextgrad * m`. A maximum moves only when its largest number does, and then by "
            "the same amount: the gradient goes to the cell that won, and all others get nothing.",
        ),
    ),
)


def listing(name: str) -> Listing:
    """The listing of a name; KeyError for an unknown name."""
    return {each.name: each for each in LISTINGS}[name]
