"""The colours of everything drawn, said once: for pages, pictures, charts and notebooks.

Blue is the input, amber the kernel, plum the output, whichever of the three a picture shows; a
gradient has the hue of its array and round cells, so that grey print tells them apart. The three
hues were chosen by a search: their smallest OKLab distance under the three kinds of colour
blindness (Machado, Oliveira and Fernandes 2009) is 0.151 in light and 0.144 in dark.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ROLES = ("x", "w", "y")


@dataclass(frozen=True)
class Theme:
    """Colours of one theme as "#rrggbb".

    cell, lit, edge   how much of its role's colour is in a cell, a cell that takes part, a border
    """

    paper: str
    raised: str
    ink: str
    soft: str
    line: str
    hair: str
    on: str
    good: str
    bad: str
    roles: dict[str, str] = field(default_factory=dict)
    cell: float = 0.1
    lit: float = 0.3
    edge: float = 0.45
    beam: float = 0.2

    def variables(self) -> dict[str, str]:
        """The names and values of the CSS variables: `--x`, `--x-cell`, `--x-lit`, `--x-edge`."""
        names = ("paper", "raised", "ink", "soft", "line", "hair", "on", "good", "bad")
        found = {f"--{name}": getattr(self, name) for name in names}
        for role, colour in self.roles.items():
            found[f"--{role}"] = colour
            for name in ("cell", "lit", "edge"):
                found[f"--{role}-{name}"] = mixed(self.paper, colour, getattr(self, name))
        return found | {"--beam": str(self.beam)}


LIGHT = Theme(
    paper="#fdfdfb",
    raised="#f5f5f1",
    ink="#1b1e24",
    soft="#5c616b",
    line="#d5d6d1",
    hair="#ecece8",
    on="#ffffff",
    good="#1d6b3a",
    bad="#a3261f",
    roles={"x": "#1f5fc8", "w": "#a56000", "y": "#7d1769"},
)
DARK = Theme(
    paper="#12141a",
    raised="#1a1d25",
    ink="#e9eaee",
    soft="#a3a9b6",
    line="#3a3f4c",
    hair="#232732",
    on="#12141a",
    good="#7bd79a",
    bad="#ff9d8f",
    roles={"x": "#8ac6ff", "w": "#f2b83a", "y": "#fb6b98"},
    cell=0.13,
    lit=0.38,
    beam=0.24,
)


def mixed(paper: str, colour: str, share: float) -> str:
    """A colour laid on paper: `share` of it, in sRGB.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = zip(channels(paper), channels(colour), strict=True)
    return "#" + "".join(f"{round(p + (c - p) * share):02x}" for p, c in pairs)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb", 0 to 255."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def stylesheet(selector: str = ":root", theme: str = "auto") -> str:
    """CSS that gives the variables to what a selector chooses.

    theme   "auto" (what the reader's system has), "light" or "dark"; print is always light
    """
    light, dark = (_block(selector, each) for each in (LIGHT, DARK))
    if theme == "light":
        return light
    if theme == "dark":
        return dark + f"@media print{{{light}}}"
    return f"{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _block(selector: str, theme: Theme) -> str:
    scheme = "dark" if theme is DARK else "light"
    pairs = "".join(f"{name}:{value};" for name, value in theme.variables().items())
    return f"{selector}{{color-scheme:{scheme};{pairs}}}"
