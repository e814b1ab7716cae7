"""What is done with each operator: a table by class, and one way to look into it.

Every analysis and rewrite (a matrix, a receptive field, another size of image, ...) holds one such
table in its own file, where all that it knows of operators can be read at once.
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
