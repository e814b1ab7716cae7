"""What is special to one framework: short functions that its row of the table names.

Settings give what a word of a call is given, rules say whether a call has a word for something,
steps write lines around a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allconv.conventions.layouts import letters
from allconv.conventions.sized_layer import Ends, SizedLayer
from allconv.conventions.steps import Lines, Writer, is_full, sliced
from allconv.window import reach_of

# torch


def tensors(layer: SizedLayer, write: Writer) -> Lines:
    """The arrays made tensors first."""
    return [*(f"{name} = torch.as_tensor({name})" for name in layer.arrays), *write(layer)]


def torch_pad(name: str, ends: Sequence[tuple[int, int]], layout: str, fill: str) -> Lines:
    """Padding is spelled from the last axis on, and crops where it is negative."""
    flat = tuple(end for pair in reversed(ends) for end in pair)
    return [f"{name} = F.pad({name}, {flat}{fill})"] if any(flat) else []


def one_number(layer: SizedLayer) -> bool:
    """Whether one number an axis gives the same outputs."""
    rows = zip(layer.window.axes, layer.low, strict=True)
    return all(low >= 0 and axis.fitting(low, low) == axis.output for axis, low in rows)


def half(layer: SizedLayer) -> bool:
    """Whether it does, and is at most half of the kernel, as pooling has it."""
    return one_number(layer) and all(2 * a.padding <= a.kernel for a in layer.window.axes)


def torch_extra(layer: SizedLayer) -> tuple[int, ...] | None:
    """The output padding: outputs beyond those that the low padding on both sides leaves."""
    if layer.kind != "transposed":
        return None
    return tuple(axis.padding - axis.high for axis in layer.window.axes)


def torch_transposes(layer: SizedLayer) -> bool:
    """Whether padding and output padding say the outputs."""
    rows = zip(layer.window.axes, torch_extra(layer) or (), strict=True)
    return all(a.padding >= 0 and 0 <= extra < max(a.stride, a.dilation) for a, extra in rows)


# TensorFlow and Keras. SAME is not said of strides that are taken after the call: its zeros depend
# on them.


def tf_same(layer: SizedLayer) -> bool:
    """Whether there is padding that is SAME."""
    if layer.kind == "transposed":  # with groups or a dilation there are steps for it
        return layer.is_same and layer.groups == 1 and set(layer.dilation) == {1}
    return layer.is_padded and layer.is_same and not tf_strides_after(layer)


def tf_strides_after(layer: SizedLayer) -> bool:
    """Strides that a call has not: along with dilations, and those of pooling beyond its window."""
    beyond = any(axis.stride > axis.kernel for axis in layer.window.axes)
    return layer.strides_taps or (beyond and "pooling" in layer.kind)


def tf_padding(layer: SizedLayer) -> str:
    """The word for the padding."""
    return "SAME" if tf_same(layer) else "VALID"


def tf_transposes(layer: SizedLayer) -> bool:
    """Whether the outputs are those of SAME or VALID."""
    return tf_same(layer) or is_full(layer)


def tf_shape(layer: SizedLayer, write: Writer) -> Lines:
    """The size of the outputs, which a transposed convolution is told."""
    sizes = ", ".join(map(str, layer.window.input))
    return [f"shape = (x.shape[0], {sizes}, kernel.shape[-2])", *write(layer)]


def uneven(layer: SizedLayer) -> bool:
    """Strides that a depthwise layer has not: different ones, or along with dilations."""
    return layer.strides_taps or len(set(layer.stride)) > 1


def keras_layer(made: str) -> str:
    """The text that makes a layer, gives it its weights and calls it."""
    lines = "layer.build(x.shape)\nlayer.set_weights([{weights}])\ny = layer(x)"
    return f"layer = keras.layers.{made}\n{lines}"


def keras_bias(layer: SizedLayer) -> bool | None:
    """Layers with a kernel have a bias unless told otherwise."""
    return None if layer.has_bias or "pool" in layer.kind else False


def keras_groups(layer: SizedLayer) -> int | None:
    """The groups, but of a depthwise layer, which has one a channel."""
    return None if layer.groups == 1 or "depthwise" in layer.kinds else layer.groups


def keras_padding(layer: SizedLayer) -> str:
    """The word for the padding; "valid" where there is none."""
    if layer.kind == "transposed":
        whole = all(a.input == a.stride * a.output for a in layer.window.axes)
        return "same" if layer.is_same and whole and not layer.strides_taps else "valid"
    after = uneven(layer) if "depthwise" in layer.kinds else layer.strides_taps
    if layer.is_padded and layer.is_same and not after:
        return "same"
    causal = layer.axes == 1 and layer.kind == "convolution" and layer.is_padded
    if causal and layer.ends == ((layer.window.axes[0].reach - 1, 0),):
        return "causal"
    return "valid"


def keras_names(layer: SizedLayer) -> bool:
    """Whether there is a word for the padding."""
    return keras_padding(layer) != "valid"


# JAX


def dimensions(layer: SizedLayer) -> tuple[str, str, str]:
    """Letters; those of a kernel are read as of a convolution, also of a transposed one."""
    image = letters(layer.layout.image, layer.axes)
    return image, letters(layer.layout.convolution, layer.axes), image


def jax_ends(layer: SizedLayer) -> Ends:
    """The padding of the zero-stuffed input of a transposed convolution."""
    return tuple((a.reach - 1 - a.padding, a.reach - 1 - a.high) for a in layer.window.axes)


# ONNX


def node(kind: str, given: str = "") -> str:
    """The text that makes a node and runs it."""
    made = f'helper.make_node("{kind}", [{{quoted}}], ["y"]{given}{{settings}})'
    return f"node = {made}\n(y,) = ReferenceEvaluator(node).run(None, {{{{{{fed}}}}}})"


def pads(layer: SizedLayer) -> tuple[int, ...] | None:
    """All lows, then all highs, where they are above 0: those below are cropped or made outputs."""
    lows, highs = zip(*layer.ends, strict=True)
    given = tuple(max(end, 0) for end in (*lows, *highs))
    return given if any(given) else None


def onnx_extra(layer: SizedLayer) -> tuple[int, ...] | None:
    """The output padding: outputs beyond the cells that a transposed convolution writes."""
    if layer.kind != "transposed":
        return None
    return tuple(max(-axis.high, 0) for axis in layer.window.axes)


def onnx_transposes(layer: SizedLayer) -> bool:
    """Whether pads and output padding say the outputs."""
    rows = zip(layer.window.axes, onnx_extra(layer) or (), strict=True)
    return all(a.padding >= 0 and extra < max(a.stride, a.dilation) for a, extra in rows)


def ones_and_zeros(layer: SizedLayer, write: Writer) -> Lines:
    """A scale and a bias that change nothing, where the layer has none."""
    if layer.has_weight:
        return write(layer)
    line = "scale, B = np.ones_like(input_mean), np.zeros_like(input_mean)"
    return [line, *write(replace(layer, has_weight=True))]


# SciPy and OpenCV


def sums(call: str, kernels: str) -> str:
    """The text that sums a call of a and b over the channels, for every kernel."""
    return (
        "def cells(image, kernel):\n"
        f"    return sum({call} for a, b in zip(image, kernel))\n\n"
        f"y = np.stack([[cells(image, kernel) for kernel in {kernels}] for image in x])"
    )


def stuffed(layer: SizedLayer, write: Writer) -> Lines:
    """Zeros between the cells of the input of a transposed convolution."""
    if set(layer.stride) == {1}:
        return write(layer)
    sizes = (str(reach_of(axis.output, axis.stride)) for axis in layer.window.axes)
    every = sliced(layer.layout.image, [f"::{s}" for s in layer.stride])
    return [
        f"stuffed = np.zeros((*x.shape[:2], {', '.join(sizes)}), x.dtype)",
        f"stuffed{every} = x",
        "x = stuffed",
        *write(layer),
    ]


def taps(layer: SizedLayer, write: Writer) -> Lines:
    """The taps under which OpenCV finds the largest cell."""
    reach = tuple(axis.reach for axis in layer.window.axes)
    every = sliced("*", [f"::{d}" for d in layer.dilation])
    return [f"taps = np.zeros({reach}, np.uint8)", f"taps{every} = 1", *write(layer)]
