"""How Sphinx makes the site of these pages and of the docstrings; `scripts/docs` calls it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.directives import SphinxDirective

from allconv.picture.palette import DARK, LIGHT, Theme
from allconv.version import __version__

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from docstrings import as_rst  # noqa: E402 - beside this file
from graphs import drawn  # noqa: E402 - as above

project = "allconv"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["pictures/*.md"]
smartquotes = False  # settings are to be copied as they stand

myst_heading_anchors = 3  # sections have the addresses that GitHub gives them
myst_fence_as_directive = ["mermaid"]

autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # shapes and kinds stand in the text
add_module_names = False
toc_object_entries_show_parents = "hide"


def variables(theme: Theme) -> dict[str, str]:
    """The project's colours by the names that the look of the site has for them."""
    return {
        "color-background-primary": theme.paper,
        "color-background-secondary": theme.raised,
        "color-foreground-primary": theme.ink,
        "color-foreground-secondary": theme.soft,
        "color-foreground-muted": theme.soft,
        "color-background-border": theme.line,
        "color-brand-primary": theme.roles["x"],
        "color-brand-content": theme.roles["x"],
        "color-brand-visited": theme.roles["y"],
    }


html_theme = "furo"
html_title = f"allconv {__version__}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": variables(LIGHT),
    "dark_css_variables": variables(DARK),
}
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_domain_indices = False


class Graph(SphinxDirective):
    """A block of Mermaid, drawn without a script."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", drawn("\n".join(self.content)), format="html")]


def read_docstring(
    app: Sphinx, what: str, name: str, each: Any, options: Any, lines: list[str]
) -> None:
    """Docstrings are plain text; see `docstrings`."""
    lines[:] = as_rst(lines)


def left_out(app: Sphinx, what: str, name: str, each: Any, skip: bool, options: Any) -> bool | None:
    """Fields of named tuples, of which Python alone says what number they have; None: as usual."""
    return True if str(getattr(each, "__doc__", "")).startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    """What Sphinx calls first."""
    app.add_directive("mermaid", Graph)
    app.connect("autodoc-skip-member", left_out)
    app.connect("autodoc-process-docstring", read_docstring)
