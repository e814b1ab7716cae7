"""What is done with each operator: a table by class, and one way to look into it.

An analysis that walks a graph (a matrix, a receptive field, how far padding reaches) and the
rewriting of a classifier for larger images hold one such table each, where all that they know of
operators can be read at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from allconv.operators.base import Operator

Rule = TypeVar("Rule")


class Rules(Generic[Rule]):
    """Rules by class of operator; a class without a rule of its own has that of its base.

    >>> from allconv.operators.pointwise import Add, Pointwise
    >>> rules = Rules({Pointwise: "cell by cell"})
    >>> rules.of(Add())
    'cell by cell'
    """

    def __init__(self, *tables: Mapping[type[Operator], Rule]) -> None:
        self._rules = {kind: rule for table in tables for kind, rule in table.items()}

    def of(self, operator: Operator) -> Rule | None:
        """The rule for an operator, None if there is none."""
        kinds = type(operator).__mro__
        return next((self._rules[kind] for kind in kinds if kind in self._rules), None)
