"""The worked examples of the lecture, computed when asked for and compared with what is printed.

The lecture is "Deep Learning (for Computer Vision)" by Arjun Jain. An `Example` holds the inputs,
the calls of allconv that compute it, and the result as printed; `check` computes them all.

prose         what the page says: the parts of the lecture, and what stands in them
example       an example, and what its check found
printed       printed numbers, and when ours agree with them
letters       results in letters
correlation, channels, counts, tensorflow, gradients, transposed, dense, pooling, networks
              the examples, a subject a file
page, worksheet
              all of it as HTML; figures, pictures, charts, listings and kept are its parts
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from allconv.errors import ArgumentError
from allconv.lecture import (
    channels,
    correlation,
    counts,
    dense,
    gradients,
    networks,
    pooling,
    tensorflow,
    transposed,
)
from allconv.lecture.example import Example, Result
from allconv.lecture.prose import PLAN

_SUBJECTS = (
    channels, correlation, counts, tensorflow, gradients, transposed, dense, pooling, networks,
)  # fmt: skip


def examples() -> tuple[Example, ...]:
    """All examples, in the order of the lecture.

    >>> examples()[-1].name in [each.name for each in examples()]
    True
    """
    found = (each for subject in _SUBJECTS for each in vars(subject).values())
    own = (each for each in found if isinstance(each, Example))
    parts = [part.name for part in PLAN]
    return tuple(sorted(own, key=lambda example: parts.index(example.part)))


def find(name: str) -> Example:
    """The example of a name.

    >>> find("correlation").printed
    '14 20'
    """
    for example in examples():
        if example.name == name:
            return example
    names = [example.name for example in examples()]
    near = ", ".join(get_close_matches(name, names)) or f"{', '.join(names[:3])} and others"
    raise ArgumentError(f"there is no example {name!r}; there are {len(names)}: {near}")


def check(chosen: Iterable[Example] | None = None) -> tuple[Result, ...]:
    """Compute examples (all of them unless some are given) and compare with what is printed.

    >>> (found,) = check([find("correlation")])
    >>> found.verdict, found.ours
    ('yes', array([14., 20.]))
    """
    return tuple(example.check() for example in (examples() if chosen is None else chosen))


__all__ = ["Example", "Result", "check", "examples", "find"]
