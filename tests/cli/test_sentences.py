"""What the library says of its arguments, commands say of their options."""

from __future__ import annotations

from pathlib import Path

from .conftest import photos
from .running import done, run

QUICK = ("--epochs", "1", "--model", "plain", "--image-size", "8", "--batch-size", "100")


def test_more_samples_than_there_are_is_said() -> None:
    result = done("train", photos(Path("photos")), "--samples", "99999", *QUICK)
    assert "--samples is 99,999; all " in result.out
    assert "for 1 epoch of 1 step; everything" in result.out


def test_a_loss_that_is_not_finite_names_options() -> None:
    given = ("--lr", "1e30", "--clip", "0", "--epochs", "9", "--batch-size", "4")
    result = run("train", photos(Path("photos")), *QUICK, *given)
    assert result.status == 1
    assert "use a smaller --lr than 1e+30" in result.err
    assert "learning_rate" not in result.err
    assert "clip=" not in result.err


def test_a_limit_of_pixels_names_its_option() -> None:
    folder = photos(Path("photos"))
    image = next(folder.rglob("*.png"), None) or next(folder.rglob("*.jpg"))
    result = run("explain", "plain", "--image", image, "--pixel-limit", "5")
    assert result.status == 1
    assert "raise --pixel-limit" in result.err
