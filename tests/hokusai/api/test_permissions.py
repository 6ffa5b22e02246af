"""Who may do what: every route of the API against every kind of caller."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver

from hokusai.core.models import Event, Job
from tests.hokusai.api.table import (
    CALLERS,
    CASES,
    FOR_MODELS,
    LISTS_FOR_MODELS,
    PASS,
    Case,
)
from tests.hokusai.api.world import OWN_ID, World, filled, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def routes() -> Iterator[str]:
    """`METHOD path` of everything below /api/v1/, and of the V2 inference protocol."""
    for path, callback in _walk(get_resolver("hokusai.api.urls").url_patterns, ""):
        view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
        if view is None or not path.startswith(("api/v1/", "v2")):
            continue
        actions = getattr(callback, "actions", None)
        methods = actions or [m for m in view.http_method_names if hasattr(view, m)]
        for method in methods:
            if method not in ("options", "head"):
                yield f"{method.upper()} {path.removeprefix('api/v1/')}"


def _walk(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            named = path.replace("<slug:", "<").replace("<str:", "<").replace("^", "")
            yield simplify_regex(named).strip("/").replace("\\Z", ""), pattern.callback


def test_every_route_is_in_the_table() -> None:
    assert set(routes()) == set(CASES)


@pytest.mark.parametrize("route", CASES)
def test_only_those_who_may_get_through(
    route: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[route]
    monkeypatch.setattr("hokusai.api.health.PROBES", {})
    seen = {caller: _status(route, case, world, caller) for caller in CALLERS}
    assert seen == case.expected


def test_a_key_limited_to_models_reaches_these_and_what_is_public(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hokusai.api.health.PROBES", {})
    public = {name for name, case in CASES.items() if case.expected["anonymous"] == PASS}
    opened: dict[str, set[str]] = {"limited_key": set(), "other_limited_key": set()}
    for caller, reached in opened.items():
        for route, case in CASES.items():
            if _status(route, case, world, caller) == PASS:
                reached.add(route)
    assert opened["limited_key"] - public == FOR_MODELS
    assert opened["other_limited_key"] - public == LISTS_FOR_MODELS


def test_a_key_limited_to_other_models_sees_no_row_of_this_one(world: World) -> None:
    for name in sorted(LISTS_FOR_MODELS - {"GET me"}):
        _, path = filled(name, world)
        answer = world.callers["other_limited_key"].get(path)
        assert (path, answer.json()["results"]) == (path, [])
        own = world.callers["limited_key"].get(path)
        assert (path, bool(own.json()["results"])) == (path, True)


def test_a_key_that_may_not_be_used_for_a_model_is_told_so(world: World) -> None:
    for route in ("POST models/<model_id>/predict", "POST deployments/<public_id>/predict"):
        _, path = filled(route, world)
        answer = world.callers["other_limited_key"].post(path, CASES[route].body(world))
        assert answer.status_code == 403
        assert answer.json()["message"] == "This key may not be used for this model."


def _status(route: str, case: Case, world: World, caller: str) -> Any:
    method, path = filled(route, world)
    options = {"format": "multipart" if case.multipart else "json"}
    with transaction.atomic():
        response = world.callers[caller].generic if method == "GET" else None
        if response is not None:
            answer = world.callers[caller].get(path)
        else:
            send = getattr(world.callers[caller], method.lower())
            answer = send(path, case.body(world), **options)
        transaction.set_rollback(True)
    asks_a_model = any(part in path for part in ("predict", "ready", "/v2/"))
    assert answer.status_code < 500 or asks_a_model, answer.content
    refused = answer.status_code in (401, 403, 404, 405)
    return answer.status_code if refused else PASS


def test_the_world_holds_what_the_paths_name(world: World) -> None:
    assert Job.objects.filter(public_id=world.names["jobs"]).exists()
    assert Event.objects.filter(public_id=world.names["events"]).exists()
    assert set(OWN_ID) <= set(world.names)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("models/{model_id}", 200),
        ("models/{model_id}/versions/1", 200),
        ("benchmarks/{benchmarks}", 200),
        ("comparisons/{comparisons}", 200),
        ("improvements/{improvements}", 200),
        ("datasets/{datasets}", 404),
        ("contributions/{contributions}", 404),
        ("events/{events}", 404),
        ("jobs/{jobs}", 404),
        ("deployments/{deployments}", 404),
    ],
)
def test_outsiders_see_of_a_public_project_what_is_public(
    world: World, path: str, status: int
) -> None:
    world.project.visibility = "public"
    world.project.save()
    answer = world.callers["outsider"].get("/api/v1/" + path.format(**world.names))
    assert answer.status_code == status


def test_outsiders_of_a_public_project_are_refused_to_change_it(world: World) -> None:
    world.project.visibility = "public"
    world.project.save()
    body = CASES["POST models/register"].body(world)
    answer = world.callers["outsider"].post("/api/v1/models/register", body)
    assert answer.status_code == 403


def test_a_hidden_thing_answers_exactly_as_an_absent_one(world: World) -> None:
    outsider = world.callers["outsider"]
    hidden = outsider.get(f"/api/v1/models/{world.names['model_id']}").json()
    absent = outsider.get("/api/v1/models/no.such").json()
    del hidden["request_id"], absent["request_id"]
    assert hidden == absent


@pytest.mark.parametrize(
    "path",
    [
        "models",
        "datasets",
        "jobs",
        "events",
        "api-keys",
        "webhooks",
        "comparisons",
        "contributions",
        "deployments",
        "projects",
        "promotions",
        "benchmarks",
        "evaluations",
        "runs",
        "improvements",
    ],
)
@pytest.mark.parametrize("caller", ["outsider", "foreign_key"])
def test_lists_hide_what_the_caller_may_not_see(world: World, path: str, caller: str) -> None:
    answer = world.callers[caller].get(f"/api/v1/{path}")
    own = {"projects", "api-keys"} if caller == "foreign_key" else set()
    shown = [row for row in answer.json()["results"] if row.get("slug") != world.project.slug]
    assert answer.status_code == 200
    assert bool(shown) == (path in own)
