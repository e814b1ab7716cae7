"""What the lecture's page says, from gradients to networks without pooling."""

from __future__ import annotations

from allconv.lecture import parts
from allconv.lecture.pieces import Draw, Live, Part, Program, Say, Show

BRIGHT = (
    "0.58009243,1.1895669,2.6777048,0.15597591,-0.94100916,-0.7437242,-1.0578039,-0.30651447,"
    "0.53753567,0.10521288,-0.43827865,-0.7727399,-0.42974523,-1.669584,-0.92768306,-0.19861951"
)

SECOND = (
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
                "gradients are the operation that we have already. In the figures of both "
                "gradients, the same stage is drawn once more below the sum, with the letters of "
                "[the relation](#padding) exchanged, which count from 0."
            ),
            Say(
                "Below the sum of a gradient stands a number that comes out three times: *O* · "
                "*LO*, *I* · *dL/dI* and *W* · *dL/dW*, each multiplied cell by cell and added up, "
                "are the same sum of products of an input, a weight and a gradient. So it takes "
                "also the array that the gradient belongs to, which the gradient itself does not "
                "depend on. Where the slides do not print that array the figure has one of ours, "
                "and the number is not on the slides."
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
                "op=conv&input=7x7&kernel=3x3&dilation=2x2&at=4&letters=slides",
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
            Say(
                "The slide counts *w* and *I* from 0 here; the figure counts from 1, as everywhere "
                "on this page, and calls the matrix A."
            ),
            Show("sparse-matrix"),
            Say(
                "The gradient of the input is *dL/dO* × this matrix; written as a column, the "
                "transposed matrix times *LO*. It takes a small array to a large one: that is "
                "all that “deconvolution” means, and a better name is transposed convolution."
            ),
            Say(
                "On the slide *W* is this whole matrix. In the figure *W* is the kernel and the "
                "matrix is A: its *dL/dI* = Aᵀ *LO* is the slide's *dL/dI* = *W*ᵀ *LO*."
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
            Say(
                "The number below the sum of this figure, *I* · *dL/dI*, depends on *imgC*, the "
                "input of the forward pass. The slides do not print it, and the figure has one of "
                "ours; *dL/dI* does not depend on it."
            ),
            Program("listing-transposed"),
            Show("conv2d-transpose"),
            Say(
                "Why is the one the other's backward pass? Write the convolution as its matrix A: "
                "*O_i* is the sum over all j of *A_ij I_j*. When *I_j* grows by a little, each "
                "*O_i* grows by *A_ij* times that, and the loss by *LO_i A_ij* times that. So "
                "*dL/dI_j* is the sum over all i of *A_ij LO_i*: the same matrix, read down its "
                "columns, which is Aᵀ *LO*. In the picture, each *LO_i* lays a copy of the kernel, "
                "times its value, back over the cells that *O_i* read. Do that forward, to any "
                "numbers in the place of *LO*, and it is the transposed convolution. It is no "
                "inverse: Aᵀ A *I* has the shape of *I*, not its numbers."
            ),
            Say(
                "In terms of [the relation](#padding), counted from 0: both are the same pairs of "
                "cells. Input *j* and output *i* meet at the weight *k* where *j* = *stride* · *i* "
                "+ *k*. The convolution adds up over all that meet an output; its gradient, and "
                "the transposed convolution, over all that meet an input. With kernel 3 and stride "
                "2 the copies overlap in every second row and column: such a layer tends to draw "
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
                f"op=conv&input=4x4&kernel=2x2&stride=2x2&letters=slides&x={BRIGHT}&w=0.25,0.25,0.25,0.25",
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
