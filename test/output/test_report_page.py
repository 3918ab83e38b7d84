"""The evaluation's page: what is in it, and that it opens at any width."""

from __future__ import annotations

import pytest

from spatial_llava_ros.evaluation.expressions import Outcome
from spatial_llava_ros.evaluation.report import write_report
from spatial_llava_ros.frames.expressions import Expression
from spatial_llava_ros.types import Status

from .chromium import BROWSER, Chromium
from .test_mcap_log import answer

EVIL = "the </title><script>document.title='taken'</script> mug"


@pytest.fixture
def page(tmp_path, small_frame):
    said = answer(query=EVIL, status=Status.FOUND)
    outcome = Outcome("table-0", Expression(EVIL, (4.0, 4.0, 20.0, 20.0), "attribute"), said, 0.25, False)
    path = tmp_path / "report.html"
    errors = {"centre error, mm": [1.0, 2.0, 3.0, 4.0, 50.0], "nothing measured": []}
    write_report(path, EVIL, [outcome], {"table-0": small_frame}, errors, {"centre_median_m": 0.00312})
    return path


def test_every_miss_has_its_picture_and_every_error_its_plot(page):
    text = page.read_text()
    assert text.count("data:image/jpeg") == 1 and text.count("<svg") == 1 and "nothing measured" not in text
    assert "median 3, 95 % below 40.8, n = 5" in text and "centre median m" in text and "0.00312" in text
    assert "IoU 0.25" in text and "<script" not in text


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1300])
def test_it_opens_at_any_width(page, width):
    with Chromium() as browser:
        browser.open(page, width, dark=width == 390)
        assert browser.js("document.documentElement.scrollWidth") <= width
        assert browser.js("document.title") == EVIL and browser.said == []
        assert browser.requests == [page.resolve().as_uri()]
        assert browser.js("document.images[0].naturalWidth") > 0
