"""Optimizers: settings, the arrays they keep beside each parameter, and how they record a step.

Weight decay pulls weights towards 0; biases and the parameters of batch normalisation are left out
(`decays`), since they do not multiply inputs and pulling them only shifts what the network gives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, ClassVar

from allconv.errors import ArgumentError
from allconv.intake.settings import number, short_repr
from allconv.operators.base import Spec
from allconv.operators.update import AdamUpdate, SgdUpdate


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base of the optimizers.

    `slots` names the arrays kept for each parameter, of its shape, that begin with zeros; `rate` is
    the learning rate where none is given.
    """

    slots: ClassVar[tuple[str, ...]]
    rate: ClassVar[float]

    @abstractmethod
    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """The numbers of step 0, 1, ...: the same names every time."""

    @abstractmethod
    def record(
        self,
        p: Any,
        g: Any,
        state: Sequence[Any],
        scalars: Mapping[str, Any],
        decay: Any,
        scale: Any,
    ) -> tuple[Any, ...]:
        """Record one step: the new parameter, then the new arrays of `slots`.

        p, its gradient g and each of `state` have one shape; `decay` and `scale` (the factor of
        gradient clipping) are numbers, shape (), as are the values of `scalars`.
        """


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013).

    d = g + weight_decay*p; v = momentum*v + d; p = p - rate*(d + momentum*v), or rate*v without
    `nesterov`.
    """

    slots: ClassVar[tuple[str, ...]] = ("velocity",)
    rate: ClassVar[float] = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check(self, "momentum", below=1.0)
        _check(self, "weight_decay")
        if self.nesterov and not self.momentum:
            raise ArgumentError("nesterov needs a momentum above 0")

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """See `Optimizer.scalars`."""
        return {"rate": rate, "momentum": self.momentum, "decay": self.weight_decay}

    def record(
        self,
        p: Any,
        g: Any,
        state: Sequence[Any],
        scalars: Mapping[str, Any],
        decay: Any,
        scale: Any,
    ) -> tuple[Any, ...]:
        """See `Optimizer.record`."""
        update = SgdUpdate(self.nesterov)
        result: tuple[Any, ...] = update(
            p, g, *state, scalars["rate"], scalars["momentum"], decay, scale
        )
        return result


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980), with weight decay in the gradient.

    m = m + (1-beta1)*(g - m); s = s + (1-beta2)*(g*g - s);
    p = p - rate * (m/(1-beta1**t)) / (sqrt(s/(1-beta2**t)) + eps) for t = 1, 2, ...

    Each weight moves by about the rate, so a unit of a linear layer with n inputs moves by about n
    times it, which throws training off where n is large, as for large images. With
    `full_rate_inputs`, weights (outputs, n) of more inputs than that have the rate times
    full_rate_inputs / n (Yang et al. 2022, arXiv:2203.03466, table 3).
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")
    rate: ClassVar[float] = 0.001
    decoupled: ClassVar[bool] = False
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    full_rate_inputs: int | None = None

    def __post_init__(self) -> None:
        _check(self, "beta1", below=1.0)
        _check(self, "beta2", below=1.0)
        _check(self, "weight_decay")
        _check(self, "eps")
        if not self.eps:
            raise ArgumentError("eps must be above 0")
        most = self.full_rate_inputs
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise ArgumentError(
                f"full_rate_inputs must be a positive integer or None, got {most!r}"
            )

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """See `Optimizer.scalars`."""
        return {
            "rate": rate,
            "beta1": self.beta1,
            "beta2": self.beta2,
            "eps": self.eps,
            "decay": self.weight_decay,
            "correction1": 1 - self.beta1 ** (step + 1),
            "correction2": 1 - self.beta2 ** (step + 1),
        }

    def record(
        self,
        p: Any,
        g: Any,
        state: Sequence[Any],
        scalars: Mapping[str, Any],
        decay: Any,
        scale: Any,
    ) -> tuple[Any, ...]:
        """See `Optimizer.record`."""
        share = self._share(p.shape)
        rate = scalars["rate"] if share == 1 else scalars["rate"] * share
        betas = (scalars["beta1"], scalars["beta2"], scalars["eps"])
        corrections = (scalars["correction1"], scalars["correction2"])
        update = AdamUpdate(self.decoupled)
        result: tuple[Any, ...] = update(p, g, *state, rate, *betas, decay, *corrections, scale)
        return result

    def _share(self, shape: tuple[int, ...]) -> float:
        """The share of the rate for a parameter of a shape."""
        if self.full_rate_inputs is None or len(shape) != 2:
            return 1.0
        return min(1.0, self.full_rate_inputs / shape[1])


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with the decay of weights kept apart: p = p*(1 - rate*weight_decay) before the step.

    Loshchilov and Hutter 2019, arXiv:1711.05101.
    """

    rate: ClassVar[float] = 0.003
    decoupled: ClassVar[bool] = True
    weight_decay: float = 0.01


FULL_RATE_INPUTS = 4096
"""Inputs of a linear layer up to which "adam" and "adamw" keep the rate: convnet at 32 x 32."""

_NAMED: dict[str, Callable[[], Optimizer]] = {
    "sgd": SGD,
    "nesterov": partial(SGD, nesterov=True, weight_decay=5e-4),
    "adam": partial(Adam, full_rate_inputs=FULL_RATE_INPUTS),
    "adamw": partial(AdamW, full_rate_inputs=FULL_RATE_INPUTS),
}


def optimizer_names() -> tuple[str, ...]:
    """The names that `find_optimizer` takes."""
    return tuple(_NAMED)


def find_optimizer(optimizer: Optimizer | str) -> Optimizer:
    """An optimizer by name with its default settings, or the one that is given."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str) or optimizer not in _NAMED:
        raise ArgumentError(
            f"there is no optimizer {short_repr(optimizer)}; there are {', '.join(_NAMED)}"
        )
    return _NAMED[optimizer]()


def decays(name: str, spec: Spec) -> bool:
    """Whether weight decay applies to a parameter: not to biases and batch normalisation.

    >>> decays("0.weight", Spec((8, 1, 3, 3))), decays("0.bias", Spec((8,)))
    (True, False)
    """
    return spec.rank > 1 and name.rpartition(".")[2] != "bias"


def _check(optimizer: Optimizer, name: str, below: float = inf) -> None:
    """Make a setting a float of at least 0 and below `below`."""
    end = f" and below {below:g}" if below < inf else ""
    n = number(
        name, getattr(optimizer, name), f"a number of at least 0{end}", lambda n: 0 <= n < below
    )
    object.__setattr__(optimizer, name, n)
