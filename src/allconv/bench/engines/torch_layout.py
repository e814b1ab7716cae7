"""The layouts that PyTorch is measured in."""

from __future__ import annotations

from typing import Any

from allconv.bench.workload import CHANNELS_LAST


def laid(tensor: Any, variant: str) -> Any:
    """A tensor of images, or a module, in the layout of a variant."""
    import torch

    if variant != CHANNELS_LAST:
        return tensor
    is_module = isinstance(tensor, torch.nn.Module)
    ranks = {p.ndim for p in tensor.parameters()} if is_module else {tensor.ndim}
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for rank, layout in layouts.items():
        if rank in ranks:
            tensor = tensor.to(memory_format=layout) if is_module else tensor.contiguous(
                memory_format=layout
            )  # fmt: skip
    return tensor
