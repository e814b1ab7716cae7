"""The commands: `allconv train`, `allconv predict` and so on, one a file.

group       the group, which loads a command when it is asked for
failures    errors to one sentence and an exit status
interrupts  Ctrl-C while Python loads, while a command runs, and when it is over
settings    values of options, checked
output      lines and progress bars
"""

from __future__ import annotations

from allconv.cli import interrupts

TYPE_CHECKING = False  # `typing` takes longer to load than Ctrl-C may be left to Python
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command (None: of the process's arguments) and exit with its status."""
    if arguments is None:
        interrupts.end_at_once()
        import sys

        arguments = sys.argv[1:]
        status = _run(arguments)
        interrupts.end_silently()
    else:
        status = _run(arguments)
    raise SystemExit(status)


def _run(arguments: Sequence[str]) -> int:
    from allconv.cli.failures import run
    from allconv.cli.group import allconv

    return run(allconv, arguments)
