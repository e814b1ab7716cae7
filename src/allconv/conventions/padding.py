"""What "same" means: four rules, with their numbers."""

from __future__ import annotations

from allconv.intake.settings import whole
from allconv.window import named_padding, reach_of


def same_padding(
    input: int, kernel: int, *, stride: int = 1, dilation: int = 1, transposed: bool = False
) -> dict[str, tuple[int, int] | None]:
    """The zeros (low, high) of one axis that each rule called "same" means; None: refused there.

    Of a transposed convolution `input` is still its input; the zeros are those of the forward
    convolution, whose input is stride * input cells: SAME of that.

    >>> same_padding(4, 3, stride=2)
    {'torch': None, 'half': (1, 1), 'SAME': (0, 1), 'SAME_LOWER': (1, 0)}
    """
    numbers = {"input": input, "kernel": kernel, "stride": stride, "dilation": dilation}
    i, k, s, d = (whole(name, given, least=1) for name, given in numbers.items())
    size = i * s if transposed else i
    reach = reach_of(k, d) - 1
    in_torch = (reach // 2, reach - reach // 2) if s == 1 and not transposed else None
    return {
        "torch": in_torch,
        "half": None if reach % 2 else (reach // 2, reach // 2),
        "SAME": named_padding("same", size, k, stride=s, dilation=d),
        "SAME_LOWER": named_padding("same_lower", size, k, stride=s, dilation=d),
    }
