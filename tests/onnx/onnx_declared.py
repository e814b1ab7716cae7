"""The cases of the onnx wheel that must agree; all others must be refused by name."""

from __future__ import annotations

from pathlib import Path

NODE_CASES = frozenset(Path(__file__).with_name("declared_cases.txt").read_text().split())
"""Names of the cases of single operators that must agree, without "test_"."""

REFUSED_NETWORKS = frozenset(
    {
        "Embedding",
        "Embedding_sparse",
        "operator_non_float_params",
    }
)
"""Networks made by PyTorch, without "test_", that hold an operator that is not read."""
