"""The lecture's examples as states of the operator page."""

from __future__ import annotations

import numpy as np

from allconv.conventions.lecture import IMAGE, KERNEL
from allconv.show.stage.names import plain

_TRANSPOSED_X = (25.535583, 28.583742, 23.470192, 20.622599)
_TRANSPOSED_W = (0.13429713, 1.9649408, 0.74939513, 0.6982393, 1.2397809, 1.4247327,
                 1.5534406, 0.1190145, 1.3256309)  # fmt: skip
_POOLED_X = (0.58009243, 1.1895669, 2.6777048, 0.15597591, -0.94100916, -0.7437242, -1.0578039,
             -0.30651447, 0.53753567, 0.10521288, -0.43827865, -0.7727399, -0.42974523, -1.669584,
             -0.92768306, -0.19861951)  # fmt: skip


def _numbers(values: object) -> str:
    return ",".join(map(plain, np.array(values, float).ravel().tolist()))


_LINE = "dim=1&input=4&kernel=3&x=1,2,3,4&w=1,2,3"

EXAMPLES = (
    ("1-D correlation", f"op=conv&{_LINE}"),
    ("1-D true convolution", f"op=true_conv&{_LINE}"),
    ("half padding, stride 2", f"op=conv&{_LINE}&stride=2&padding=half"),
    (
        "two channels, 4 × 4, to two",
        f"op=conv&input=4x4&kernel=2x2&channels=2-2&x={_numbers(IMAGE)}&w={_numbers(KERNEL)}",
    ),
    ("dL/dW = Correlation(I, LO)", f"op=conv&{_LINE}&g=1,1&leave=w&letters=slides"),
    ("dL/dI = Correlation(W_pad, LO_flip)", f"op=conv&{_LINE}&g=1,1&leave=x&letters=slides"),
    ("dilation 2", "op=conv&input=7x7&kernel=3x3&dilation=2x2&at=4"),
    ("the 4 × 4 matrix", "op=conv&input=4x4&kernel=3x3"),
    (
        "transposed, 3 × 3, stride 2",
        "op=conv_transpose&input=2x2&kernel=3x3&stride=2x2&at=12"
        f"&x={_numbers(_TRANSPOSED_X)}&w={_numbers(_TRANSPOSED_W)}",
    ),
    ("locally connected", "op=local&input=4x4&kernel=3x3"),
    ("a linear layer is a window as large as its input", "op=linear&input=3x3&channels=1-2"),
    ("depthwise", "op=conv&input=5x5&kernel=3x3&channels=2-2&groups=2"),
    (
        "max pooling, 2 × 2, its gradient",
        f"op=max_pool&input=4x4&kernel=2x2&stride=2x2&leave=x&x={_numbers(_POOLED_X)}&g=1,1,1,1",
    ),
)
"""Titles and addresses."""
