"""What the sliding-window functions refuse: at least a dozen mistakes of each family.

Every message begins with the function and names the argument, what was given and what would do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allconv import functional as F
from allconv.errors import ArgumentError, Error, LimitError, ShapeError

X = np.ones((2, 4, 8, 8))
W = np.ones((6, 4, 3, 3))
BACK = np.ones((4, 6, 3, 3))
LOCAL = np.ones((6, 4, 3, 3, 6, 6))
LOCAL_BACK = np.ones((4, 6, 3, 3, 8, 8))
CHANNELS_LAST = np.ones((2, 8, 8, 4))
HUGE = 2**40

# What is wrong -> (the weights or other operands, settings, what the message says).
Row = tuple[tuple[Any, ...], dict[str, Any], type[Error], str]

WINDOW = {  # of every function with a window
    "stride 0": ({"stride": 0}, ArgumentError, "stride is 0; it must be at least 1"),
    "stride negative": ({"stride": (1, -2)}, ArgumentError, "stride is -2"),
    "stride of 3": ({"stride": (1, 1, 1)}, ArgumentError, "one number, or 2 of them"),
    "stride a fraction": ({"stride": 1.5}, ArgumentError, "stride is 1.5; a whole number"),
    "stride a boolean": ({"stride": True}, ArgumentError, "stride is True; a whole number"),
    "stride huge": ({"stride": HUGE}, ArgumentError, f"stride is {HUGE}; at most"),
    "stride a name": ({"stride": "half"}, ArgumentError, "stride is 'half'"),
    "padding huge": ({"padding": HUGE}, ArgumentError, f"padding is {HUGE}; at most"),
    "padding a fraction": ({"padding": 0.5}, ArgumentError, "padding is 0.5; a whole number"),
}
DILATED = {
    "dilation 0": ({"dilation": 0}, ArgumentError, "dilation is 0; it must be at least 1"),
    "dilation negative": ({"dilation": (-1, 1)}, ArgumentError, "dilation is -1"),
    "dilation of 1": ({"dilation": (1,)}, ArgumentError, "one number, or 2 of them"),
}
WEIGHTED = {
    "groups 0": ({"groups": 0}, ArgumentError, "groups is 0; it must be at least 1"),
    "groups negative": ({"groups": -2}, ArgumentError, "groups is -2"),
    "groups of 5": ({"groups": 5}, ShapeError, "groups=5 does not divide its first axis"),
    "padding unknown": ({"padding": "round"}, ArgumentError, 'padding is "round"; the names are'),
    "padding of 1 pair": ({"padding": ((1, 1),)}, ArgumentError, "2 pairs (low, high)"),
    "padding triple": ({"padding": ((1, 1, 1), (0, 0))}, ArgumentError, "each pair is (low, high)"),
    "bias": ({"bias": np.ones(5)}, ShapeError, "bias is (5,);"),
    "bias of integers": ({"bias": np.ones(6, int)}, ArgumentError, "bias is int64; pass bias.asty"),
}
POOLED = {
    "kernel 0": ({"kernel_size": 0}, ArgumentError, "kernel_size is 0; it must be at least 1"),
    "kernel negative": ({"kernel_size": (2, -1)}, ArgumentError, "kernel_size is -1"),
    "kernel of 3": ({"kernel_size": (2, 2, 2)}, ArgumentError, "one number, or 2 of them"),
    "kernel too large": ({"kernel_size": 9}, ShapeError, "kernel of 9 does not fit the padded"),
    "kernel a fraction": ({"kernel_size": 2.0}, ArgumentError, "kernel_size is 2.0"),
}
PADDED = {
    "padding over half": ({"padding": 2}, ArgumentError, "padding is 2; at most half of kernel_si"),
    "padding negative": ({"padding": -1}, ArgumentError, "padding is -1; it must be at least 0"),
    "padding of 1": ({"padding": (1,)}, ArgumentError, "one number, or 2 of them"),
    "padding a name": ({"padding": "same"}, ArgumentError, "padding is 'same'; a whole number"),
}
INPUTS = {  # of every function of images
    "rank 3": (X[0], ShapeError, "x has 3 axes, (4, 8, 8); (N, C, 2 sizes) is expected; pass x["),
    "rank 5": (X[None], ShapeError, "x has 5 axes"),
    "no channels": (X[:, :0], ShapeError, "x is (2, 0, 8, 8): a size is 0"),
    "no pixels": (X[..., :0], ShapeError, "x is (2, 4, 8, 0): a size is 0"),
    "integers": (X.astype(int), ArgumentError, "x is int64; pass x.astype(np.float32)"),
    "truth values": (X.astype(bool), ArgumentError, "x is bool; pass x.astype(np.float32)"),
    "float16": (X.astype(np.float16), ArgumentError, "x is float16; pass x.astype(np.float32)"),
    "complex": (
        X.astype(complex),
        ArgumentError,
        "x is complex128; float32 or float64 is expected",
    ),
    "objects": (X.astype(object), ArgumentError, "x is object; float32 or float64 is expected"),
    "text": (np.array("x"), ArgumentError, "float32 or float64 is expected"),
}
MATCHED = {
    "channels": (X[:, :3], ShapeError, "with 3 channels; weight is"),
    "channels last": (CHANNELS_LAST, ShapeError, "looks channels-last: pass np.moveaxis(x, -1, 1)"),
}
TRANSPOSED = {
    "output_padding of stride": (
        {"stride": 2, "output_padding": 2},
        ArgumentError,
        "output_padding is 2; it must be below the stride 2 or dilation 1",
    ),
    "output_padding and a size by name": (
        {"stride": 2, "output_padding": 1, "padding": "same"},
        ArgumentError,
        'padding="same" says the size of the output; give output_padding or that, not both',
    ),
    "output_padding negative": ({"output_padding": -1}, ArgumentError, "output_padding is -1"),
    "output_padding of 3": ({"output_padding": (0, 0, 0)}, ArgumentError, "one number, or 2"),
    "output_size out of reach": (
        {"stride": 2, "output_size": 99},
        ArgumentError,
        "output_size is 99 on axis 0; 17 to 18 are possible",
    ),
    "output_size of 3": ({"output_size": (9, 9, 9)}, ArgumentError, "one number, or 2 of them"),
    "output_size 0": ({"output_size": 0}, ArgumentError, "output_size is 0"),
    "both": (
        {"stride": 2, "output_padding": 1, "output_size": 18},
        ArgumentError,
        "give output_padding or output_size, not both",
    ),
    "padding eats all": ({"padding": 9}, ShapeError, "use less padding"),
}
FAMILIES: dict[str, tuple[tuple[Any, ...], dict[str, Any], list[dict[str, Any]]]] = {
    "conv2d": ((W,), {}, [WINDOW, DILATED, WEIGHTED, INPUTS, MATCHED]),
    "conv_transpose2d": ((BACK,), {}, [WINDOW, DILATED, WEIGHTED, INPUTS, MATCHED, TRANSPOSED]),
    "locally_connected2d": ((LOCAL,), {}, [WINDOW, DILATED, WEIGHTED, INPUTS, MATCHED]),
    "locally_connected_transpose2d": (
        (LOCAL_BACK,), {}, [WINDOW, DILATED, WEIGHTED, INPUTS, MATCHED, TRANSPOSED],
    ),
    "max_pool2d": ((), {"kernel_size": 3}, [WINDOW, DILATED, POOLED, PADDED, INPUTS]),
    "avg_pool2d": ((), {"kernel_size": 3}, [WINDOW, POOLED, PADDED, INPUTS]),
    "unfold": ((), {"kernel_size": 3}, [WINDOW, DILATED, POOLED, INPUTS]),
}  # fmt: skip


def rows() -> list[Any]:
    """One call an argument that is wrong."""
    made = []
    for name, (operands, settings, tables) in FAMILIES.items():
        for table in tables:
            for what, (wrong, error, message) in table.items():
                x, given = (
                    (X, {**settings, **wrong}) if isinstance(wrong, dict) else (wrong, settings)
                )
                if name.endswith("transpose2d") and what == "groups of 5":
                    given = {"groups": 3}
                    message = "groups=3 does not divide its first axis"
                made.append(
                    pytest.param(name, x, operands, given, error, message, id=f"{name} {what}")
                )
    return made


ROWS = rows()


@pytest.mark.parametrize(("name", "x", "operands", "given", "error", "message"), ROWS)
def test_refused(
    name: str, x: Any, operands: Any, given: Any, error: type[Error], message: str
) -> None:
    """A mistake in one argument of each function of the family."""
    with pytest.raises(error) as refused:
        getattr(F, name)(x, *operands, **given)
    text = str(refused.value)
    assert text.startswith(f"{name}: ")
    assert message in text


def test_a_dozen_each() -> None:
    """No family has fewer than a dozen."""
    names = [row.values[0] for row in ROWS]
    assert all(names.count(name) >= 12 for name in FAMILIES)


Y, INDEX = F.max_pool2d(X, 2, return_indices=True)
OTHERS = {
    "kernel of weights": (lambda: F.conv2d(X, np.ones((6, 4, 9, 3))), ShapeError, "kernel of 9"),
    "kernel by dilation": (lambda: F.conv2d(X, W, dilation=4), ShapeError, "it reaches over 9"),
    "no kernel": (lambda: F.conv2d(X, W[..., :0]), ShapeError, "weight is (6, 4, 3, 0): a size"),
    "rank of weights": (lambda: F.conv2d(X, W[0]), ShapeError, "weight has 3 axes, (4, 3, 3)"),
    "crop of all": (lambda: F.conv2d(X, W, padding=-4), ShapeError, "padded input of 0"),
    "zeros in between": (
        lambda: F.conv2d(X, W, input_dilation=2, padding=1, padding_mode="reflect"),
        ArgumentError,
        'only padding_mode="zeros" is defined',
    ),
    "mirror too small": (
        lambda: F.conv2d(X, W, padding=8, padding_mode="reflect"),
        ArgumentError,
        '"reflect" continues it by at most 7 cells each side',
    ),
    "wrapped twice": (
        lambda: F.pad(X, (9, 0), "circular"),
        ArgumentError,
        '"circular" continues it by at most 8 cells each side',
    ),
    "value of a mirror": (lambda: F.pad(X, (1, 1), "reflect", 2.0), ArgumentError, "value is 2.0"),
    "nothing left": (lambda: F.pad(X, (-8, 0), "replicate"), ArgumentError, "leaves nothing of an"),
    "nothing to repeat": (
        lambda: F.pad(X[..., :0], (1, 0), "replicate"),
        ArgumentError,
        "of an axis of 0",
    ),
    "cells of a local layer": (
        lambda: F.locally_connected2d(X, LOCAL[..., :5]),
        ShapeError,
        "for (6, 5) outputs; x (2, 4, 8, 8) has (6, 6)",
    ),
    "cells of its transpose": (
        lambda: F.locally_connected_transpose2d(X, LOCAL_BACK[..., :5]),
        ShapeError,
        "for (8, 5) cells; x is (2, 4, 8, 8)",
    ),
    "divisor 0": (lambda: F.avg_pool2d(X, 2, divisor_override=0), ArgumentError, "divisor_ove"),
    "norm 0": (lambda: F.lp_pool2d(X, 0, 2), ArgumentError, "norm_type is 0; a number above 0"),
    "norm negative": (lambda: F.lp_pool2d(X, -2, 2), ArgumentError, "norm_type is -2"),
    "norm NaN": (lambda: F.lp_pool2d(X, np.nan, 2), ArgumentError, "norm_type is nan"),
    "norm a boolean": (lambda: F.lp_pool2d(X, True, 2), ArgumentError, "norm_type is True"),
    "norm stride": (lambda: F.lp_pool2d(X, 2, 2, 0), ArgumentError, "stride is 0"),
    "adaptive 0": (lambda: F.adaptive_max_pool2d(X, 0), ArgumentError, "output_size is 0"),
    "adaptive of 3": (lambda: F.adaptive_max_pool2d(X, (1, 1, 1)), ArgumentError, "or 2, is e"),
    "adaptive huge": (
        lambda: F.adaptive_avg_pool2d(X, 2**31 - 1), ArgumentError, "at most 65536 is possible",
    ),
    "indices of floats": (lambda: F.max_unpool2d(Y, Y, 2), ArgumentError, "indices is float64"),
    "indices of another shape": (
        lambda: F.max_unpool2d(Y, INDEX[:1], 2), ShapeError, "the shape of x, (2, 4, 4, 4)",
    ),
    "indices outside": (
        lambda: F.max_unpool2d(Y, INDEX + 10, 2),
        ArgumentError,
        "an output of (8, 8) has the cells 0 to 63",
    ),
    "indices below 0": (lambda: F.max_unpool2d(Y, INDEX - 9, 2), ArgumentError, "reach from -9 to"),
    "unpooled size": (
        lambda: F.max_unpool2d(Y, INDEX, 2, output_size=11),
        ArgumentError,
        "output_size is 11 on axis 0; 7 to 9 are possible",
    ),
    "unpooled shape": (
        lambda: F.max_unpool2d(Y, INDEX, 2, output_size=(1, 4, 8, 8)),
        ArgumentError,
        "x has the batch and channels (2, 4)",
    ),
    "unpooled padding": (
        lambda: F.max_unpool2d(Y, INDEX, 2, padding=9), ShapeError, "use less padding",
    ),
    "columns of another kernel": (
        lambda: F.fold(np.ones((1, 5, 4)), 3, 2), ShapeError, "multiple of the 4 taps is expected",
    ),
    "columns of another size": (
        lambda: F.fold(np.ones((1, 8, 5)), 3, 2), ShapeError, "outputs (2, 2), 4 in all",
    ),
    "columns as an image": (lambda: F.fold(X, 3, 2), ShapeError, "(N, C*K, P) is expected"),
    "patches without end": (
        lambda: F.unfold(X, 3, padding=2**30), LimitError, "more than 4194304 along an axis",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_refused_too(what: str) -> None:
    """Mistakes that are one function's own."""
    call, error, message = OTHERS[what]
    with pytest.raises(error) as refused:
        call()
    assert message in str(refused.value)


