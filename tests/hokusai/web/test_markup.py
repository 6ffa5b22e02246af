from datetime import UTC, datetime

import pytest

from hokusai.web import markup


def test_what_people_wrote_is_escaped() -> None:
    assert "<script>" not in markup.link("<script>", "/x")
    assert "<script>" not in markup.mono("<script>")
    assert "<script>" not in markup.badge("<script>")


@pytest.mark.parametrize(
    ("state", "tone"),
    [("ready", "success"), ("refused", "danger"), ("queued", "warning"), ("novel", "quiet")],
)
def test_a_state_has_its_colour(state: str, tone: str) -> None:
    assert markup.tone_of(state) == tone


def test_differences_are_signed_points_and_scores_percent() -> None:
    assert markup.points(21_300) == "+2.13 pp"
    assert markup.points(-500) == "-0.05 pp"
    assert markup.percent(871_250) == "87.12 %"
    assert markup.points(None) == markup.percent(None) == "—"


def test_a_metric_that_is_no_proportion_keeps_its_unit() -> None:
    assert markup.gain(5_000, "log_loss") == "+0.0050"
    assert markup.score(420_000, "log_loss") == "0.4200"
    assert markup.gain(5_000, "accuracy") == "+0.50 pp"


def test_long_text_is_cut_and_whole_on_hover() -> None:
    cut = markup.mono("a" * 64, 16)
    assert ">" + "a" * 16 + "…<" in cut
    assert "a" * 64 in cut


def test_a_time_is_shown_to_the_minute_and_exact_on_hover() -> None:
    shown = markup.moment(datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC))
    assert "1 Mar 2026, 09:05<" in shown
    assert "09:05:07" in shown
    assert markup.moment(None) == markup.NOTHING
