"""What a terminal would show."""

from __future__ import annotations

import io


class Terminal(io.StringIO):
    """Text that a terminal would show."""

    def isatty(self) -> bool:
        """It says that it is one."""
        return True
