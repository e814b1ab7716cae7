"""The page of a training: it holds together, adds up, stays small, and obeys no name."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from report_pages import Element, make_run, pictures, read

from allconv.data import batches
from allconv.show.report.album import SIDE, Album, Shot
from allconv.show.report.confusion import ConfusionMatrix
from allconv.show.report.run import TrainedRun, run_report
from allconv.train.evaluate import interval

HOSTILE = (
    "<script>alert(1)</script>", "</style><b>", "--><!--", "<![CDATA[", "</title>", "&lt;b&gt;",
    "&#60;i&#62;", '" onload="alert(1)', "' onclick='x", "</a></td></tr></table>", "<img src=x>",
    "javascript:alert(1)", "url(http://example.com)", "{{7*7}}", "${x}", "\x00zero", "\x1b[2J",
    "two\nlines\r", "\t", "\x7f", "\u202eturned", "\u2066apart", "\u200bnothing", "\u2028line",
    "\x9b31m", "\ufeffmark", "e\u0301\u0301\u0301", "猫", "سلام", "x" * 3000,
)  # fmt: skip
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\u2066\ufeff]")
SHAPE = re.compile(r"<[^<>]*>")


def noise(count: int, *shape: int) -> np.ndarray:
    """Images that cannot be made smaller."""
    return np.random.default_rng(1).integers(0, 256, (count, *shape), np.uint8)


def names(count: int) -> tuple[str, ...]:
    """Names of classes."""
    return tuple(f"class {n}" for n in range(count))


def numbers(page: Element) -> list[tuple[int, str]]:
    """The numbers of the confusion matrix, and where each leads."""
    (table,) = page.all("table", "confusion")
    links = table.all("a")
    return [(int(a.text.replace(",", "")), a.attributes["href"] or "") for a in links]


@pytest.mark.parametrize("classes", [2, 3, 20, 21, 60])
def test_the_matrix_counts_every_image_once(classes: int) -> None:
    """Its numbers add up; each leads to a panel that says that number, and shows the images."""
    run = make_run(names(classes), noise(400, 8, 8))
    page = read(run_report(run))
    found = numbers(page)
    assert sum(count for count, _ in found) == len(run.samples)
    for count, place in found:
        panel = page.at(place.removeprefix("#"))
        said = panel.all("p")[0].text
        assert said.startswith("1 image" if count == 1 else f"{count:,} images")
        assert min(count, 1) <= len(panel.all("img")) <= count
    wrong = [cell.text for cell in page.all("td", "wrong")]
    if classes <= 20:
        assert sum(map(int, wrong)) == len(run.samples.wrong)


@pytest.mark.parametrize("classes", [5, 40])
def test_a_panel_shows_the_images_that_fell_there(classes: int) -> None:
    """Those of a true class that are taken for another, the surest first."""
    run = make_run(names(classes), noise(300, 8, 8), names=[f"{n}.png" for n in range(300)])
    samples, matrix = run.samples, ConfusionMatrix(run.samples)
    size = len(matrix.rows)
    for number, members in enumerate(matrix.members):
        row, column = divmod(number, size)
        assert set(matrix.rows.of[samples.labels[members]]) <= {row}
        assert set(matrix.rows.of[samples.predicted[members]]) <= {column}
        if row != column:
            assert list(samples.sure[members]) == sorted(samples.sure[members], reverse=True)
    assert sorted(np.concatenate(matrix.members)) == list(range(len(samples)))
    page = read(run_report(run))
    row, column = next(zip(*np.nonzero(matrix.counts), strict=True))
    files = [f"{n}.png" for n in matrix.members[row * size + column]]
    panel = page.at(f"cell-{row}-{column}")
    shown = [img.attributes["title"] for img in panel.all("img")]
    assert shown == files[: len(shown)] != []
    assert all(n in each.text for n, each in zip(shown, panel.all("figcaption"), strict=True))


def test_links_lead_somewhere_and_nothing_is_fetched() -> None:
    """Ids come once; every address is a place of the page or a picture in it; no script."""
    page = read(run_report(make_run(names(12), noise(200, 8, 8, 3))))
    ids = [each.attributes["id"] for each in page.all() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for each in page.all():
        for name in ("href", "src"):
            address = each.attributes.get(name) or "#curves"
            assert address.startswith("data:image/") or address.removeprefix("#") in ids
        assert not any(name.startswith("on") for name in each.attributes)
    assert page.all("script") == []
    assert [len(page.all(name)) for name in ("h1", "head", "body")] == [1, 1, 1]


def test_pictures_are_pictures() -> None:
    """All decode, none is larger than it is shown, and each says what it is."""
    page = read(run_report(make_run(names(3), noise(60, 90, 45, 3))))
    found = pictures(page)
    assert len(found) > 60
    assert {max(image.size) for image in found} == {SIDE}
    assert all(img.attributes["alt"] for img in page.all("img"))


def test_hostile_names_are_text() -> None:
    """The page has the elements and attributes that it has with plain names, and nothing unseen."""
    images = noise(240, 8, 8)
    plain = tuple(f"{n:02}" for n in range(len(HOSTILE)))
    pages = []
    for given in (HOSTILE, plain):
        run = make_run(given, images, names=given)
        report = replace(
            run.data.report,
            source=given[0],
            reason=given[1],
            unreadable=tuple((name, name) for name in given),
            notes=given,
        )
        run = replace(run, data=replace(run.data, report=report), model=given[3])
        pages.append(run_report(run))
    ours, theirs = map(read, pages)
    assert [(e.name, sorted(e.attributes)) for e in ours.all()] == [
        (e.name, sorted(e.attributes)) for e in theirs.all()
    ]
    assert not UNSEEN.search(pages[0])
    for name in ("<script>alert(1)</script>", "&lt;b&gt;", "\\x00zero", "\\u202eturned", "猫"):
        assert any(name in (bdi.text) for bdi in ours.all("bdi"))
    for caption in ours.all("figcaption"):
        loose = "".join(each for each in caption.inside if isinstance(each, str))
        assert re.fullmatch(r"( taken for )?(, )?[\d.]+ %|as it is|epoch \d", loose)
    assert len(pages[0]) < 1_000_000


def test_the_page_stays_small() -> None:
    """A thousand classes with long names, noise in colour: what is left out is said."""
    given = tuple(f"&<\"'{n}" * 20 for n in range(1000))
    images = noise(3000, SIDE, SIDE, 3)
    labels = np.random.default_rng(2).normal(size=(2550, 1000))
    run = make_run(given, images)
    run = replace(run, samples=replace_logits(run, labels[: len(run.samples)]))
    text = run_report(run)
    assert len(text.encode()) < 1_000_000
    page = read(text)
    assert sum(count for count, _ in numbers(page)) == len(run.samples)
    assert "Of 1,000 classes the 15 that are confused most often" in page.at("confusion").text
    assert "985 other classes" in page.at("confusion").text
    assert "900 classes that do better are left out" in page.at("classes").text


def replace_logits(run: TrainedRun, logits: np.ndarray) -> object:
    """The samples of a run, of which a network says something else."""
    found = replace(run.samples.found, logits=logits)
    return type(run.samples)(run.samples.part, found, run.samples.classes, run.samples.name)


def test_mistakes_come_in_the_order_of_the_file() -> None:
    """As `Evaluation.mistakes` has them, which mistakes.csv is made of; then the least sure."""
    run = make_run(names(4), noise(120, 8, 8), names=[f"{n}.png" for n in range(120)])
    rows = read(run_report(run)).at("mistakes").all("div", "shots")
    worst, unsure = ([img.attributes["title"] for img in row.all("img")] for row in rows)
    expected = [each.name for each in run.samples.found.mistakes(run.samples.part.names)]
    assert worst == expected[: len(worst)] != []
    sure = run.samples.found.probabilities.max(1)
    assert unsure == [f"{n}.png" for n in np.argsort(sure, kind="stable")[: len(unsure)]]


def test_inputs_are_what_training_sees() -> None:
    """Each image as it is, and as the batches of the first epochs have it, to the byte."""
    run = make_run(names(3), noise(60, 8, 8))
    part, kind = run.data.train, run.data.preprocess
    rows = read(run_report(run)).at("inputs").all("div", "shots")
    given = {}
    for epoch in range(3):
        for batch in batches(
            part, batch_size=16, epoch=epoch, seed=0, preprocess=kind, augment=run.data.augment
        ):
            given.update({(epoch, int(n)): x for n, x in zip(batch.indices, batch.x, strict=True)})
    chosen = [int(np.flatnonzero(part.labels == label)[0]) for label in range(3)]
    for number, row in zip(sorted(chosen), rows, strict=False):
        first, *later = (np.asarray(image) for image in pictures(row))
        assert np.array_equal(first, part.images[number, :, :, 0])
        for epoch, image in enumerate(later):
            shown = kind.apply(image[None, :, :, None])[0]
            assert np.array_equal(shown, given[epoch, number])


def test_no_epoch_is_shown_that_was_not_trained() -> None:
    run = make_run(names(3), noise(60, 8, 8))
    short = replace(run, history=replace(run.history, records=run.history.records[:2]))
    shown = read(run_report(short)).at("inputs").text
    assert "epoch 2" in shown
    assert "epoch 3" not in shown


def test_a_network_that_is_always_right_and_one_that_says_nothing() -> None:
    """No mistakes, or numbers that are none: both are said, and the page holds together."""
    run = make_run(names(3), noise(60, 8, 8))
    right = np.eye(3)[run.samples.labels] * 9
    page = read(run_report(replace(run, samples=replace_logits(run, right))))
    assert f"100.0 % of {len(run.samples)} test images recognised" in page.text
    assert "Nothing was confused" in page.text
    assert "every test image is recognised" in page.at("mistakes").text
    nothing = replace(run, samples=replace_logits(run, right * np.nan))
    page = read(run_report(nothing))
    assert sum(count for count, _ in numbers(page)) == len(run.samples)
    assert "–" in page.at("classes").text


def test_classes_are_counted() -> None:
    """Images, how many are right, recall and precision, as they are by hand."""
    run = make_run(names(2), noise(40, 8, 8))
    labels = run.samples.labels
    said = np.zeros((len(labels), 2))
    said[:, 0] = 1.0  # the first class, always
    page = read(run_report(replace(run, samples=replace_logits(run, said))))
    rows = [[c.text for c in row.all("td")] for row in page.at("classes").all("tr")[1:]]
    of = [int((labels == k).sum()) for k in range(2)]
    assert rows[0][-4:] == [str(of[0]), str(of[0]), "100.0 %", f"{100 * of[0] / sum(of):.1f} %"]
    assert rows[1][-4:] == [str(of[1]), "0", "0.0 %", "–"]


def test_settings_are_said() -> None:
    """The network and its layers, the recipe as it was meant, the data."""
    run = make_run(names(2), noise(40, 8, 8))
    made = read(run_report(run)).at("made").text
    for said in ("plain", "Linear", "AdamW", "OneCycle", "Augment(", "the arrays", "8 × 8 grey"):
        assert said in made


def test_an_album_ends_before_it_is_too_large() -> None:
    """What has no room is not taken, and what was taken is counted."""
    shots = [Shot(image, "words", "below") for image in noise(10, 8, 8, 1)]
    room = len(shots[0].figure()) * 3 + 10
    album = Album(room)
    row, count = album.row(shots)
    assert 2 <= count <= 3
    assert len(row) - len('<div class="shots"></div>') == room - album.left


def test_the_interval_is_wilsons() -> None:
    """It stays within 0 and 1, and holds the share."""
    for right, count in ((0, 1), (1, 1), (3, 7), (900, 1000)):
        low, high = interval(right, count)
        assert 0 <= low <= right / count <= high <= 1
