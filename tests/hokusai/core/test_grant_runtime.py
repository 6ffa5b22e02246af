"""The command runs on the test's database, and the role then tries what it must not."""

import io
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from psycopg.errors import InsufficientPrivilege

from hokusai.core import jobs, outbox, services
from hokusai.core.choices import WorkStatus
from hokusai.core.events import SYSTEM, record
from hokusai.core.models import Delivery, Event
from tests.factories import DeliveryFactory, EventFactory
from tests.hokusai.core.conftest import Handler, Listener

pytestmark = pytest.mark.django_db(transaction=True)
RUNTIME = urlsplit(os.environ["TEST_RUNTIME_URL"])


@pytest.fixture
def granted() -> str:
    out = io.StringIO()
    call_command("grant_runtime", role=RUNTIME.username, stdout=out)
    return out.getvalue()


@pytest.fixture
def runtime(granted: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A connection of the runtime role to the test's database."""
    url = RUNTIME._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    with psycopg.connect(url, autocommit=True) as found:
        yield found


@pytest.fixture
def as_runtime(granted: str) -> Iterator[None]:
    """Django itself, connected as the runtime role."""
    owner = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(USER=RUNTIME.username, PASSWORD=RUNTIME.password)
    yield
    connection.close()
    connection.settings_dict.update(owner)


def test_the_command_names_the_role(granted: str) -> None:
    assert str(RUNTIME.username) in granted


def test_the_runtime_role_may_add_to_history_and_read_it(
    runtime: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    EventFactory()
    runtime.execute(
        "INSERT INTO core_event (public_id, tag, actor, actor_label, subject, subject_label,"
        " before, after, request_id, digest)"
        " VALUES ('evt_1', 't:a', 'user:1', '', 's', '', '{}', '{}', '', '')"
    )
    assert runtime.execute("SELECT count(*) FROM core_event").fetchone() == (2,)


FORBIDDEN = (
    "UPDATE core_event SET tag = 'other'",
    "DELETE FROM core_event",
    "TRUNCATE core_event CASCADE",
    "DROP TABLE core_event CASCADE",
    "ALTER TABLE core_event DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "SELECT * FROM core_event FOR UPDATE",
    "CREATE TABLE other (id int)",
    "TRUNCATE core_job",
    "DELETE FROM signers_signingkey",
)


def test_the_runtime_role_cannot_change_history(
    runtime: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    EventFactory()
    for statement in FORBIDDEN:
        with pytest.raises(InsufficientPrivilege):
            runtime.execute(statement)
    assert Event.objects.get().tag == "version:registered"


@pytest.mark.usefixtures("as_runtime")
def test_work_is_done_under_the_runtime_role(task: Handler, listener: Listener) -> None:
    with transaction.atomic():
        job = jobs.enqueue("task", subject="mdv_1", project_id=None)
        event = record(
            "thing:changed", subject="thing_1", actor=SYSTEM, project_id=None, after={"n": 1}
        )
    jobs.run(job.pk)
    outbox.deliver(event.deliveries.get().stream)
    job.refresh_from_db()
    assert job.status == event.deliveries.get().status == WorkStatus.SUCCEEDED


@pytest.mark.usefixtures("as_runtime")
def test_a_parked_delivery_is_retried_under_the_runtime_role() -> None:
    parked = DeliveryFactory(status="failed")
    services.retry_delivery(delivery_id=parked.pk, actor=SYSTEM)
    assert Delivery.objects.get(pk=parked.pk).status == WorkStatus.QUEUED
