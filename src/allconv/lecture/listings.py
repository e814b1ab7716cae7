"""The TensorFlow listings of the slides as programs of this package, and what they print.

They stand in `listings.md`: below each heading what the slide has, the program, and what that
prints; then what is not plain about it. Each runs after `PREAMBLE`, which stands before them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from allconv.lecture.prose import joined, paragraphs, sections, text_of

_FENCED = re.compile(r"^```\w+\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Listing:
    """A listing of the slides.

    slide    what stands there, in short
    code     the same here; it runs after the preamble
    output   what it prints
    trick    what is not plain about it, as paragraphs of `cells.words`
    """

    name: str
    title: str
    slide: str
    code: str
    output: str
    trick: tuple[str, ...]


def _listing(name: str, title: str, text: str) -> Listing:
    slide, code, output = _FENCED.findall(text)
    trick = map(joined, paragraphs(_FENCED.sub("", text)))
    return Listing(name, title, slide, code, output, tuple(trick))


_BEFORE, *_LISTED = sections(text_of("listings.md"))
(PREAMBLE,) = _FENCED.findall(_BEFORE[2])
LISTINGS = tuple(_listing(*each) for each in _LISTED)


def listing(name: str) -> Listing:
    """The listing of a name; KeyError for an unknown name."""
    return {each.name: each for each in LISTINGS}[name]
