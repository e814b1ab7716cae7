"""A module in the place of another."""

from __future__ import annotations

from allconv.nn.module import Module


def put(net: Module, old: Module, new: Module) -> None:
    """Another module in every place of one; the order says what comes after what."""
    for _, parent in list(net.named_modules()):
        children = parent._children()
        order = list(children)
        for key in order:
            if children[key] is old:
                setattr(parent, key, new)
        made = {name: children[name] for name in order}
        children.clear()
        children.update(made)
