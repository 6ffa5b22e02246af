from importlib import import_module

import pytest
from django.db import connection

from tests.factories import DeploymentFactory

ASK = import_module("deployments.migrations.0007_places_ask_by_their_names").ASK


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("slug", "asks"),
    [
        ("production", ("production", "production", True)),
        ("staging", ("staging", "staging", False)),
        ("trial", ("development", "none", False)),
    ],
)
def test_a_place_from_before_asks_what_its_name_says(
    slug: str, asks: tuple[str, str, bool]
) -> None:
    place = DeploymentFactory(slug=slug, environment="development", required_stage="none")
    with connection.cursor() as cursor:
        cursor.execute(ASK)
    place.refresh_from_db()
    assert (place.environment, place.required_stage, place.require_digest) == asks


@pytest.mark.django_db
def test_a_place_that_asks_for_something_keeps_it() -> None:
    place = DeploymentFactory(
        slug="production", environment="development", required_stage="staging"
    )
    with connection.cursor() as cursor:
        cursor.execute(ASK)
    place.refresh_from_db()
    assert (place.environment, place.required_stage) == ("development", "staging")
