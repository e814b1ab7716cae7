"""Data that Python and the pages' JavaScript both read, said once: lengths, limits, words."""

from __future__ import annotations

from typing import Any

from allconv.intake.refusals import SENTENCES
from allconv.picture.palette import DARK, LIGHT
from allconv.window import PADDING_NAMES

OPERATORS = ("conv", "true_conv", "conv_transpose", "local", "linear", "max_pool", "avg_pool")

LIMITS: dict[str, Any] = {
    # input, kernel: the largest sizes; span: the longest side with its padding and zeros
    "line": {"input": 16, "kernel": 7, "span": 40},
    "plane": {"input": 9, "kernel": 5, "span": 26},
    "stride": 4,
    "dilation": 4,
    "spread": 3,
    "padding": (-3, 8),
    "channels": 4,
    "outputs": 8,  # of a linear layer
}
"""The largest geometry that a page draws."""

LAYOUT: dict[str, float] = {
    # lengths in pixels, or in cells where the name says so
    "narrow": 620,  # below this width the panels stand below each other
    "unit": 46,  # the side of a cell
    "unitLine": 60,  # of a layer with one axis
    "unitVertical": 36,
    "unitLeast": 14,
    "height": 400,
    "gapVertical": 14,
    "gapLeast": 44,
    "gapMost": 120,
    "gapUnit": 40,  # the side of a cell that gaps leave room for
    "margin": 16,
    "caption": 44,
    "captionVertical": 26,
    "captionAbove": 14,
    "captionSize": 14,
    "captionLetter": 7,  # how wide a letter of a caption is, about
    "captionLeast": 210,
    "head": 10,
    "foot": 26,
    "planeGap": 0.7,  # in cells
    "plate": 6,
    "tagUnit": 18,  # smaller cells have no tags
    "tagBelow": 0.42,  # in cells
    "tagSize": 12,
    "round": 0.48,  # in cells
    "number": 0.38,  # in cells
    "numberWidth": 1.35,  # in cells: of all of its letters
    "baseline": 0.36,  # of the size of the letters
    "ghostUnit": 18,
    "dotUnit": 16,
    "dotInset": 4.5,
    "dotRadius": 1.8,
    "cornerUnit": 24,
    "cornerLetters": 5,
}

NAMES: dict[str, Any] = {
    "letters": {
        "ours": {"x": "x", "w": "w", "y": "y", "gx": "gx", "gw": "gw", "gy": "gy"},
        "slides": {"x": "I", "w": "W", "y": "O", "gx": "dL/dI", "gw": "dL/dW", "gy": "LO"},
    },
    "titles": {
        "x": "input",
        "w": "kernel",
        "y": "output",
        "gx": "gradient of the input",
        "gw": "gradient of the weights",
        "gy": "gradient that arrives",
        "flipped": "kernel, flipped",
        "local": "kernel of this place",
        "max": "no weights",
        "mean": "all equal",
    },
    "short": "gradient ",
    "operators": {
        "conv": "correlation",
        "true_conv": "true convolution",
        "conv_transpose": "transposed convolution",
        "local": "locally connected",
        "linear": "linear",
        "max_pool": "max pooling",
        "avg_pool": "average pooling",
    },
}


def shared_data() -> dict[str, Any]:
    """All of it, as a page holds it."""
    return {
        "refusals": SENTENCES,
        "operators": OPERATORS,
        "paddings": PADDING_NAMES,
        "limits": LIMITS,
        "layout": LAYOUT,
        "names": NAMES,
        "themes": {"light": LIGHT.variables(), "dark": DARK.variables()},
    }
