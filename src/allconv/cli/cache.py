"""`allconv cache`: the folder of compiled code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from allconv.cli.group import command as make
from allconv.cli.output import say
from allconv.text import counted

if TYPE_CHECKING:
    from allconv.engine.cache import CacheInfo


@make("cache", "allconv cache", "allconv cache --clear")
@click.option(
    "--clear", is_flag=True, help="Remove what is kept; it is compiled again when needed."
)
def command(clear: bool) -> None:
    """Show or clear the folder of compiled code.

    Another folder: ALLCONV_CACHE=FOLDER; none: ALLCONV_CACHE=off.
    """
    from allconv.engine import cache

    if clear:
        say(f"removed {counted(cache.clear(), 'entry', 'entries')}")
    say(described(cache.info()))


def described(found: CacheInfo) -> str:
    """The folder, the number of entries and their size."""
    if found.path is None:
        return "not kept on disk"
    entries = counted(found.entries, "entry", "entries")
    return f"{found.path}: {entries}, {found.bytes / 1e6:.1f} MB"
