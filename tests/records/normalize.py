"""Records of batch normalisation."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.normalize import BatchNorm, BatchNormGradient, Normalize
from records.record import IMAGES, Function, Record, draw_array, draw_dtype, onnx_results, refusal

EPS = (2.0**-16, 0.25)  # exact in float32, in which ONNX keeps attributes


def draw(data: st.DataObject, operator: type[Operator]) -> tuple[Operator, tuple[Array, ...]]:
    """x (N, C, *S); a variance is positive; no batch of batch statistics is empty."""
    dtype = draw_dtype(data)
    sizes = st.lists(st.sampled_from([1, 2, 3]), max_size=2)
    batch = data.draw(st.sampled_from([1, 2, 3, *([0] if operator is Normalize else [])]))
    shape = (batch, data.draw(st.integers(1, 3)), *data.draw(sizes))
    arrays = []
    for name in operator.inputs:
        wanted = shape if name in ("x", "gy") else shape[1:2]
        low = 1 if name == "variance" else -4
        arrays.append(draw_array(data, wanted, dtype, low) * np.array(0.5, dtype))
    return operator(data.draw(st.sampled_from(EPS))), tuple(arrays)


def channel(x: Array, c: int) -> list[float]:
    """The values of a channel."""
    return [float(v) for v in x[:, c].reshape(-1)]


def brute_normalize(operator: Normalize, x, mean, variance, gamma, beta):
    """Element by element."""
    y = np.zeros(x.shape)
    for n, c, *cell in np.ndindex(x.shape):
        normal = (float(x[n, c, *cell]) - mean[c]) / math.sqrt(variance[c] + operator.eps)
        y[n, c, *cell] = normal * gamma[c] + beta[c]
    return (y,)


def brute_batch_norm(operator: BatchNorm, x, gamma, beta):
    """Channel by channel, with the mean and the biased variance of its values."""
    means, variances = [], []
    for c in range(x.shape[1]):
        values = channel(x, c)
        means.append(math.fsum(values) / len(values))
        variances.append(math.fsum((v - means[-1]) ** 2 for v in values) / len(values))
    wide = [np.array(each, np.float64) for each in (means, variances, gamma, beta)]
    (y,) = brute_normalize(Normalize(operator.eps), x, *wide)
    return y, wide[0], wide[1]


def brute_gradient(operator: BatchNormGradient, x, gamma, mean, variance, gy):
    """gbeta = sum gy; ggamma = sum gy*xhat; gx = gamma*rstd*(gy - gbeta/n - xhat*ggamma/n)."""
    gx, ggamma, gbeta = np.zeros(x.shape), np.zeros(len(gamma)), np.zeros(len(gamma))
    for c in range(len(gamma)):
        rstd = 1 / math.sqrt(variance[c] + operator.eps)
        xhat = [(v - float(mean[c])) * rstd for v in channel(x, c)]
        g = channel(gy, c)
        gbeta[c] = math.fsum(g)
        ggamma[c] = math.fsum(a * b for a, b in zip(g, xhat, strict=True))
        n = len(g)
        share = [
            float(gamma[c]) * rstd * (a - gbeta[c] / n - b * ggamma[c] / n)
            for a, b in zip(g, xhat, strict=True)
        ]
        gx[:, c] = np.array(share).reshape(gx[:, c].shape)
    return gx, ggamma, gbeta


def onnx_normalize(operator: Normalize, x, mean, variance, gamma, beta):
    """BatchNormalization of ONNX, for inference."""
    arrays = (x, gamma, beta, mean, variance)
    return onnx_results("BatchNormalization", arrays, epsilon=operator.eps) if x.size else None


def onnx_batch_norm(operator: BatchNorm, x, gamma, beta):
    """BatchNormalization of ONNX, for training, with momentum 0: the batch's own statistics."""
    zeros = np.zeros_like(gamma)
    arrays = (x, gamma, beta, zeros, zeros)
    settings = {"epsilon": operator.eps, "momentum": 0.0, "training_mode": 1}
    return onnx_results("BatchNormalization", arrays, 3, **settings)


X, C = (2, 3, 4), (3,)
FACTS = {"ulp": 64.0, "outsider_ulp": 4096.0}  # 1/sqrt(eps) is up to 256

RECORDS = (
    Record(
        Normalize,
        partial(draw, operator=Normalize),
        brute_normalize,
        points="positive",
        outsiders=(onnx_normalize,),
        refusals=(
            refusal("eps must be above 0, got 0", lambda: Normalize(0.0)),
            refusal(r"x is \(3,\); \(N, C, ...\)", lambda: Normalize(1e-5), C, C, C, C, C),
            refusal(
                r"beta is \(2,\); \(3,\) is expected for x \(2, 3, 4\)",
                lambda: Normalize(1e-5),
                X, C, C, C, (2,),
            ),
            refusal("takes x, mean, variance, .*; got 3", lambda: Normalize(1e-5), X, C, C),
        ),
        **FACTS,
    ),
    Record(
        BatchNorm,
        partial(draw, operator=BatchNorm),
        brute_batch_norm,
        outsiders=(onnx_batch_norm,),
        refusals=(
            refusal("eps must be above 0, got -1", lambda: BatchNorm(-1.0)),
            refusal(r"gamma is \(2,\); \(3,\)", lambda: BatchNorm(1e-5), X, (2,), C),
            refusal("without values", lambda: BatchNorm(1e-5), (0, 3, 4), C, C),
            refusal("float64 meet", lambda: BatchNorm(1e-5), X, C, Spec(C, "float64")),
            refusal("not int64", lambda: BatchNorm(1e-5), X, C, Spec(C, "int64")),
        ),
        **FACTS,
    ),
    Record(
        BatchNormGradient,
        partial(draw, operator=BatchNormGradient),
        brute_gradient,
        points="positive",
        refusals=(
            refusal(
                r"gy is \(2, 3\); \(2, 3, 4\) is expected",
                lambda: BatchNormGradient(1e-5),
                X, C, C, C, (2, 3),
            ),
        ),
        **FACTS,
    ),
)  # fmt: skip

FUNCTIONS = (
    Function(
        "batch_norm",
        torch="x running_mean running_var weight=None bias=None "
        "training=False momentum=0.1 eps=1e-05",
        given=lambda n: (IMAGES[1], np.zeros(2), np.ones(2)),
    ),
    Function(
        "local_response_norm",
        torch="x size alpha=0.0001 beta=0.75 k=1.0",
        given=lambda n: (IMAGES[1], 3),
    ),
)
