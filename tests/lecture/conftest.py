"""The results of the lecture and its two pages, computed once."""

from __future__ import annotations

import pytest

import allconv as ac
from allconv.lecture import Result
from allconv.lecture.page import lecture_page
from allconv.lecture.worksheet import worksheet_page


@pytest.fixture(scope="module")
def results() -> tuple[Result, ...]:
    return ac.lecture.check()


@pytest.fixture(scope="module")
def text(results: tuple[Result, ...]) -> str:
    return lecture_page(results)


@pytest.fixture(scope="module")
def sheet(results: tuple[Result, ...]) -> str:
    return worksheet_page(results)
