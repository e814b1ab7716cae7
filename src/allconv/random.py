"""Counter-based random draws: every draw is a function of what it is for, with no hidden position.

A generator that walks along a sequence makes a draw depend on all draws before it, so on the batch
size, the threads and the moment at which a run was resumed. Here a draw is a hash of (seed,
purpose, epoch, index): drawing again gives the same bits, and a checkpoint needs integers only.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), Philox.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random import Generator, Philox

from allconv.errors import ArgumentError
from allconv.intake.settings import short_repr

Words = npt.NDArray[np.uint32]

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_LOW = 0xFFFFFFFF


def check_seed(seed: int) -> int:
    """Return the seed as an int; ArgumentError unless it is an integer in [0, 2**64)."""
    return _check_integer("seed", seed, 64)


def philox4x32(
    counter: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
    key: tuple[int, int],
) -> tuple[Words, Words, Words, Words]:
    """Philox-4x32-10: four random 32-bit words for each counter.

    `counter` holds four uint32 arrays that broadcast together, `key` two integers in [0, 2**32).
    A round maps (c0, c1, c2, c3) to (high(p1) ^ c1 ^ k0, low(p1), high(p0) ^ c3 ^ k1, low(p0)) with
    p0 = 0xD2511F53 c0 and p1 = 0xCD9E8D57 c2, and adds 0x9E3779B9 to k0 and 0xBB67AE85 to k1.

    >>> [f"{int(word):08x}" for word in philox4x32((0, 0, 0, 0), (0, 0))]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = np.broadcast_arrays(*(np.asarray(word, np.uint32) for word in counter))
    k0, k1 = key
    for _ in range(_ROUNDS):
        low0, high0 = _multiply(c0, _MULTIPLIERS[0])
        low1, high1 = _multiply(c2, _MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ np.uint32(k0), low1, high0 ^ c3 ^ np.uint32(k1), low0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _LOW, (k1 + _KEY_STEPS[1]) & _LOW
    return c0, c1, c2, c3


def dropout_bits(seed: int, step: int, layer: int, count: int) -> Words:
    """`count` random 32-bit words for the elements of one layer in one training step.

    Element i is word 0 of Philox-4x32-10 with the counter (i mod 2**32, i div 2**32,
    step mod 2**32, layer) and the key (seed mod 2**32, seed div 2**32).
    """
    seed = check_seed(seed)
    step = _check_integer("step", step, 64)
    layer = _check_integer("layer", layer, 32)
    element = np.arange(_check_integer("count", count, 62), dtype=np.uint64)
    counter = (_low(element), _high(element), step & _LOW, layer)
    return philox4x32(counter, (seed & _LOW, seed >> 32))[0]


def uniform(
    seed: int, stream: str, epoch: int, indices: npt.ArrayLike, count: int
) -> npt.NDArray[np.float64]:
    """`count` numbers in [0, 1) for each of n indices: float64 (n, count).

    Row i depends on (seed, stream, epoch, indices[i]) alone, whichever batch the index is in. Each
    number has 53 random bits, from two words of a block.
    """
    epoch = _check_integer("epoch", epoch, 32)
    index = np.asarray(indices)
    if index.ndim != 1 or (index.size and (index.dtype.kind not in "iu" or index.min() < 0)):
        raise ArgumentError(
            f"indices must be one-dimensional integers from 0, got {index.dtype} {index.shape}"
        )
    count = _check_integer("count", count, 33)
    index = index.astype(np.uint64)[:, None]
    block = np.arange((count + 1) // 2, dtype=np.uint32)[None, :]
    hashed = _hash((check_seed(seed), "uniform", stream), 8)
    words = philox4x32((block, _low(index), _high(index), epoch), (hashed & _LOW, hashed >> 32))
    numbers = np.stack([_fraction(words[0], words[1]), _fraction(words[2], words[3])], axis=-1)
    return numbers.reshape(index.shape[0], 2 * block.shape[1])[:, :count]


def generator(seed: int, *key: str | int) -> Generator:
    """A NumPy generator of its own for each (seed, key): the same whatever was drawn before.

    >>> generator(0, "4.weight").integers(100, size=3).tolist()
    [65, 59, 66]
    """
    return Generator(_philox(seed, *key))


def permutation(seed: int, epoch: int, count: int) -> npt.NDArray[np.int64]:
    """The order of `count` samples in one epoch: int64 (count,)."""
    # Raw words sorted: NumPy promises these, but not its shuffles, from one version to the next.
    count = _check_integer("count", count, 62)
    words = _philox(seed, "permutation", _check_integer("epoch", epoch, 64)).random_raw(count)
    return np.argsort(np.asarray(words, np.uint64), kind="stable").astype(np.int64, copy=False)


def _philox(seed: int, *key: str | int) -> Philox:
    return Philox(key=_hash((check_seed(seed), *key), 16))


def _hash(parts: tuple[str | int, ...], size: int) -> int:
    """Hash of strings and integers as an integer of `size` bytes; their borders count."""
    digest = blake2b(digest_size=size)
    for part in parts:
        kind = b"s" if isinstance(part, str) else b"i"
        text = str(part).encode(errors="surrogatepass")  # names may come from file systems
        digest.update(kind + len(text).to_bytes(8, "little") + text)
    return int.from_bytes(digest.digest(), "little")


def _multiply(word: Words, factor: int) -> tuple[Words, Words]:
    product = word.astype(np.uint64) * np.uint64(factor)
    return _low(product), _high(product)


def _low(wide: npt.NDArray[np.uint64]) -> Words:
    return (wide & np.uint64(_LOW)).astype(np.uint32)


def _high(wide: npt.NDArray[np.uint64]) -> Words:
    return (wide >> np.uint64(32)).astype(np.uint32)


def _fraction(high: Words, low: Words) -> npt.NDArray[np.float64]:
    return ((high >> 5) * float(2**26) + (low >> 6)) / float(2**53)


def _check_integer(name: str, value: Any, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ArgumentError(f"{name} must be an integer, got {short_repr(value)}")
    if not 0 <= value < 2**bits:
        raise ArgumentError(f"{name} must be in [0, 2**{bits}), got {short_repr(value)}")
    return int(value)
