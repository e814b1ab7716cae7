"""Samples are divided by class, by seed, and all of them are somewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allconv.data.assemble import Shares, divide
from allconv.data.load_options import LoadOptions
from allconv.data.split import hold_out, sample
from allconv.errors import ArgumentError

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=80)


@settings(deadline=None, max_examples=50)
@given(LABELS, st.floats(0.01, 0.95), st.integers(0, 5))
def test_hold_out_takes_the_share_of_each_class(labels, fraction, seed):
    """Of n samples round(fraction n), at least 1 from 3 samples on, never all; again the same."""
    labels = np.array(labels)
    chosen = hold_out(labels, fraction, seed, "a")
    assert np.array_equal(chosen, hold_out(labels, fraction, seed, "a"))
    assert np.array_equal(chosen, np.unique(chosen))
    for label in np.unique(labels):
        size = np.count_nonzero(labels == label)
        taken = np.count_nonzero(labels[chosen] == label)
        assert taken < size
        assert taken >= (size >= 3)
        assert abs(taken - fraction * size) <= 1


COUNTS = st.lists(st.integers(1, 30), min_size=1, max_size=5)


@settings(deadline=None, max_examples=50)
@given(COUNTS, st.floats(0, 1.1), st.integers(0, 5))
def test_sample_keeps_the_shares(sizes, part, seed):
    """Exactly `count` samples, each class at least once, else less than one off its share."""
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    count = max(1, round(part * len(labels)))
    if count < len(sizes):
        with pytest.raises(ArgumentError, match=f"samples is {count}, fewer than the {len(sizes)}"):
            sample(labels, count, seed)
        return
    chosen = sample(labels, count, seed)
    assert len(np.unique(chosen)) == len(chosen) == min(count, len(labels))
    taken = np.bincount(labels[chosen], minlength=len(sizes))
    shares = np.array(sizes) * min(1, count / len(labels))
    assert taken.min() >= 1
    assert (taken - shares).max() < 1 + 1e-9
    if shares.min() >= 1:
        assert (shares - taken).max() < 1 + 1e-9


def test_sample_gives_rare_classes_one_each():
    """What rare classes get beyond their share the common class gives."""
    labels = np.array([0] * 20 + [1, 2, 3])
    assert np.bincount(labels[sample(labels, 5, 0)]).tolist() == [2, 1, 1, 1]
    with pytest.raises(ArgumentError, match="samples must be a positive integer, got 0"):
        sample(labels, 0, 0)


@settings(deadline=None, max_examples=30)
@given(LABELS, st.booleans(), st.booleans())
def test_divide_loses_and_doubles_nothing(labels, validation, test):
    """The three parts are a partition, and a part that is there already gets nothing."""
    shares = Shares(validation=0.15, test=0.15)
    parts = divide(np.array(labels), LoadOptions(), shares, validation=validation, test=test)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert validation or not parts[1].size
    assert test or not parts[2].size


def test_divide_counts_shares_from_the_whole():
    """15 % and 15 % of 100 samples are 15 and 15; options override, and samples limit training."""
    labels, shares = np.repeat([0, 1], 100), Shares(0.15, 0.15)
    parts = divide(labels, LoadOptions(), shares, validation=True, test=True)
    assert [len(part) for part in parts] == [140, 30, 30]
    options = LoadOptions(validation=0.2, test=0.0, samples=50)
    parts = divide(labels, options, shares, validation=True, test=True)
    assert [len(part) for part in parts] == [50, 40, 0]
    other = divide(labels, LoadOptions(seed=1), shares, validation=True, test=True)
    assert not np.array_equal(
        other[1], divide(labels, LoadOptions(), shares, validation=True, test=True)[1]
    )
