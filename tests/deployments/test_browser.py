"""A deployment in a real browser: what is tried and typed stays, and no script fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse

from deployments.choices import RevisionStatus
from deployments.endpoints import target_of_revision
from deployments.models import Deployment, Revision
from deployments.providers.memory import MemoryProvider
from hokusai.accounts.choices import Role
from tests.chromium import FLAGS, executable
from tests.factories import RevisionFactory
from tests.staff import Staff, staff_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIGNATURE = {"inputs": [{"name": "a", "type": "double"}, {"name": "b", "type": "double"}]}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": executable(), "args": FLAGS}


@pytest.fixture
def live(memory: MemoryProvider) -> Revision:
    row = RevisionFactory(
        status=RevisionStatus.LIVE,
        version__signature=SIGNATURE,
        version__input_example={"columns": ["a", "b"], "data": [[1.5, 2.0]]},
    )
    row.endpoint = memory.deploy(target_of_revision(row.public_id).spec, timeout_s=1).handle
    row.save(update_fields=["endpoint"])
    return row


@pytest.fixture
def engineer(live: Revision) -> Staff:
    return staff_in(live.project, Role.ENGINEER)


@pytest.fixture
def console(page: Any, context: Any, live_server: Any, engineer: Staff) -> Iterator[Any]:
    name = django_settings.SESSION_COOKIE_NAME
    session = {"name": name, "value": engineer.client.cookies[name].value}
    context.add_cookies([{**session, "url": live_server.url}])
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield page
    assert not wrong, wrong


def test_a_try_shows_its_answer_and_an_error_at_its_field(
    console: Any, live_server: Any, live: Revision
) -> None:
    page = reverse("admin:deployments_deployment_change", args=[live.deployment.pk])
    console.goto(live_server.url + page)
    send = console.locator("#hk-try form:visible button[type=submit]")
    send.click()
    console.locator(".hk-output b", has_text="3.5").wait_for()
    console.fill("#hk-try-c0", "many")
    send.click()
    console.locator(".hk-try-field.hk-wrong #hk-try-c0").wait_for()
    assert console.input_value("#hk-try-c0") == "many"


def test_a_refused_deployment_keeps_what_was_typed(
    console: Any, live_server: Any, live: Revision
) -> None:
    page = reverse("admin:registry_modelversion_change", args=[live.version.pk])
    console.goto(live_server.url + page)
    console.locator('a[hx-get$="/deploy/"]').first.click()
    console.locator("#dialog [name=slug]").fill("eu-west")
    console.locator("#dialog [name=environment]").select_option("production")
    console.locator("#hk-foreseen", has_text="Promote it first").wait_for()
    console.locator("#dialog button[type=submit]").click()
    console.locator(".hk-dialog-error").wait_for()
    assert console.input_value("#dialog [name=slug]") == "eu-west"
    assert not Deployment.objects.filter(slug="eu-west").exists()
