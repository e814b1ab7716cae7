"""What the format itself says of an operator in an operator set, from the onnx package's tables.

So that no default, and no attribute that came or went with an operator set, is written here again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from onnx import AttributeProto, defs, helper


@dataclass(frozen=True)
class Schema:
    """The attributes of an operator, its least and largest numbers of inputs and outputs.

    `inputs` says of each input whether it must be given; the last stands for those after it where
    `most_inputs` is larger.
    """

    attributes: frozenset[str]
    required: frozenset[str]
    defaults: Mapping[str, Any]
    inputs: tuple[bool, ...]
    least_inputs: int
    most_inputs: int
    least_outputs: int
    most_outputs: int


STILL_READ = ("GroupNormalization",)  # deprecated as operator set 18 has it, and found in files


def found_schema(op: str, version: int) -> Any:
    """The format's own schema of an operator of ai.onnx in an operator set; None: it has none."""
    try:
        found = defs.get_schema(op, version, "")
    except (defs.SchemaError, TypeError):  # no such name, or a version that is no int of C
        return None
    return None if found.deprecated and op not in STILL_READ else found


@cache
def schema_of(op: str, version: int) -> Schema | None:
    """The operator of ai.onnx as an operator set has it; None where it has none of that name."""
    found = found_schema(op, version)
    if found is None:
        return None
    attributes = found.attributes
    return Schema(
        frozenset(attributes),
        frozenset(name for name, each in attributes.items() if each.required),
        {name: _plain(each.default_value) for name, each in attributes.items() if _has(each)},
        tuple(each.option != defs.OpSchema.FormalParameterOption.Optional for each in found.inputs),
        found.min_input,
        found.max_input,
        found.min_output,
        found.max_output,
    )


def _has(attribute: Any) -> bool:
    return bool(attribute.default_value.type != AttributeProto.UNDEFINED)


def _plain(attribute: AttributeProto) -> Any:
    """A default as the attributes of a node are kept."""
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return shortest(np.float32(value))
    return tuple(value) if isinstance(value, list) else value


def shortest(number: Any) -> float:
    """A float32 as the float64 of the fewest digits that rounds to it: 1e-05, not 9.99999974e-06.

    >>> shortest(np.float32(0.1))
    0.1
    """
    return (
        float(str(np.float32(number))) if np.asarray(number).dtype == np.float32 else float(number)
    )
