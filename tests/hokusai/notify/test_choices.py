import pytest

from hokusai.notify.choices import Topic, topic_of


@pytest.mark.parametrize(
    ("tag", "after", "topic"),
    [
        ("promotion:approved", {}, Topic.PROMOTION_DECIDED),
        ("version:changed-in-mlflow", {"conflicts": ["description"]}, Topic.SYNC_CONFLICT),
        ("version:changed-in-mlflow", {"conflicts": [], "description": "new"}, None),
        ("version:tagged", {}, None),
    ],
)
def test_an_event_is_about_what_its_tag_and_its_content_say(
    tag: str, after: dict[str, object], topic: Topic | None
) -> None:
    assert topic_of(tag, after) == topic
