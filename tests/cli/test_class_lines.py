"""What is said of a network's classes, tested or not."""

from __future__ import annotations

import numpy as np

from allconv.cli.results import SHOWN, class_lines
from allconv.train import Evaluation


def lines(labels: list[int], classes: int) -> list[str]:
    """The table of a network that is always right, on samples of these labels."""
    logits = np.eye(classes)[labels]
    names = [f"class {k}" for k in range(classes)]
    return class_lines(Evaluation(logits, np.array(labels)), names)


def test_a_class_without_test_images_is_not_tested() -> None:
    """It stands in its row, and is neither left out nor called wrong."""
    assert [line.split() for line in lines([0, 2, 2], 3)] == [
        ["class", "accuracy"],
        ["class", "0", "100.0", "%"],
        ["class", "1", "not", "tested"],
        ["class", "2", "100.0", "%"],
    ]


def test_of_many_classes_those_that_are_not_shown_are_counted() -> None:
    """The worst that were tested are shown, then how many do better and how many had no image."""
    shown = lines(list(range(SHOWN + 3)), SHOWN + 8)
    assert len(shown) == 1 + SHOWN + 2
    assert not any("not tested" in line for line in shown)
    assert shown[-2:] == [
        "  ... and 3 classes that do better",
        "  ... and 5 classes without an image to test them on",
    ]
