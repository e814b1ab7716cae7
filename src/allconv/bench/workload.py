"""What is measured, as plain data, from which the files for a worker are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NETWORK, GRADIENT, STEP = "network", "gradient", "step"
NETWORK_SIZES, FUNCTION_SIZES = "network on sizes", "function on sizes"
"""Kinds: an ONNX file on one array; a gradient of a convolution; a step of training; an ONNX file
on images of many sizes, and a function on those."""

ANY, NCHW, CHANNELS_LAST = "any", "NCHW", "channels last"
"""How the images of a workload lie in memory; ANY: as each engine likes them best."""


@dataclass(frozen=True)
class Workload:
    """One thing to measure.

    `source` says what its files are made of (see `making`), `multiply_adds` what one call computes,
    where that is known before.
    """

    name: str
    group: str
    kind: str
    source: Mapping[str, Any]
    layout: str = ANY
    multiply_adds: int = 0


def chosen(workloads: list[Workload], words: str | None) -> list[Workload]:
    """The workloads whose name or group holds these words, whatever the case; all without words.

    >>> some = [Workload("resnet50", "light", NETWORK, {}), Workload("vgg19", "light", NETWORK, {})]
    >>> [each.name for each in chosen(some, "VGG")]
    ['vgg19']
    """
    if not words:
        return workloads
    return [w for w in workloads if words.lower() in f"{w.group} {w.name} {w.layout}".lower()]
