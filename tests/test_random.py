"""Counter-based draws: known answers, independence of order, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allconv import random
from allconv.errors import ArgumentError

WORD = st.integers(0, 2**32 - 1)
ONES = 0xFFFFFFFF
PERMUTATION = [3, 7, 6, 1, 5, 4, 2, 0]
UNIFORM = [0.3423915675256678, 0.31785163492418467]
KNOWN = [  # the known-answer file of Random123, philox4x32 10
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def scalar_philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Philox-4x32-10 in Python integers, written from the paper's round."""
    left0, right0, left1, right1 = counter
    for number in range(10):
        key0 = (key[0] + number * 0x9E3779B9) % 2**32
        key1 = (key[1] + number * 0xBB67AE85) % 2**32
        first, second = 0xD2511F53 * left0, 0xCD9E8D57 * left1
        left0, right0 = (second >> 32) ^ right0 ^ key0, second % 2**32
        left1, right1 = (first >> 32) ^ right1 ^ key1, first % 2**32
    return left0, right0, left1, right1


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_known_answers(counter, key, answer):
    """The vectors published with Random123 come out, here and from the scalar form."""
    assert tuple(int(word) for word in random.philox4x32(counter, key)) == answer
    assert scalar_philox(counter, key) == answer


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(WORD, WORD, WORD, WORD), min_size=1, max_size=5), st.tuples(WORD, WORD))
def test_philox_is_elementwise(counters, key):
    """Arrays of counters give the scalar answer in every place."""
    words = random.philox4x32(tuple(np.array(counters, np.uint32).T), key)
    assert [tuple(row) for row in np.stack(words, 1).tolist()] == [
        scalar_philox(counter, key) for counter in counters
    ]


def test_philox_broadcasts():
    """The four words of the counter broadcast together."""
    rows, columns = np.arange(3, dtype=np.uint32)[:, None], np.arange(2, dtype=np.uint32)
    words = random.philox4x32((rows, columns, 7, 0), (1, 2))
    assert words[3].shape == (3, 2)
    assert int(words[3][2, 1]) == scalar_philox((2, 1, 7, 0), (1, 2))[3]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**40), WORD, st.integers(0, 20))
def test_dropout_bits_definition(seed, step, layer, count):
    """Element i is word 0 for counter (i, 0, step mod 2**32, layer) and key (seed low, high)."""
    bits = random.dropout_bits(seed, step, layer, count)
    key = (seed % 2**32, seed // 2**32)
    assert bits.dtype == np.uint32
    assert bits.tolist() == [
        scalar_philox((i, 0, step % 2**32, layer), key)[0] for i in range(count)
    ]


def test_uniform_is_independent_of_the_batch():
    """An index draws the same numbers alone, in any batch, in any order, and for any count."""
    together = random.uniform(3, "flip", 2, np.arange(50), 5)
    shuffled = np.random.default_rng(0).permutation(50)
    assert np.array_equal(random.uniform(3, "flip", 2, shuffled, 5), together[shuffled])
    assert np.array_equal(random.uniform(3, "flip", 2, [17], 3)[0], together[17, :3])


def test_uniform_covers_the_interval():
    """The numbers are in [0, 1), with the mean and the variance of a uniform distribution."""
    numbers = random.uniform(0, "shift", 0, np.arange(10_000), 2)
    assert numbers.shape == (10_000, 2)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert abs(numbers.mean() - 1 / 2) < 0.01
    assert abs(numbers.var() - 1 / 12) < 0.003
    assert abs(np.corrcoef(numbers.T)[0, 1]) < 0.03


def test_uniform_differs_by_every_part_of_its_key():
    """Another seed, stream, epoch or index (beyond 32 bits too) draws other numbers."""
    rows = [
        random.uniform(0, "a", 0, [0], 4),
        random.uniform(1, "a", 0, [0], 4),
        random.uniform(2**32, "a", 0, [0], 4),
        random.uniform(0, "b", 0, [0], 4),
        random.uniform(0, "a", 1, [0], 4),
        random.uniform(0, "a", 0, [1], 4),
        random.uniform(0, "a", 0, [2**32], 4),
    ]
    assert len({row.tobytes() for row in rows}) == len(rows)


def test_generator_is_keyed():
    """The same key draws the same numbers; borders and kinds of the parts of a key count."""
    assert random.generator(5, "w", 1).random() == random.generator(5, "w", 1).random()
    keys = [(5, "w", 1), (5, "w", "1"), (5, "w1"), (5, "1", "w"), (6, "w", 1), (5,)]
    draws = {random.generator(*key).random() for key in keys}
    assert len(draws) == len(keys)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**64 - 1), st.integers(0, 1000), st.integers(0, 200))
def test_permutation_permutes(seed, epoch, count):
    """Every sample comes once, and the same order comes again."""
    order = random.permutation(seed, epoch, count)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(count))
    assert np.array_equal(order, random.permutation(seed, epoch, count))


def test_permutation_changes_with_epoch_and_seed():
    """Another epoch or another seed is another order, and none is the identity."""
    orders = [random.permutation(*key, 100).tolist() for key in [(0, 0), (0, 1), (1, 0)]]
    assert len({tuple(order) for order in [*orders, list(range(100))]}) == 4


def test_draws_stay_what_they_were():
    """Draws are part of a checkpoint's meaning: these values must never change."""
    assert random.permutation(0, 0, 8).tolist() == PERMUTATION
    assert random.uniform(0, "flip", 1, [2], 2)[0].tolist() == UNIFORM


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", None, True])
def test_seeds_are_checked(seed):
    """A seed is an integer in [0, 2**64)."""
    with pytest.raises(ArgumentError, match=r"seed must be"):
        random.generator(seed)
    with pytest.raises(ArgumentError, match=r"seed must be"):
        random.permutation(seed, 0, 3)
    with pytest.raises(ArgumentError, match=r"seed must be"):
        random.uniform(seed, "a", 0, [0], 1)
    with pytest.raises(ArgumentError, match=r"seed must be"):
        random.dropout_bits(seed, 0, 0, 1)


def test_other_arguments_are_checked():
    """Steps, layers, epochs, counts and indices out of range are named."""
    with pytest.raises(ArgumentError, match=r"step must be in \[0, 2\*\*64\), got -1"):
        random.dropout_bits(0, -1, 0, 1)
    with pytest.raises(ArgumentError, match=r"layer must be in \[0, 2\*\*32\)"):
        random.dropout_bits(0, 0, 2**32, 1)
    with pytest.raises(ArgumentError, match=r"epoch must be an integer, got 0.5"):
        random.permutation(0, 0.5, 1)
    with pytest.raises(ArgumentError, match=r"count must be in"):
        random.permutation(0, 0, -1)
    for indices in ([[0]], [-1], [0.5]):
        with pytest.raises(ArgumentError, match=r"indices must be one-dimensional integers"):
            random.uniform(0, "a", 0, indices, 1)