@pytest.mark.parametrize("name", FAMILIES)
def test_an_empty_batch_is_legal(name: str) -> None:
    """No images in, none out; sizes are those of a batch of one."""
    operands, settings, _ = FAMILIES[name]
    function = getattr(F, name)
    one, none = function(X[:1], *operands, **settings), function(X[:0], *operands, **settings)
    assert none.shape == (0, *one.shape[1:])


def test_an_empty_batch_of_others() -> None:
    """Adaptive, norm and unpooling, patches and borders take an empty batch too."""
    x = X[:0]
    assert F.adaptive_avg_pool2d(x, 3).shape == (0, 4, 3, 3)
    assert [each.shape for each in F.adaptive_max_pool2d(x, 3, return_indices=True)] == [
        (0, 4, 3, 3)
    ] * 2
    assert F.lp_pool2d(x, 2, 2).shape == (0, 4, 4, 4)
    assert F.max_unpool2d(Y[:0], INDEX[:0], 2).shape == (0, 4, 8, 8)
    assert F.fold(F.unfold(x, 3), 8, 3).shape == (0, 4, 8, 8)
    assert F.pad(x, (1, 1), "reflect").shape == (0, 4, 8, 10)
    assert F.conv2d(x, W, padding=1, padding_mode="circular").shape == (0, 6, 8, 8)
