"""A row a class: how many images there are of it, and how well they are told from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from allconv.picture.markup import Markup, joined
from allconv.show.report.pieces import class_name, paragraph, percent, table
from allconv.show.report.samples import Samples
from allconv.text import counted

MOST = 100
"""Classes that are shown; of more, those that are recognised least."""


def class_table(samples: Samples, counts: Mapping[str, Sequence[int]]) -> Markup:
    """The table; `counts` has, by part, the number of images of each class."""
    size = len(samples.classes)
    tested = np.bincount(samples.labels, minlength=size)
    taken = np.bincount(samples.predicted, minlength=size)
    right = np.bincount(samples.labels[samples.labels == samples.predicted], minlength=size)
    with np.errstate(all="ignore"):
        recall, precision = right / tested, right / taken
    chosen = np.arange(size)
    if size > MOST:
        # NaN is sorted to the end: classes without an image to test them on come last.
        chosen = np.sort(np.argsort(recall, kind="stable")[:MOST])
    others = [part for part in counts if part != samples.name]
    head = ["class", *others, samples.name, "right", "recall", "precision"]
    rows = [
        [
            class_name(samples.classes[k]),
            *(f"{counts[part][k]:,}" for part in others),
            f"{tested[k]:,}",
            f"{right[k]:,}",
            percent(float(recall[k])),
            percent(float(precision[k])),
        ]
        for k in chosen.tolist()
    ]
    said = paragraph(
        "Recall: the share of the images of a class that are recognised. Precision: the share of "
        "the images taken for a class that are of it."
    )
    left = size - len(rows)
    more = [paragraph(f"{counted(left, 'class', 'classes')} that do better are left out.")]
    return joined(said, table(head, rows), *(more if left else []))
