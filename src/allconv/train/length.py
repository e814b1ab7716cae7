"""How long to train where nobody says: enough steps for few images, few epochs for many."""

from __future__ import annotations

BATCH = 64
EPOCHS = 8
STEPS = 400  # that a network of this package needs at least to find its way
MOST_EPOCHS = 60


def suited(samples: int, epochs: int | None, batch_size: int | None) -> tuple[int, int]:
    """(epochs, batch size) for so many training samples, where one of them is not given.

    64 samples a batch, fewer (down to 8) where that makes under 16 batches; 8 epochs, more (up to
    60) where that makes under 400 steps.

    >>> suited(9000, None, None), suited(56, None, None), suited(56, 3, None)
    ((8, 64), (58, 8), (3, 8))
    """
    if batch_size is None:
        batch_size = BATCH
        while batch_size > 8 and samples < 16 * batch_size:
            batch_size //= 2
    if epochs is None:
        steps = max(-(-samples // max(batch_size, 1)), 1)
        epochs = min(max(EPOCHS, -(-STEPS // steps)), MOST_EPOCHS)
    return epochs, batch_size
