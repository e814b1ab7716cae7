"""Operators by the names of NumPy's functions of single cells."""

from __future__ import annotations

from allconv.operators import elementary, pointwise
from allconv.operators.base import Operator

UFUNCS: dict[str, Operator] = {
    "absolute": pointwise.Absolute(),
    "add": pointwise.Add(),
    "arccos": elementary.Arccos(),
    "arccosh": elementary.Arccosh(),
    "arcsin": elementary.Arcsin(),
    "arcsinh": elementary.Arcsinh(),
    "arctan": elementary.Arctan(),
    "arctanh": elementary.Arctanh(),
    "cos": elementary.Cos(),
    "cosh": elementary.Cosh(),
    "divide": pointwise.Divide(),
    "exp": pointwise.Exp(),
    "floor": elementary.Floor(),
    "fmod": elementary.Remainder(truncated=True),
    "log": pointwise.Log(),
    "log1p": pointwise.Log1p(),
    "maximum": pointwise.Maximum(),
    "multiply": pointwise.Multiply(),
    "negative": pointwise.Negate(),
    "remainder": elementary.Remainder(),
    "rint": elementary.Round(),
    "sign": elementary.Sign(),
    "sin": elementary.Sin(),
    "sinh": elementary.Sinh(),
    "sqrt": pointwise.Sqrt(),
    "subtract": pointwise.Subtract(),
    "tan": elementary.Tan(),
    "tanh": pointwise.Tanh(),
}
"""Those that are one operator."""
