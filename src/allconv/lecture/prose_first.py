"""What the lecture's page says, from networks to channels, and what stands between."""

from __future__ import annotations

from allconv.lecture import parts
from allconv.lecture.pieces import Draw, Live, Part, Say, Show

SHIFTED = "0,0,0,0,0,0,0,0,1,2,0,0,0,0,0,3,4,1,0,0,0,0,2,1,0,0,0" + ",0" * 22

FIRST = (
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
                "multiply-adds, for sharing saves weights, not work. The last column is what "
                "[sharing](#sharing) is about: test images shifted by three pixels, which no "
                "network saw in training."
            ),
            Say(
                "The next two examples are smaller than the networks above, so that their weights "
                "and biases can be counted by hand."
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
                f"op=conv&input=7x7&kernel=3x3&letters=slides&x={SHIFTED}&w=1,0,-1,2,0,-2,1,0,-1",
                "shift",
                "A small bright thing with zeros around it, and a kernel that looks for upright "
                "edges. Shift it: as long as it stays clear of the border, every cell of the "
                "output follows.",
            ),
            Live(
                f"op=conv&input=7x7&kernel=3x3&stride=2x2&letters=slides&x={SHIFTED}&w=1,0,-1,2,0,-2,1,0,-1",
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
                "First, on one axis. Lay the kernel under the first cells of the input, "
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
                "Where the kernel stands can be said in one line, which the figures below call the "
                "one relation. Let *j* be a cell of the input, *k* one of the kernel and *i* one "
                "of the output. They meet, and give a product, where b·*j* + p = s·*i* + d·*k*. "
                "Here p is the number of zeros before the input and s the stride; d is how far "
                "apart the cells of the kernel lie ([dilation](#dilation)) and b how far apart "
                "those of the input, both 1 until it says otherwise. Two things differ from the "
                "slides. In this relation *j*, *i* and *k* count from 0. And *j* is the input's "
                "cell, while the slides' formula for *O_i* has *j* for the kernel's."
            ),
            Say(
                "In the example above it is *j* + 1 = 2·*i* + *k*. The second output has *i* = 1, "
                "so it meets *k* = 0, 1, 2 at *j* = 1, 2, 3. Counted from 1: *O_2* = *I_2 W_1* + "
                "*I_3 W_2* + *I_4 W_3* = 2·1 + 3·2 + 4·3 = 20. For the first output, *i* = 0, the "
                "cell that meets *k* = 0 is *j* = −1, which the input does not have: a padding "
                "zero.",
                is_answer=True,
            ),
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
                "So a kernel has a plane for each input channel, and there is such a kernel for "
                "each output channel. *W* is outputs × inputs × height × width. For each output "
                "cell the products of all planes are added up, and the bias of the output channel."
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
)
