"""What is special to one framework: short functions that its row of the table names.

Settings give what a word of a call is given, rules say whether a call has a word for something,
steps write lines around a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allconv.conventions.layouts import letters
from allconv.conventions.problem import Ends, Problem
from allconv.conventions.steps import Lines, Writer, is_full, sliced
from allconv.window import reach_of

# torch


def tensors(problem: Problem, write: Writer) -> Lines:
    """The arrays made tensors first."""
    return [*(f"{name} = torch.as_tensor({name})" for name in problem.arrays), *write(problem)]


def torch_pad(name: str, ends: Sequence[tuple[int, int]], layout: str, fill: str) -> Lines:
    """Padding is spelled from the last axis on, and crops where it is negative."""
    flat = tuple(end for pair in reversed(ends) for end in pair)
    return [f"{name} = F.pad({name}, {flat}{fill})"] if any(flat) else []


def one_number(problem: Problem) -> bool:
    """Whether one number an axis gives the same outputs."""
    rows = zip(problem.window.axes, problem.low, strict=True)
    return all(low >= 0 and axis.fitting(low, low) == axis.output for axis, low in rows)


def half(problem: Problem) -> bool:
    """Whether it does, and is at most half of the kernel, as pooling has it."""
    return one_number(problem) and all(2 * a.padding <= a.kernel for a in problem.window.axes)


def torch_extra(problem: Problem) -> tuple[int, ...] | None:
    """The output padding: outputs beyond those that the low padding on both sides leaves."""
    if problem.kind != "transposed":
        return None
    return tuple(axis.padding - axis.high for axis in problem.window.axes)


def torch_transposes(problem: Problem) -> bool:
    """Whether padding and output padding say the outputs."""
    rows = zip(problem.window.axes, torch_extra(problem) or (), strict=True)
    return all(a.padding >= 0 and 0 <= extra < max(a.stride, a.dilation) for a, extra in rows)


# TensorFlow and Keras. SAME is not said of strides that are taken after the call: its zeros depend
# on them.


def tf_same(problem: Problem) -> bool:
    """Whether there is padding that is SAME."""
    if problem.kind == "transposed":  # with groups or a dilation there are steps for it
        return problem.is_same and problem.groups == 1 and set(problem.dilation) == {1}
    return problem.is_padded and problem.is_same and not tf_strides_after(problem)


def tf_strides_after(problem: Problem) -> bool:
    """Strides that a call has not: along with dilations, and those of pooling beyond its window."""
    beyond = any(axis.stride > axis.kernel for axis in problem.window.axes)
    return problem.strides_taps or (beyond and "pooling" in problem.kind)


def tf_padding(problem: Problem) -> str:
    """The word for the padding."""
    return "SAME" if tf_same(problem) else "VALID"


def tf_transposes(problem: Problem) -> bool:
    """Whether the outputs are those of SAME or VALID."""
    return tf_same(problem) or is_full(problem)


def tf_shape(problem: Problem, write: Writer) -> Lines:
    """The size of the outputs, which a transposed convolution is told."""
    sizes = ", ".join(map(str, problem.window.input))
    return [f"shape = (x.shape[0], {sizes}, kernel.shape[-2])", *write(problem)]


def uneven(problem: Problem) -> bool:
    """Strides that a depthwise layer has not: different ones, or along with dilations."""
    return problem.strides_taps or len(set(problem.stride)) > 1


def keras_layer(made: str) -> str:
    """The text that makes a layer, gives it its weights and calls it."""
    lines = "layer.build(x.shape)\nlayer.set_weights([{weights}])\ny = layer(x)"
    return f"layer = keras.layers.{made}\n{lines}"


def keras_bias(problem: Problem) -> bool | None:
    """Layers with a kernel have a bias unless told otherwise."""
    return None if problem.has_bias or "pool" in problem.kind else False


def keras_groups(problem: Problem) -> int | None:
    """The groups, but of a depthwise layer, which has one a channel."""
    return None if problem.groups == 1 or "depthwise" in problem.kinds else problem.groups


def keras_padding(problem: Problem) -> str:
    """The word for the padding; "valid" where there is none."""
    if problem.kind == "transposed":
        whole = all(a.input == a.stride * a.output for a in problem.window.axes)
        return "same" if problem.is_same and whole and not problem.strides_taps else "valid"
    after = uneven(problem) if "depthwise" in problem.kinds else problem.strides_taps
    if problem.is_padded and problem.is_same and not after:
        return "same"
    causal = problem.axes == 1 and problem.kind == "convolution" and problem.is_padded
    if causal and problem.ends == ((problem.window.axes[0].reach - 1, 0),):
        return "causal"
    return "valid"


def keras_names(problem: Problem) -> bool:
    """Whether there is a word for the padding."""
    return keras_padding(problem) != "valid"


# JAX


def dimensions(problem: Problem) -> tuple[str, str, str]:
    """Letters; those of a kernel are read as of a convolution, also of a transposed one."""
    image = letters(problem.layout.image, problem.axes)
    return image, letters(problem.layout.convolution, problem.axes), image


def jax_ends(problem: Problem) -> Ends:
    """The padding of the zero-stuffed input of a transposed convolution."""
    return tuple((a.reach - 1 - a.padding, a.reach - 1 - a.high) for a in problem.window.axes)


# ONNX


def node(kind: str, given: str = "") -> str:
    """The text that makes a node and runs it."""
    made = f'helper.make_node("{kind}", [{{quoted}}], ["y"]{given}{{settings}})'
    return f"node = {made}\n(y,) = ReferenceEvaluator(node).run(None, {{{{{{fed}}}}}})"


def pads(problem: Problem) -> tuple[int, ...] | None:
    """All lows, then all highs, where they are above 0: those below are cropped or made outputs."""
    lows, highs = zip(*problem.ends, strict=True)
    given = tuple(max(end, 0) for end in (*lows, *highs))
    return given if any(given) else None


def onnx_extra(problem: Problem) -> tuple[int, ...] | None:
    """The output padding: outputs beyond the cells that a transposed convolution writes."""
    if problem.kind != "transposed":
        return None
    return tuple(max(-axis.high, 0) for axis in problem.window.axes)


def onnx_transposes(problem: Problem) -> bool:
    """Whether pads and output padding say the outputs."""
    rows = zip(problem.window.axes, onnx_extra(problem) or (), strict=True)
    return all(a.padding >= 0 and extra < max(a.stride, a.dilation) for a, extra in rows)


def ones_and_zeros(problem: Problem, write: Writer) -> Lines:
    """A scale and a bias that change nothing, where the layer has none."""
    if problem.has_weight:
        return write(problem)
    line = "scale, B = np.ones_like(input_mean), np.zeros_like(input_mean)"
    return [line, *write(replace(problem, has_weight=True))]


# SciPy and OpenCV


def sums(call: str, kernels: str) -> str:
    """The text that sums a call of a and b over the channels, for every kernel."""
    return (
        "def cells(image, kernel):\n"
        f"    return sum({call} for a, b in zip(image, kernel))\n\n"
        f"y = np.stack([[cells(image, kernel) for kernel in {kernels}] for image in x])"
    )


def stuffed(problem: Problem, write: Writer) -> Lines:
    """Zeros between the cells of the input of a transposed convolution."""
    if set(problem.stride) == {1}:
        return write(problem)
    sizes = (str(reach_of(axis.output, axis.stride)) for axis in problem.window.axes)
    every = sliced(problem.layout.image, [f"::{s}" for s in problem.stride])
    return [
        f"stuffed = np.zeros((*x.shape[:2], {', '.join(sizes)}), x.dtype)",
        f"stuffed{every} = x",
        "x = stuffed",
        *write(problem),
    ]


def taps(problem: Problem, write: Writer) -> Lines:
    """The taps under which OpenCV finds the largest cell."""
    reach = tuple(axis.reach for axis in problem.window.axes)
    every = sliced("*", [f"::{d}" for d in problem.dilation])
    return [f"taps = np.zeros({reach}, np.uint8)", f"taps{every} = 1", *write(problem)]
