from datetime import UTC, datetime

import orjson
import pytest
from pytest_django import Settings

from hokusai.accounts.models import Project
from hokusai.core.models import Event
from hokusai.notify import wording
from hokusai.notify.choices import TOPIC_OF_TAG
from tests.factories import EventFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory(slug="tides")


def event(project: Project, **fields: object) -> Event:
    made: Event = EventFactory(project_id=project.pk, **fields)
    made.refresh_from_db()
    return made


@pytest.mark.parametrize("tag", sorted(TOPIC_OF_TAG))
def test_every_event_that_is_told_has_words(tag: str, project: Project) -> None:
    told = event(project, tag=tag, subject_label="tides.forecast v3", actor_label="ada")
    assert "tides.forecast v3" in wording.sentence_of(told)
    assert "{" not in wording.sentence_of(told)


def test_a_mail_says_who_did_what_where_and_leads_to_the_page(
    project: Project, settings: Settings
) -> None:
    settings.BASE_URL = "https://hokusai.example.org/"
    told = event(
        project,
        tag="promotion:requested",
        subject="prm_" + "0" * 32,
        subject_label="tides.forecast v3 to production",
        actor_label="ada",
    )
    assert wording.mail_subject(told, project) == (
        "[tides] ada asks for a decision: tides.forecast v3 to production"
    )
    body = wording.mail_body(told, project)
    assert f"https://hokusai.example.org/admin/find/prm_{'0' * 32}/" in body
    assert "https://hokusai.example.org/admin/notify/message/choices/" in body


def test_a_name_with_line_breaks_stays_in_its_line(project: Project) -> None:
    told = event(project, tag="version:ready", subject_label="a\r\nBcc: all@example.org")
    assert "\n" not in wording.mail_subject(told, project)
    assert "\r" not in wording.mail_subject(told, project)


def test_a_webhook_s_body_has_type_time_and_what_the_event_says(project: Project) -> None:
    told = event(
        project,
        tag="stage:changed",
        subject_label="v3",
        actor_label="ada",
        before={"stage": "staging"},
        after={"stage": "production"},
    )
    body = orjson.loads(wording.webhook_body(told, project))
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "stage.changed"
    assert datetime.fromisoformat(body["timestamp"]) == told.recorded_at
    assert body["timestamp"].endswith("Z")
    data = body["data"]
    assert (data["id"], data["tag"], data["project"]) == (told.public_id, "stage:changed", "tides")
    assert (data["subject"]["id"], data["subject"]["label"]) == (told.subject, "v3")
    assert (data["before"], data["after"]) == ({"stage": "staging"}, {"stage": "production"})
    assert data["actor"] == "ada"


def test_of_a_huge_event_the_states_are_left_out(project: Project) -> None:
    told = event(project, tag="version:ready", after={"x": "y" * wording.MAX_BODY_BYTES})
    body = wording.webhook_body(told, project)
    assert len(body.encode()) <= wording.MAX_BODY_BYTES
    assert orjson.loads(body)["data"]["truncated"] is True


def test_a_test_says_that_it_is_one(project: Project) -> None:
    body = orjson.loads(wording.test_body(project, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    assert body == {
        "type": "webhook.test",
        "timestamp": "2026-01-02T03:04:05Z",
        "data": {"project": "tides"},
    }
