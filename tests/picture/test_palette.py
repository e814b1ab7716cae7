"""The palette: every text can be read where it stands, and roles are told apart by all eyes.

Sources: WCAG 2.2, success criterion 1.4.3 (4.5 to 1); Machado, Oliveira and Fernandes 2009, "A
Physiologically-based Model for Simulation of Color Vision Deficiency" (its matrices for severity
1); Ottosson 2020, "A perceptual color space for image processing" (OKLab).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from allconv.picture.matrix import ALONE, BEHIND, SHADES, share
from allconv.picture.palette import (
    DARK,
    LIGHT,
    ROLES,
    Theme,
    channels,
    mixed,
    stylesheet,
)
from allconv.show.report.confusion import DEEPEST

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
ENOUGH = 4.5

SEEN = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""What is left of linear red, green and blue."""

TO_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, "relative luminance")."""
    dark, light = sorted(np.dot((0.2126, 0.7152, 0.0722), linear(each)) for each in (one, other))
    return float((light + 0.05) / (dark + 0.05))


def linear(colour: str) -> np.ndarray:
    """Red, green and blue of "#rrggbb" in light, 0 to 1."""
    parts = np.array(channels(colour)) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def oklab(light: np.ndarray) -> np.ndarray:
    """Lightness, green to red, blue to yellow."""
    return np.array(TO_LAB) @ np.cbrt(np.array(TO_CONES) @ light)


def backgrounds(theme: Theme, share: float) -> list[str]:
    """Paper with some of the colour of each role."""
    return [mixed(theme.paper, colour, share) for colour in theme.roles.values()]


def low(texts: list[str], papers: list[str]) -> list[tuple[str, str, float]]:
    """The pairs that cannot be read."""
    pairs = [(t, p, round(contrast(t, p), 2)) for t in texts for p in papers]
    return [each for each in pairs if each[2] < ENOUGH]


@THEMES
def test_ink_is_read_on_everything(theme: Theme) -> None:
    """Paper, panels, cells, and cells that take part."""
    cells = backgrounds(theme, theme.cell) + backgrounds(theme, theme.lit)
    assert low([theme.ink], [theme.paper, theme.raised, *cells]) == []


@THEMES
def test_soft_text_is_read_on_paper_panels_and_cells(theme: Theme) -> None:
    """Labels; on cells that take part there is ink alone."""
    assert low([theme.soft], [theme.paper, theme.raised, *backgrounds(theme, theme.cell)]) == []


@THEMES
def test_names_in_the_colours_of_roles_are_read_on_paper(theme: Theme) -> None:
    """Names of arrays, and what is said to be right or wrong."""
    assert low([*theme.roles.values(), theme.good, theme.bad], [theme.paper]) == []


@THEMES
def test_numbers_are_read_on_the_deepest_colours_of_a_report(theme: Theme) -> None:
    """Those of its confusion matrix, right and wrong."""
    papers = [mixed(theme.paper, each, DEEPEST / 100) for each in (theme.roles["x"], theme.bad)]
    assert low([theme.ink], papers) == []


@THEMES
def test_text_on_a_full_colour_is_read(theme: Theme) -> None:
    """`on` is what stands on a role's colour, as on a badge."""
    assert low([theme.on], list(theme.roles.values())) == []


@THEMES
def test_numbers_are_read_on_all_shades_of_a_matrix(theme: Theme) -> None:
    """Whichever the letter is."""
    for shades in range(1, SHADES + 1):
        for n in range(shades):
            assert low([theme.ink], backgrounds(theme, share(n, shades, BEHIND))) == []


@THEMES
@pytest.mark.parametrize("ends", [BEHIND, ALONE], ids=["behind", "alone"])
def test_every_shade_of_a_matrix_is_another_colour(theme: Theme, ends: tuple[float, float]) -> None:
    """In order of their strength, and none is that of the paper."""
    for colour in theme.roles.values():
        found = [mixed(theme.paper, colour, share(n, SHADES, ends)) for n in range(SHADES)]
        steps = [contrast(theme.paper, each) for each in found]
        assert steps == sorted(steps)
        assert len({theme.paper, *found}) == SHADES + 1


@THEMES
@pytest.mark.parametrize("eyes", SEEN)
def test_roles_are_told_apart(theme: Theme, eyes: str) -> None:
    """By people with all cones and by those without one kind."""
    seen = [oklab(np.clip(np.array(SEEN[eyes]) @ linear(c), 0, 1)) for c in theme.roles.values()]
    distances = [float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)]
    assert min(distances) >= 0.14


def test_the_distance_is_that_of_a_colour_from_itself_and_from_its_opposite() -> None:
    """Black and white are 1 apart; a colour and its copy 0."""
    black, white = oklab(linear("#000000")), oklab(linear("#ffffff"))
    assert np.linalg.norm(black - white) == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(black - black) == 0


@THEMES
def test_every_role_has_all_its_variables(theme: Theme) -> None:
    """Its colour, those of cells, and a name that the style sheet gives."""
    sheet = stylesheet("div", "dark" if theme is DARK else "light")
    for role in ROLES:
        for name in (f"--{role}:", f"--{role}-cell:", f"--{role}-lit:", f"--{role}-edge:"):
            assert sheet.count(name) == 1 + (theme is DARK)


def test_print_is_light_and_auto_follows_the_reader() -> None:
    """A dark page is printed in light colours."""
    auto, dark = stylesheet("div"), stylesheet("div", "dark")
    assert auto.index(LIGHT.paper) < auto.index("prefers-color-scheme:dark")
    assert auto.index("prefers-color-scheme:dark") < auto.index(DARK.paper)
    assert dark.index("@media print") < dark.index(LIGHT.paper)
    assert "media" not in stylesheet("div", "light")
