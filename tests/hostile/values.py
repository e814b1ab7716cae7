"""Hostile and plain arguments, as the Python that makes them: a failure prints what to paste.

`WORDS` is what the text may use. Plain arguments go by the name of the parameter, so that calls
come far enough to be broken by the one that is not.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

import allconv as ac
from allconv import functional, nn, sizes
from hostile import objects

WORDS: dict[str, Any] = {"ac": ac, "F": functional, "nn": nn, "np": np, "sizes": sizes}
WORDS |= {name: made for name, made in vars(objects).items() if not name.startswith("_")}

NUMBERS = (
    "0", "-1", "1", "2", "True", "False", "0.5", "-0.0", "1e-320", "1e300", "float('nan')",
    "float('inf')", "-float('inf')", "65535", "65536", "10**6", "2**31 - 1", "2**31", "-2**31",
    "2**62", "2**63", "-2**63", "2**64", "10**30", "10**400", "-10**400", "10**5000",
    "np.int64(2)", "np.int8(1)", "np.uint64(2**63)",
    "np.float16(2)", "np.float32(1.5)", "np.longdouble(1)", "np.bool_(True)", "np.array(2)",
    "np.array(2.5)", "np.array(True)", "np.ma.masked", "OwnInt(2)", "1j", "np.datetime64('NaT')",
)  # fmt: skip
NAMES = (
    "''", "'same'", "'half'", "'causal'", "'zeros'", "'none'", "'mean'", "'tanh'", "'x' * 10**5",
    "'\\x1b[31m\\n'", "b'same'", "'\\ud800'", "np.str_('same')", "'float32'", "'int64'",
)  # fmt: skip
GROUPS = (
    "None", "()", "[]", "{}", "(1,)", "(1, 1)", "(2, 2, 2)", "((1, 1),)", "((1, 0), (0, 1))",
    "(0, 1)", "[1, [2]]", "(1, 2.5)", "(None, 1)", "('same', 1)", "(2**62, 2**62)", "(10**400, 1)",
    "range(2)", "range(10**12)", "range(10**30)", "[1] * 10**5", "np.array([1, 1])",
    "np.array([[1, 1], [1, 1]])",
    "np.array([1.5, 1])", "np.array([], int)", "np.array([2**63], np.uint64)", "OwnList([1, 1])",
    "np.ma.array([1, 2], mask=[0, 1])", "{1: 2}", "{1, 2}", "iter([1, 1])", "(True, False)",
    "deep_list()", "looped_list()", "[[1.0], [1.0, 2.0]]", "Failing()", "[Failing()]", "object()",
    "int", "len", "nn.ReLU()", "nn.ReLU", "lambda x: x", "Ellipsis", "slice(None)", "np.float64",
    "memoryview(b'abcd')", "bytearray(8)", "NotImplemented",
)  # fmt: skip
SHAPES = (
    "()", "(0,)", "(3,)", "(2, 3)", "(1, 2, 5)", "(0, 2, 5)", "(2, 2, 0)", "(1, 2, 4, 5)",
    "(2, 1, 3, 3)", "(1, 2, 3, 3, 3)", "(1,) * 8", "(1,) * 30", "(1,) * 31", "(1,) * 32",
    "(1,) * 33", "(1,) * 64",
)  # fmt: skip
KINDS = (
    "np.ones({}, np.float32)", "np.ones({})", "np.ones({}, np.float32)", "np.ones({})",
    "np.zeros({}, np.float32)", "np.full({}, np.nan)", "np.full({}, -np.inf, np.float32)",
    "np.full({}, 3e38, np.float32)", "np.full({}, 1e-45, np.float32)", "np.ones({}, np.float16)",
    "np.ones({}, np.longdouble)", "np.ones({}, int)", "np.ones({}, np.uint8)", "np.ones({}, bool)",
    "np.ones({}, complex)", "np.full({}, None)", "np.full({}, 'a')", "np.ones({}, 'M8[s]')",
    "np.ones({}, [('a', int)])", "swapped({})", "frozen({})", "backwards({})", "misaligned({})",
    "masked({})", "masked({}, hidden=False)", "np.ones({}).view(OwnArray)", "np.ones({}).tolist()",
    "np.broadcast_to(np.float32(1), {})",
)  # fmt: skip

PLAIN: dict[str, tuple[str, ...]] = {
    "x": ("np.ones((2, 2), np.float32)", "np.ones((1, 2, 5), np.float32)",
          "np.ones((1, 2, 4, 5), np.float32)", "np.ones((1, 2, 3, 3, 3), np.float32)"),
    "weight": ("np.ones((3, 2), np.float32)", "np.ones((2, 2, 3), np.float32)",
               "np.ones((2, 2, 3, 3), np.float32)", "np.ones((2, 2, 3, 3, 3), np.float32)"),
    "w": ("np.ones(2)", "np.ones((2, 2))"),
    "y": ("np.ones(4)", "np.ones((3, 3))"),
    "bias": ("np.ones(2, np.float32)", "None"),
    "indices": ("np.zeros((2, 2), int)", "np.zeros((1, 2, 5), int)", "np.zeros((1, 2, 4, 5), int)",
                "np.zeros((1, 2, 3, 3, 3), int)"),
    "target": ("np.zeros(2, int)", "np.zeros((1, 5), int)", "np.zeros((1, 4, 5), int)",
               "np.zeros((1, 3, 3, 3), int)"),
    "arrays": ("[np.ones((1, 2)), np.ones((1, 2))]",),
    "running_mean": ("np.zeros(2, np.float32)",), "running_var": ("np.ones(2, np.float32)",),
    "padding": ("0", "1", "'same'", "(1, 1)"), "pad": ("(1, 1)", "(1, 0, 0, 1)"),
    "mode": ("'reflect'", "'constant'"), "padding_mode": ("'zeros'", "'circular'"),
    "output_size": ("2", "(2, 2)", "None"), "norm_type": ("2", "3.0"), "seed": ("0", "None"),
    "approximate": ("'none'", "'tanh'"), "reduction": ("'sum'", "'none'"), "p": ("0.5",),
    "dim": ("0", "-1", "1"), "axis": ("0", "-1"), "start_dim": ("0", "1"), "end_dim": ("-1",),
    "input_size": ("5",), "threads": ("1",), "beta": ("1.0",),
    "momentum": ("0.1",), "eps": ("1e-5",), "value": ("0.0",), "shape": ("(1, 2, 5)",),
}  # fmt: skip
COUNTS = ("1", "2", "1", "2", "3")  # of parameters that have no line above
FLAGS = ("True", "False")
BY_AXES = {"x", "weight", "indices", "target"}  # one a number of axes: none, one, two, three


def hostile(draw: Random) -> str:
    """Anything but what is expected."""
    return draw.choice((draw_array, *(_any,) * 3))(draw)


def _any(draw: Random) -> str:
    return draw.choice(draw.choice((NUMBERS, NAMES, GROUPS)))


def draw_array(draw: Random) -> str:
    """An array of any kind and shape."""
    return draw.choice(KINDS).format(draw.choice(SHAPES))


def plain(draw: Random, name: str, axes: int, default: object = None) -> str:
    """An argument that may well do for a parameter of this name, of images of so many axes."""
    if name in BY_AXES:
        return PLAIN[name][axes]
    return draw.choice(FLAGS if isinstance(default, bool) else PLAIN.get(name, COUNTS))
