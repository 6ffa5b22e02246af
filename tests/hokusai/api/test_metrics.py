import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/metrics"


def scrape(token: str) -> int:
    code: int = APIClient().get(URL, headers={"Authorization": f"Bearer {token}"}).status_code
    return code


def test_the_token_opens_the_metrics(settings: Settings) -> None:
    settings.METRICS_TOKEN = "only-for-the-scraper"
    assert scrape("only-for-the-scraper") == 200
    assert scrape("something-else") == 401


@pytest.mark.parametrize("token", ["", "x"])
def test_without_a_setting_no_token_does(settings: Settings, token: str) -> None:
    settings.METRICS_TOKEN = ""
    assert scrape(token) == 401


@pytest.mark.parametrize(("is_staff", "status"), [(True, 200), (False, 403)])
def test_of_people_only_staff_read_them(is_staff: bool, status: int) -> None:
    client = APIClient()
    client.force_login(
        UserFactory(is_staff=is_staff), backend="django.contrib.auth.backends.ModelBackend"
    )
    answer = client.get(URL)
    assert answer.status_code == status
    assert (b"# HELP" in answer.content) == is_staff
