import re

import pytest

from registry.algorithms.naming import slug_of

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NAMES = [
    "churn",
    "Churn Model",
    "tides.forecast",
    "отток",
    "流失",
    "модель v2",
    "🙂",
    "-",
    "x" * 200,
]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("churn", "churn"),
        ("Churn Model", "churn-model"),
        ("tides.forecast", "tides-forecast"),
        ("Prévision_été", "prevision-ete"),
        ("  a//b  ", "a-b"),
    ],
)
def test_what_can_be_read_stays_readable(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_a_slug_and_always_the_same(name: str) -> None:
    assert SLUG.fullmatch(slug_of(name))
    assert slug_of(name) == slug_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_slug_is_given_once(name: str) -> None:
    taken = slug_of(name)
    other = slug_of(name, {taken}.__contains__)
    assert other != taken
    assert SLUG.fullmatch(other)


def test_names_that_lose_letters_stay_apart() -> None:
    slugs = {slug_of(name) for name in NAMES}
    assert len(slugs) == len(NAMES)
    assert slug_of("модель v2").startswith("v2-")
