"""The commands: `allconv train`, `allconv predict` and so on, one a file.

group       the group, which loads a command when it is asked for
failures    errors to one sentence and an exit status
settings    values of options, checked
output      lines and progress bars
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command (None: of the process's arguments) and exit with its status."""
    from allconv.cli.failures import run
    from allconv.cli.group import allconv

    sys.exit(run(allconv, sys.argv[1:] if arguments is None else arguments))
