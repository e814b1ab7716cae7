"""Arrays by name, which show themselves in a few lines."""

from __future__ import annotations

from allconv.operators.base import Array, Spec
from allconv.text import counted, few_lines, printable

FEW = 100  # numbers that are shown


class Arrays(dict[str, Array]):
    """A dictionary of arrays by name; its `repr` tells what many numbers are, not each of them.

    >>> import numpy as np
    >>> Arrays({"0.weight": np.zeros((32, 3, 3, 3), np.float32)})
    Arrays(1 array, 864 numbers):
      0.weight  float32 (32, 3, 3, 3)
    """

    def __repr__(self) -> str:
        return few_lines(str(self))

    def __str__(self) -> str:
        numbers = sum(array.size for array in self.values())
        if numbers <= FEW:
            return dict.__repr__(self)
        names = [printable(name, 48) for name in self]
        wide = max(map(len, names))
        rows = [
            f"  {name:{wide}}  {Spec.of(array)}"
            for name, array in zip(names, self.values(), strict=True)
        ]
        return "\n".join([f"Arrays({counted(len(self), 'array')}, {numbers:,} numbers):", *rows])
