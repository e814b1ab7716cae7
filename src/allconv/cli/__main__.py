"""`python -m allconv.cli`, where the script `allconv` is not on the path."""

from __future__ import annotations

from allconv.cli import main

main()
