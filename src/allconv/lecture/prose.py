"""What the lecture's page says, part by part, and where its examples and pictures stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from allconv.lecture import parts

SHIFTED = "0,0,0,0,0,0,0,0,1,2,0,0,0,0,0,3,4,1,0,0,0,0,2,1,0,0,0" + ",0" * 22
BRIGHT = (
    "0.58009243,1.1895669,2.6777048,0.15597591,-0.94100916,-0.7437242,-1.0578039,-0.30651447,"
    "0.53753567,0.10521288,-0.43827865,-0.7727399,-0.42974523,-1.669584,-0.92768306,-0.19861951"
)


@dataclass(frozen=True)
class Say:
    """A paragraph (see `cells.words`); one that holds a result can be covered."""

    text: str
    is_answer: bool = False


@dataclass(frozen=True)
class Show:
    """An example by its name."""

    name: str


@dataclass(frozen=True)
class Draw:
    """A picture by its name, and what stands below it; one with results can be covered."""

    name: str
    caption: str
    is_answer: bool = False


@dataclass(frozen=True)
class Live:
    """A figure of its own, and what stands below it."""

    address: str
    parts: str
    caption: str


@dataclass(frozen=True)
class Program:
    """A listing by its name."""

    name: str


Piece: TypeAlias = Say | Show | Draw | Live | Program


@dataclass(frozen=True)
class Part:
    """A part of the lecture: its anchor, its name in `parts`, and what stands in it."""

    anchor: str
    name: str
    pieces: tuple[Piece, ...]


LEAD = (
    "Every example of the slides of “Deep Learning (for Computer Vision)” by Arjun Jain, in their "
    "order, computed when this page was written and set beside what the slides print. The figures "
    "can be stepped through and changed. The prose is not the lecturer's."
)

READING = (
    "Three arrays run through everything: the input *I*, blue; the kernel *W*, amber; and the "
    "output *O*, plum. Square cells are values, round ones are gradients: *dL/dO*, written *LO*, "
    "says how much the loss *L* changes with each output. In a figure, two of the three arrays are "
    "given and the dashed one is what they make. Indices count from 1, as on the slides; in "
    "programs they count from 0, and the arrays are called `x`, `w` and `y`.",
    "Press “Cover the results” to work them out first: each stays hidden until it is pressed, or "
    "until Enter is pressed on it.",
)

PLAN = (
    Part(
        "networks",
        parts.NETWORKS,
        (
            Say(
                "A picture is a grid of numbers, and neighbours in it belong together: an edge or "
                "a button is a few pixels wide, and may be anywhere. A plain network does not "
                "know that. It strings the pixels into a row and gives every hidden unit a weight "
                "for each of them; shuffle the pixels of all images in the same way, and it learns "
                "just as well. A convolutional network is built on neighbourhoods: a unit sees a "
                "small window, and all units share the weights of theirs."
            ),
            Draw(
                "networks",
                "Trained alike on the same pictures of clothes. The bars end at the share of test "
                "images recognised: after training on all images, and on a tenth of them.",
            ),
            Say(
                "The convolutional network has the fewest weights and recognises the most: with a "
                "tenth of the images it does as well as the plain one with all of them. It pays in "
                "multiplying, for sharing saves weights, not work. The last column is what "
                "[sharing](#sharing) is about: test images moved by three pixels, which no network "
                "saw in training."
            ),
            Show("two-layers"),
            Show("both-train"),
            Say(
                "What do shared weights become? No kernel was drawn by anybody: they start at "
                "random, and each is moved against its gradient."
            ),
            Draw(
                "kernels",
                "The kernels of the first layer of the convolutional network after its training. "
                "Amber is positive, grey with a bar negative, pale is near 0. Several have one "
                "side positive and the other negative: they look for an edge.",
            ),
        ),
    ),
    Part(
        "counts",
        parts.COUNTS,
        (
            Say(
                "Take a picture of 200 × 200 = 40,000 pixels and as many hidden units. Connect all "
                "with all, and there are 40,000 × 40,000 weights. Two things are wrong with that. "
                "What a unit could learn from a pixel far away is little, for correlation in "
                "pictures is local; and there will never be enough images to learn so many "
                "numbers from."
            ),
            Draw(
                "counts",
                "Weights as areas, to scale. Each unit with a 10 × 10 window of its own: the small "
                "square. One window shared by all: a point in the circle, too small to see.",
                is_answer=True,
            ),
            Show("fully-connected"),
            Show("fully-connected-exactly"),
            Show("locally-connected"),
            Show("convolutional"),
            Say(
                "The last example holds a second number. A convolution has 100 weights where the "
                "locally connected layer has 4,000,000, and multiplies as often: each weight is "
                "used 40,000 times.",
                is_answer=True,
            ),
        ),
    ),
    Part(
        "sharing",
        parts.LOCAL,
        (
            Say(
                "The first step is to look only nearby: a locally connected layer has windows, but "
                "each place has weights of its own. The second is to make all of them equal. That "
                "is right if the input is stationary: what is worth looking for at one place is "
                "worth looking for at any other. What is left is one kernel that slides, and that "
                "is the convolution."
            ),
            Show("shared-parameters"),
            Say(
                "Equal weights have a consequence that the slides call translational invariance: "
                "move the image, and the output moves with it, unchanged otherwise. (The usual "
                "word is equivariance; invariant would be an output that does not move at all, "
                "which comes from pooling at the end of a network.)"
            ),
            Show("translation"),
            Live(
                f"op=conv&input=7x7&kernel=3x3&x={SHIFTED}&w=1,0,-1,2,0,-2,1,0,-1",
                "shift",
                "A small bright thing with zeros around it, and a kernel that looks for upright "
                "edges. Shift it: as long as it stays clear of the border, every cell of the "
                "output follows.",
            ),
            Live(
                f"op=conv&input=7x7&kernel=3x3&stride=2x2&x={SHIFTED}&w=1,0,-1,2,0,-2,1,0,-1",
                "shift",
                "The same with stride 2, which keeps every second output. A shift by one is no "
                "shift of the output any more; a shift by two is one. Pooling with a stride breaks "
                "the argument in the same way.",
            ),
            Show("local-trains"),
        ),
    ),
    Part(
        "one-axis",
        parts.ONE_AXIS,
        (
            Say(
                "The whole matter on one axis. Lay the kernel under the first cells of the input, "
                "multiply what stands above each other, add it up: the first output. Slide by one, "
                "and again. The output ends where the kernel would stick out, so that there are "
                "Dim(*I*) − Dim(*W*) + 1 places for it."
            ),
            Show("output-size"),
            Show("correlation"),
            Show("correlation-letters"),
            Say(
                "Strictly, this is correlation. What mathematics calls convolution runs through "
                "the kernel backwards; then input and kernel may change places. Networks learn "
                "their kernels, and would learn the flipped one just as well: so the frameworks "
                "correlate, and call it convolution."
            ),
            Show("convolution"),
            Show("convolution-letters"),
            Show("convolution-by-flip"),
        ),
    ),
    Part(
        "padding",
        parts.PADDING,
        (
            Say(
                "Each layer would make its input smaller, by Dim(*W*) − 1. Zeros around the input "
                "prevent that: half of Dim(*W*) − 1 on each side keeps the size, hence half "
                "padding. A product with a padding zero adds nothing; the outputs at the border "
                "have fewer terms."
            ),
            Show("half-padding"),
            Show("half-padding-by-number"),
            Say(
                "Stride is how far the kernel moves from one output to the next. Stride 2 gives "
                "every second output of stride 1: the layer looks at the same places and keeps "
                "half of them."
            ),
            Show("half-padding-stride-2"),
            Say(
                "A name for a padding is a rule, and rules differ. TensorFlow's SAME asks for "
                "ceil(input / stride) outputs, adds as few zeros as that takes, and puts an odd "
                "one at the end: at stride 2 the windows stand elsewhere, and the numbers are "
                "others."
            ),
            Show("same-padding-stride-2"),
        ),
    ),
    Part(
        "channels",
        parts.CHANNELS,
        (
            Say(
                "A picture has two axes and several channels: here *I* is 2 × 4 × 4. The window "
                "slides over rows and columns, but not over channels: it always sees all of them. "
                "So a kernel has a sheet for each input channel, and there is such a kernel for "
                "each output channel. *W* is outputs × inputs × height × width. For each output "
                "cell the products of all sheets are added up, and the bias of the output channel."
            ),
            Show("image-2x4x4"),
            Say(
                "The first cell by hand: channel 1 gives 1·1 + (−2)·(−2) + 2·(−2) + 1·1 = 2, "
                "channel 2 gives 3·1 + 0·0 + (−2)·0 + (−2)·1 = 1, and the bias is 0.1, together "
                "3.1. The slide has −3.1, a slip of the sign; all other cells are right.",
                is_answer=True,
            ),
            Show("image-2x4x4-layer"),
            Show("image-2x4x4-by-channel"),
        ),
    ),
    Part(
        "backward",
        parts.BACKWARD,
        (
            Say(
                "Training needs two gradients of each layer: *dL/dW*, by which the weights are "
                "moved, and *dL/dI*, which is handed to the layer before. What arrives is *dL/dO*, "
                "written *LO*. The chain rule says: write *dL/dO* as a row, and multiply it with a "
                "matrix that holds how each output changes with each weight, or with each input: "
                "the Jacobian."
            ),
            Show("jacobian-weight"),
            Draw(
                "weights",
                "*dL/dW* = *dL/dO* × *dO/dW*. The matrix of the weights is made of inputs: row i "
                "is what the window sees at place i. So each gradient is a sum of products *LO* · "
                "*I*.",
                is_answer=True,
            ),
            Show("weight-gradient-letters"),
            Show("jacobian-input"),
            Draw(
                "inputs",
                "*dL/dI* = *dL/dO* × *dO/dI*. The matrix of the inputs is made of weights: row i "
                "is the kernel at place i, and 0 where it does not reach.",
                is_answer=True,
            ),
            Show("input-gradient-letters"),
            Say(
                "Now look at the sums. *LO_1 I_1 + LO_2 I_2*, *LO_1 I_2 + LO_2 I_3* and so on: "
                "*LO* slides over *I* like any kernel. So the gradient of the weights is a "
                "correlation, of the input with the gradient."
            ),
            Show("weight-gradient-identity"),
            Show("weight-gradient-drawn"),
            Say(
                "The other sums run against each other: *LO_1 W_2 + LO_2 W_1*. With *LO* flipped "
                "and zeros around *W*, this is a correlation, too. The zeros are needed since the "
                "first input is seen by the first window only. No matrix has to be made: both "
                "gradients are the operation that we have already. In the figures below, the same "
                "stage is drawn once more below the sum, with its letters exchanged."
            ),
            Show("input-gradient-identity"),
            Show("input-gradient-drawn"),
        ),
    ),
    Part(
        "tensorflow",
        parts.TENSORFLOW,
        (
            Say(
                "The slides try all this in TensorFlow. Here is each listing as a program that "
                "runs, after"
            ),
            Program("preamble"),
            Program("listing-conv1d"),
            Show("forward-m"),
            Show("gradient-tape"),
            Program("listing-conv1d-back"),
            Show("gradient-by-convolution"),
            Program("listing-conv2d-shapes"),
            Show("conv2d-shapes"),
            Show("conv2d-bias-shape"),
            Program("listing-conv2d"),
            Draw(
                "lists",
                "The same list of sixteen numbers, read in two orders. Colour tells the output "
                "channel, amber 1 and plum 2; strong cells belong to input channel 2.",
            ),
            Draw(
                "readings",
                "Of four ways to read the image and the kernel, one gives the worked example and "
                "one the listing.",
                is_answer=True,
            ),
            Show("conv2d-listing"),
        ),
    ),
    Part(
        "dilation",
        parts.DILATED,
        (
            Say(
                "How much of the image does a unit see? Three layers of 3 × 3, one on the other, "
                "see 3, 5 and 7 cells across: the field grows by 2 a layer. Spread the nine cells "
                "of the kernel out, and it grows faster at the same price: with dilation 1, 2, 4 "
                "each layer more than doubles it. Nothing is left out, since each layer fills the "
                "gaps of the next. (A field grows by dilation × (kernel − 1), times all strides "
                "before.)"
            ),
            Draw(
                "fields",
                "What a unit of the first, second and third layer sees: the field, and in it the "
                "nine cells of the layer below that it takes.",
                is_answer=True,
            ),
            Show("dilated"),
            Live(
                "op=conv&input=7x7&kernel=3x3&dilation=2x2&at=4",
                "player sum",
                "A 3 × 3 kernel with dilation 2 covers 5 × 5 cells and reads nine of them.",
            ),
        ),
    ),
    Part(
        "matrix",
        parts.MATRIX,
        (
            Say(
                "A convolution is linear in its input, so it is a matrix: a row for each output, "
                "a column for each input. String the 4 × 4 image into 16 numbers; then each row "
                "holds the nine weights where its window stands, and zeros. Two things mark it: "
                "most of it is 0 (the layer is local), and all rows hold the same numbers (its "
                "weights are shared)."
            ),
            Show("sparse-matrix"),
            Say(
                "The gradient of the input is *dL/dO* × this matrix; written as a column, the "
                "transposed matrix times *LO*. It takes a small array to a large one: that is "
                "all that “deconvolution” means, and a better name is transposed convolution."
            ),
            Show("transposed-matrix"),
        ),
    ),
    Part(
        "transposed",
        parts.TRANSPOSED,
        (
            Say(
                "Use the backward step as a forward one, and it is a layer that makes images "
                "larger. Each cell of *r* lays a copy of the kernel, times its value, over the "
                "output; where copies overlap they are added up."
            ),
            Program("listing-backward"),
            Show("forward-imgc"),
            Show("conv2d-backward"),
            Program("listing-transposed"),
            Show("conv2d-transpose"),
            Say(
                "Why is the one the other's backward pass? Both are the same pairs of cells: input "
                "*j* and output *i* meet at the weight *k* where *j* = *stride* · *i* + *k*. The "
                "convolution adds up over all that meet an output; its gradient, and the "
                "transposed convolution, over all that meet an input. With kernel 3 and stride 2 "
                "the copies overlap in every second row and column: such a layer tends to draw "
                "checkerboards."
            ),
            Show("correlate-transpose"),
        ),
    ),
    Part(
        "dense",
        parts.DENSE,
        (
            Say(
                "It works the other way round, too. A convolution is a linear layer whose matrix "
                "is sparse and repeats itself; and a linear layer is a convolution whose window is "
                "as large as its input, so that it has only one place to stand."
            ),
            Show("convolution-as-linear"),
            Say(
                "So do not flatten. Take a kernel as high and wide as the features before the "
                "flatten, as many input channels as they have, and an output channel for each "
                "neuron: the numbers are those of the matrix, row by row."
            ),
            Draw(
                "frames",
                "From linear to convolution: a row of the matrix is folded into a kernel as large "
                "as the image; on a larger image the same kernel has several places to stand, and "
                "gives a map.",
            ),
            Show("linear-as-convolution"),
            Draw(
                "orders",
                "“Each output channel (W[:, l, :, :]) corresponds to a row l of the matrix.” That "
                "slide orders the axes of W as (inputs, outputs, kH, kW); the worked example has "
                "(outputs, inputs, kH, kW), as this package does: there row l is W[l].",
            ),
            Say(
                "What is gained? The classifier now takes images of any size that is not smaller "
                "than its own, and looks at all places of a larger one at once: a map of answers, "
                "for much less than cutting out every window and classifying it."
            ),
            Show("densified"),
        ),
    ),
    Part(
        "pooling",
        parts.POOLING,
        (
            Say(
                "Pooling makes the maps smaller: of each 2 × 2 cells the largest is kept. It has "
                "no weights, and takes each channel by itself, so that their number stays."
            ),
            Show("max-pooling"),
            Show("pooling-shapes"),
            Program("listing-pooling"),
            Show("max-pooling-backward"),
        ),
    ),
    Part(
        "no-pooling",
        parts.NO_POOLING,
        (
            Say(
                "If a convolution can skip places by itself, is pooling needed? “Striving for "
                "Simplicity: The All Convolutional Net” (Springenberg, Dosovitskiy, Brox and "
                "Riedmiller, 2014, arXiv:1412.6806) replaces it by convolutions with stride 2, and "
                "reports no loss in accuracy."
            ),
            Show("stride-for-pooling"),
            Live(
                f"op=conv&input=4x4&kernel=2x2&stride=2x2&x={BRIGHT}&w=0.25,0.25,0.25,0.25",
                "player sum",
                "In the place of the maximum of four cells stands a sum of them, with weights that "
                "are learned. These begin as a mean.",
            ),
            Draw(
                "all-cnn",
                "On all of Fashion-MNIST: a network that pools; the same weights with its poolings "
                "taken for strides, which it was not trained for; and after two more epochs.",
            ),
            Show("all-cnn-c"),
            Say(
                "So in the end everything is a convolution: the linear layers at the end, the "
                "pooling between, and both gradients of each layer."
            ),
        ),
    ),
)
