"""Another size of image is another table, not another kernel."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from allconv.engine.program import Program
from allconv.errors import LimitError, ShapeError
from allconv.operators.base import Spec
from allconv.trace import trace

SIZES = """
import numpy as np
from allconv import functional as F
from allconv.engine import compiler
draw = np.random.default_rng(0)
w, b = draw.standard_normal((16, 3, 3, 3)).astype(np.float32), np.zeros(16, np.float32)
for height, width in draw.integers(16, 120, (200, 2)):
    x = draw.standard_normal((1, 3, height, width)).astype(np.float32)
    y = F.conv2d(x, w, b, padding=1)
    assert y.shape == (1, 16, height, width)
print(compiler.compilations())
"""


@pytest.mark.slow
def test_two_hundred_sizes_compile_seven_times_at_most(tmp_path):
    """Convolving images of 200 sizes compiles at most 7 routines, the runner's two included."""
    environment = {"ALLCONV_CACHE": str(tmp_path / "cache"), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", SIZES], env=environment, capture_output=True, text=True, check=True
    )
    assert 1 <= int(done.stdout) <= 7


def test_another_shape_is_an_error_naming_both():
    """A program refuses arrays of another shape."""
    program = Program(trace(lambda x: x + 1.0, Spec((2, 3)), names=["x"]).graph)
    with pytest.raises(ShapeError, match=r"x is float32 \(2, 4\).*float32 \(2, 3\)"):
        program(np.zeros((2, 4), np.float32))


def test_what_does_not_fit_in_memory_is_an_error():
    """A result far larger than the memory is refused, not attempted."""
    traced = trace(lambda x: x.reshape(1, -1) + x.reshape(-1, 1), Spec((2**24,)))
    with pytest.raises(LimitError, match="memory"):
        Program(traced.graph)(np.zeros(2**24, np.float32))


@pytest.mark.parametrize(
    "odd",
    [
        lambda x: x[:, :, ::-1],
        lambda x: x[:, :, :, ::2],
        lambda x: np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1),
        lambda x: x.astype(x.dtype.newbyteorder()),
        lambda x: np.asfortranarray(x),
        lambda x: np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
        lambda x: np.broadcast_to(x[:1], x.shape),
    ],
    ids=["reversed", "step", "channels-last", "byte-swapped", "fortran", "misaligned", "broadcast"],
)
def test_any_memory_layout_gives_the_same_numbers(odd):
    """Odd strides, byte orders and alignments give what a contiguous copy gives."""
    from allconv import functional as F

    draw = np.random.default_rng(0)
    x = odd(draw.standard_normal((2, 3, 8, 8)).astype(np.float32))
    w = draw.standard_normal((4, 3, 3, 3)).astype(np.float32)
    plain = np.ascontiguousarray(x, dtype=np.float32)
    np.testing.assert_array_equal(F.conv2d(x, w), F.conv2d(plain, w))
    read_only = plain.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(F.conv2d(read_only, w), F.conv2d(plain, w))
