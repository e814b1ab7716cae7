"""Locally connected layers: a correlation with weights of its own for every output cell.

    T(x, w, y) = sum over n, g, o, c and all j, k, i that meet
                 of  x[n,g,c,j] * w[g,o,c,k,i] * y[n,g,o,i]

Shapes: x (N, G*C, *I), w (G*O, C, *K, *P), bias (G*O, *P), y (N, G*O, *P); the bias of the
transpose is (G*C, *I). With equal weights everywhere it is `Correlate`.
"""

from __future__ import annotations

from typing import ClassVar

from allconv.operators.correlate import ForwardView, TransposeView, Trilinear, WeightView


class _Unshared(Trilinear):
    """Every output cell has weights of its own."""

    is_local: ClassVar[bool] = True


class Local(_Unshared, ForwardView):
    """y[n,g,o,i] = b[g,o,i] + sum over c, k of x[n,g,c,j] * w[g,o,c,k,i]."""


class LocalTranspose(_Unshared, TransposeView):
    """x[n,g,c,j] = b[g,c,j] + sum over o, k of w[g,o,c,k,i] * y[n,g,o,i]: without a bias the
    gradient of the input."""


class LocalWeight(_Unshared, WeightView):
    """w[g,o,c,k,i] = sum over n of x[n,g,c,j] * y[n,g,o,i]: the gradient of the weights."""


_Unshared.forward, _Unshared.transpose, _Unshared.weight = Local, LocalTranspose, LocalWeight
