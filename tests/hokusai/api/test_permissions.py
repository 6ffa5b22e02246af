"""Who may do what: every route of the API against every kind of caller."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from hokusai.accounts.choices import Role
from hokusai.core.models import Event, Job
from hokusai.storage import stores
from registry.models import ModelVersion
from tests import factories as make

pytestmark = pytest.mark.django_db

ROLES = ("viewer", "contributor", "engineer", "reviewer", "owner")
BUILDERS = ("engineer", "owner")
REVIEWERS = ("reviewer", "owner")
OWNERS = ("owner",)
STEWARDS = ("engineer", "reviewer", "owner")
GIVERS = ("contributor", "engineer", "owner")
CALLERS = ("anonymous", "outsider", *ROLES, "key_read", "key_write", "foreign_key")
PASS = "pass"

Expected = dict[str, Any]


def everybody() -> Expected:
    """Public without login."""
    return dict.fromkeys(CALLERS, PASS)


def logged_in() -> Expected:
    """Anybody known; lists are empty for those who may see nothing."""
    return {**everybody(), "anonymous": 401}


def persons() -> Expected:
    """Anybody known, but no key."""
    return {**logged_in(), "key_read": 403, "key_write": 403, "foreign_key": 403}


def writers() -> Expected:
    """Anybody known, keys with the scope to write."""
    return {**logged_in(), "key_read": 403}


def readers(roles: tuple[str, ...] = ROLES) -> Expected:
    """Members of these roles; keys belong to an engineer. For others it is as if absent."""
    keys = PASS if "engineer" in roles else 404
    return {
        "anonymous": 401,
        "outsider": 404,
        **{role: PASS if role in roles else 404 for role in ROLES},
        "key_read": keys,
        "key_write": keys,
        "foreign_key": 404,
    }


def doers(
    roles: tuple[str, ...], *, seen_by: tuple[str, ...] = ROLES, person_only: bool = False
) -> Expected:
    """Members of these roles; who only sees it is refused, to others it is as if absent."""
    allowed = {role: 403 if role in seen_by else 404 for role in ROLES}
    allowed |= dict.fromkeys(roles, PASS)
    key = 403 if person_only or "engineer" not in roles else PASS
    return {
        "anonymous": 401,
        "outsider": 404,
        **allowed,
        "key_read": 403,
        "key_write": key,
        "foreign_key": 403 if person_only else 404,
    }


@dataclass(frozen=True)
class Case:
    """A route, who may call it, and a body that is valid."""

    expected: Expected
    body: Callable[["World"], Any] = field(default=lambda world: None)
    multipart: bool = False


@dataclass
class World:
    """A private project with one of everything, and all kinds of callers."""

    project: Any
    callers: dict[str, APIClient]
    names: dict[str, str]


def table(world: World) -> SimpleUploadedFile:
    return SimpleUploadedFile("rows.csv", b"x,label\n1,0\n2,1\n")


# The engineer's key may write, but does not see them.
OWNERS_ALONE = {**doers(("owner",), seen_by=()), "key_write": 404}
PREDICTION = {"columns": ["x"], "data": [[1.0]]}
V = "models/<model_id>/versions"
CASES: dict[str, Case] = {
    "GET health/live": Case(everybody()),
    "GET health/ready": Case(everybody()),
    "GET metrics": Case(
        {**dict.fromkeys(CALLERS, 403), "anonymous": 401}
        | {"key_read": 401, "key_write": 401, "foreign_key": 401}
    ),
    "POST auth/token": Case(
        {**dict.fromkeys(CALLERS, PASS)},
        lambda w: {"username": w.names["username"], "password": make.PASSWORD},
    ),
    "POST auth/token/refresh": Case(dict.fromkeys(CALLERS, 401), lambda w: {"refresh": "no token"}),
    "GET me": Case(logged_in()),
    "GET keys": Case(everybody()),
    "GET model-keys": Case(everybody()),
    "GET attestations/<statement_id>": Case(everybody()),
    "GET attestations/<statement_id>/envelope": Case(everybody()),
    "GET contributors/<address>": Case(logged_in()),
    "GET contributors/<address>/impact": Case(logged_in()),
    "GET projects": Case(logged_in()),
    "POST projects": Case(persons(), lambda w: {"slug": "fresh", "name": "Fresh"}),
    "GET projects/<slug>": Case(readers()),
    "GET projects/<slug>/members": Case({**doers(("owner",)), "key_write": 403, "key_read": 403}),
    "PUT projects/<slug>/members/<username>": Case(
        doers(("owner",), person_only=True), lambda w: {"role": "viewer"}
    ),
    "DELETE projects/<slug>/members/<username>": Case(doers(("owner",), person_only=True)),
    "POST projects/<slug>/invitations": Case(
        doers(("owner",), person_only=True),
        lambda w: {"role": "viewer", "email": "guest@example.org"},
    ),
    "POST invitations/accept": Case(
        {**dict.fromkeys(CALLERS, 404), "anonymous": 401}
        | {"key_read": 403, "key_write": 403, "foreign_key": 403},
        lambda w: {"token": "unknown"},
    ),
    "GET api-keys": Case(logged_in()),
    "GET api-keys/<public_id>": Case(readers(("viewer", "owner")) | {}),
    "POST api-keys": Case(
        doers(ROLES, person_only=True),
        lambda w: {"project": w.project.slug, "name": "ci", "scopes": ["read"]},
    ),
    "POST api-keys/<public_id>/revoke": Case(
        doers(("viewer", "owner"), seen_by=(), person_only=True)
    ),
    "GET notifications": Case(logged_in()),
    "GET notifications/<slug>": Case(readers()),
    "PUT notifications/<slug>": Case(
        doers(ROLES, person_only=True), lambda w: {"choices": {"version.ready": True}}
    ),
    "GET webhooks": Case(logged_in()),
    "POST webhooks": Case(
        doers(("owner",)),
        lambda w: {
            "project": w.project.slug,
            "url": "https://hooks.example.org/",
            "topics": ["version.ready"],
        },
    ),
    "GET webhooks/<public_id>": Case(readers(("owner",))),
    "PATCH webhooks/<public_id>": Case(OWNERS_ALONE, lambda w: {"active": False}),
    "DELETE webhooks/<public_id>": Case(OWNERS_ALONE),
    "POST webhooks/<public_id>/rotate": Case(OWNERS_ALONE),
    "POST webhooks/<public_id>/test": Case(OWNERS_ALONE),
    "GET webhooks/<webhook_id>/deliveries": Case(readers(("owner",))),
    "GET webhooks/<webhook_id>/deliveries/<public_id>": Case(readers(("owner",))),
    "POST webhooks/<webhook_id>/deliveries/<public_id>/resend": Case(OWNERS_ALONE),
    "GET jobs": Case(logged_in()),
    "GET jobs/<public_id>": Case(readers(STEWARDS)),
    "POST jobs/<public_id>/cancel": Case(doers(BUILDERS, seen_by=STEWARDS)),
    "POST jobs/<public_id>/retry": Case(doers(BUILDERS, seen_by=STEWARDS)),
    "GET events": Case(logged_in()),
    "GET events/<public_id>": Case(readers(STEWARDS)),
    "GET models": Case(logged_in()),
    "POST models": Case(
        doers(BUILDERS), lambda w: {"project": w.project.slug, "slug": "new", "name": "New"}
    ),
    "POST models/register": Case(
        doers(BUILDERS),
        lambda w: {"project": w.project.slug, "model": "new", "source": f"runs:/{'0' * 32}/model"},
    ),
    "GET models/<model_id>": Case(readers()),
    "GET models/<model_id>/lineage": Case(readers()),
    "GET models/<model_id>/gain": Case(readers()),
    "GET lineage/<public_id>": Case(readers()),
    "GET lineage/<public_id>/edges": Case(readers()),
    "GET lineage/<public_id>/downstream": Case(readers()),
    f"GET {V}": Case(readers()),
    f"GET {V}/<number>": Case(readers()),
    f"GET {V}/production": Case(readers()),
    f"GET {V}/latest": Case(readers()),
    "GET versions": Case(logged_in()),
    "GET versions/facets": Case(logged_in()),
    f"GET {V}/<number>/lineage": Case(readers()),
    f"GET {V}/<number>/metadata": Case(readers()),
    f"PATCH {V}/<number>/metadata": Case(doers(BUILDERS), lambda w: {"licence": "MIT"}),
    f"GET {V}/<number>/card": Case(readers()),
    f"GET {V}/<number>/signatures": Case(readers()),
    f"POST {V}/<number>/signatures": Case(doers(BUILDERS), lambda w: {"bundle": "{}"}),
    f"PUT {V}/<number>/card": Case(doers(BUILDERS), lambda w: {"card": "# Tides"}),
    f"GET {V}/<number>/artifact": Case(readers()),
    f"GET {V}/<number>/artifact/files/<path>": Case(readers()),
    f"DELETE {V}/<number>/tags/<key>": Case(doers(BUILDERS)),
    "GET uploads": Case(logged_in()),
    "GET uploads/<public_id>": Case(readers(BUILDERS)),
    "GET uploads/<public_id>/parts": Case(readers(BUILDERS)),
    "POST uploads": Case(
        doers(BUILDERS),
        lambda w: {
            "project": w.project.slug,
            "files": [{"path": "m.onnx", "size_bytes": 1, "sha256": "0" * 64}],
        },
    ),
    "POST uploads/<public_id>/complete": Case(doers(BUILDERS, seen_by=())),
    "POST uploads/<public_id>/abort": Case(doers(BUILDERS, seen_by=())),
    f"PUT {V}/<number>/tags": Case(doers(BUILDERS), lambda w: {"tags": {"a": "b"}}),
    f"POST {V}/<number>/retry": Case(doers(BUILDERS)),
    f"GET {V}/<number>/promotions": Case(readers()),
    f"POST {V}/<number>/promotions": Case(doers(BUILDERS), lambda w: {"target": "staging"}),
    f"POST {V}/<number>/promotions/<public_id>/approve": Case(
        doers(REVIEWERS, person_only=True), lambda w: {}
    ),
    f"POST {V}/<number>/promotions/<public_id>/refuse": Case(
        doers(REVIEWERS, person_only=True), lambda w: {}
    ),
    f"POST {V}/<number>/promotions/<public_id>/cancel": Case(
        # By whoever asked for it, here the engineer.
        {**doers(("engineer",)), "key_write": 403}
    ),
    "GET models/<model_id>/at": Case(readers()),
    "GET models/<model_id>/history": Case(readers()),
    "POST models/<model_id>/rollback": Case(doers(REVIEWERS, person_only=True), lambda w: {}),
    "GET models/<model_id>/shares": Case({**doers(OWNERS), "key_read": 403}),
    "POST models/<model_id>/shares": Case(doers(OWNERS), lambda w: {"project": None}),
    "DELETE models/<model_id>/shares/<public_id>": Case(doers(OWNERS)),
    "POST models/<model_id>/archive": Case(doers(OWNERS), lambda w: {}),
    "POST models/<model_id>/restore": Case(doers(OWNERS)),
    "POST datasets/<public_id>/archive": Case(doers(OWNERS), lambda w: {}),
    "POST datasets/<public_id>/restore": Case(doers(OWNERS)),
    f"POST {V}/<number>/retire": Case(
        doers(REVIEWERS, person_only=True),
        lambda w: {"successor": 2, "sunset_at": "2999-01-01T00:00:00Z"},
    ),
    f"POST {V}/<number>/scan/review": Case(
        doers(REVIEWERS, person_only=True), lambda w: {"comment": "seen"}
    ),
    "GET projects/<slug>/promotion-policies": Case(readers()),
    "PUT projects/<slug>/promotion-policies/<stage>": Case(
        doers(OWNERS, person_only=True),
        lambda w: {"blocking": [], "approvals": 1, "roles": ["owner"]},
    ),
    "GET promotions": Case(logged_in()),
    "GET promotions/<public_id>": Case(readers()),
    "GET datasets": Case(logged_in()),
    "POST datasets": Case(
        doers(("contributor", "engineer", "reviewer", "owner")),
        lambda w: {"project": w.project.slug, "slug": "rows", "name": "Rows"},
    ),
    "GET datasets/<public_id>": Case(readers()),
    "GET datasets/<dataset_id>/versions": Case(readers()),
    "POST datasets/<dataset_id>/versions": Case(
        doers(("contributor", "engineer", "reviewer", "owner")),
        lambda w: {"file": table(w), "label_column": "label"},
        multipart=True,
    ),
    "GET datasets/<dataset_id>/versions/<number>": Case(readers()),
    "GET datasets/<dataset_id>/versions/<number>/schema": Case(readers()),
    "GET datasets/<dataset_id>/versions/<number>/used-by": Case(readers()),
    "GET datasets/<dataset_id>/versions/<number>/statistics": Case(readers()),
    "GET datasets/<dataset_id>/versions/<number>/preview": Case(readers()),
    "GET datasets/<dataset_id>/versions/<number>/download": Case(readers()),
    "GET benchmarks": Case(logged_in()),
    "POST benchmarks": Case(
        doers(STEWARDS),
        lambda w: {
            "project": w.project.slug,
            "slug": "test",
            "name": "Test",
            "dataset_version": w.names["dataset_version"],
            "label_column": "label",
        },
    ),
    "GET benchmarks/<public_id>": Case(readers()),
    "POST benchmarks/<public_id>/approve": Case(doers(REVIEWERS, person_only=True)),
    "POST benchmarks/<public_id>/retire": Case(doers(REVIEWERS, person_only=True)),
    "GET experiments": Case(logged_in()),
    "GET experiments/<public_id>": Case(readers()),
    "POST experiments": Case(
        doers(BUILDERS),
        lambda w: {
            "name": "Try",
            "baseline": w.names["version"],
            "benchmark": w.names["benchmark"],
        },
    ),
    "GET comparisons": Case(logged_in()),
    "GET comparisons/<public_id>": Case(readers()),
    "POST comparisons": Case(
        doers(BUILDERS),
        lambda w: {
            "benchmark": w.names["benchmark"],
            "baseline": w.names["version"],
            "candidate": w.names["candidate"],
        },
    ),
    "GET evaluations": Case(logged_in()),
    "GET evaluations/<public_id>": Case(readers()),
    "GET runs": Case(logged_in()),
    "GET runs/<public_id>": Case(readers()),
    "GET runs/compare": Case(logged_in()),
    "POST runs/<public_id>/history": Case({**readers(), "key_read": 403}),
    "GET runs/<public_id>/metrics/<metric>": Case(readers()),
    "GET contributions": Case(logged_in()),
    "GET contributions/<public_id>": Case(readers()),
    "POST contributions": Case(
        doers(GIVERS),
        lambda w: {
            "model_id": w.names["model_id"],
            "address": make.wallet_address(),
            "licence": "CC0-1.0",
            "label_column": "label",
            "rows": [{"x": 1, "label": 0}],
        },
    ),
    # By whoever gave it, here the contributor.
    "POST contributions/<public_id>/withdraw": Case(doers(("contributor",))),
    "GET improvements": Case(logged_in()),
    "GET improvements/<public_id>": Case(readers()),
    "POST models/<model_id>/predict": Case(
        {**doers(ROLES), "key_write": 403}, lambda w: PREDICTION
    ),
    "GET deployments": Case(logged_in()),
    "POST deployments": Case(
        doers(BUILDERS), lambda w: {"model_id": w.names["model_id"], "version": 1}
    ),
    "GET deployments/<public_id>": Case(readers()),
    "POST deployments/<public_id>/rollback": Case(doers(BUILDERS)),
    "POST deployments/<public_id>/stop": Case(doers(BUILDERS)),
    "POST deployments/<public_id>/predict": Case(
        {**doers(ROLES), "key_write": 403}, lambda w: PREDICTION
    ),
    "GET deployments/<deployment_id>/revisions": Case(logged_in()),
    "GET deployments/<deployment_id>/revisions/<public_id>": Case(readers()),
}

# What `<public_id>` names, by the resource before it.
OWN_ID = (
    "api-keys",
    "webhooks",
    "deliveries",
    "jobs",
    "events",
    "promotions",
    "datasets",
    "benchmarks",
    "experiments",
    "comparisons",
    "evaluations",
    "runs",
    "uploads",
    "contributions",
    "improvements",
    "deployments",
    "revisions",
    "shares",
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    project = make.ProjectFactory(slug="tides")
    people = {role: make.member(project, Role(role)) for role in ROLES}
    comparison = make.ComparisonFactory(benchmark__project=project, status="accepted")
    improvement = make.ImprovementFactory(comparison=comparison)
    attestation = make.AttestationFactory(improvement=improvement)
    share = make.ShareFactory(improvement=improvement)
    version = comparison.baseline
    (tmp_path / "m.onnx").write_bytes(b"weights")
    kept = stores["default"].put_tree(tmp_path).digest
    ModelVersion.objects.filter(pk=version.pk).update(tree_digest=kept)
    deployment = make.DeploymentFactory(model=version.model)
    table_version = make.DatasetVersionFactory(dataset__project=project)
    draft = make.BenchmarkFactory(
        project=project, status="draft", approved_by=None, approved_at=None
    )
    copying = make.ModelVersionFactory(
        model=version.model, artifact_state="pending", tree_digest=""
    )
    delivery = make.WebhookDeliveryFactory(webhook__project=project, status="failed")
    make.ModelVersionFactory(model=version.model, stage="production")
    guest = make.UserFactory()
    make.MembershipFactory(project=project, user=guest, role="viewer")
    names = {
        "slug": project.slug,
        "username": guest.username,
        "model_id": version.model.model_id,
        "number": str(version.number),
        "version": version.public_id,
        "lineage": version.public_id,
        "candidate": comparison.candidate.public_id,
        "statement_id": attestation.statement_id,
        "address": share.contribution.wallet.address,
        "dataset_id": table_version.dataset.public_id,
        "dataset_version": table_version.public_id,
        "benchmark": comparison.benchmark.public_id,
        "deployment_id": deployment.public_id,
        "api-keys": make.ApiKeyFactory(project=project, owner=people["viewer"]).public_id,
        "webhooks": delivery.webhook.public_id,
        "webhook_id": delivery.webhook.public_id,
        "deliveries": delivery.public_id,
        "jobs": make.JobFactory(project_id=project.pk, subject=copying.public_id).public_id,
        "events": make.EventFactory(project_id=project.pk).public_id,
        "stage": "staging",
        "shares": make.ModelShareFactory(model=version.model).public_id,
        "promotions": make.PromotionFactory(
            version=version, requested_by=people["engineer"]
        ).public_id,
        "datasets": table_version.dataset.public_id,
        "benchmarks": draft.public_id,
        "experiments": make.ExperimentFactory(project=project).public_id,
        "comparisons": comparison.public_id,
        "evaluations": make.EvaluationFactory(comparison=comparison).public_id,
        "runs": make.RunFactory(experiment__project=project).public_id,
        "metric": "accuracy",
        "path": "m.onnx",
        "key": "team",
        "uploads": make.UploadFileFactory(upload__project=project).upload.public_id,
        "contributions": make.ContributionFactory(
            model=version.model, submitted_by=people["contributor"]
        ).public_id,
        "improvements": improvement.public_id,
        "deployments": deployment.public_id,
        "revisions": make.RevisionFactory(deployment=deployment, version=version).public_id,
    }
    return World(project, _callers(project, people), names)


def _callers(project: Any, people: dict[str, Any]) -> dict[str, APIClient]:
    clients = {"anonymous": APIClient()}
    for name, user in {**people, "outsider": make.UserFactory()}.items():
        clients[name] = APIClient()
        clients[name].force_authenticate(user)
    elsewhere = make.ProjectFactory()
    for name, place, scopes in (
        ("key_read", project, ("read",)),
        ("key_write", project, ("read", "write")),
        ("foreign_key", elsewhere, ("read", "write", "predict")),
    ):
        _, secret = make.api_key(place, *scopes)
        clients[name] = APIClient(headers={"X-API-Key": secret})
    return clients


def routes() -> Iterator[str]:
    """`METHOD path` of everything below /api/v1/."""
    for path, callback in _walk(get_resolver("hokusai.api.urls").url_patterns, ""):
        view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
        if view is None or not path.startswith("api/v1/"):
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


def _status(route: str, case: Case, world: World, caller: str) -> Any:
    method, path = _filled(route, world)
    options = {"format": "multipart" if case.multipart else "json"}
    with transaction.atomic():
        response = world.callers[caller].generic if method == "GET" else None
        if response is not None:
            answer = world.callers[caller].get(path)
        else:
            send = getattr(world.callers[caller], method.lower())
            answer = send(path, case.body(world), **options)
        transaction.set_rollback(True)
    assert answer.status_code < 500 or "predict" in path or "ready" in path, answer.content
    refused = answer.status_code in (401, 403, 404, 405)
    return answer.status_code if refused else PASS


def _filled(route: str, world: World) -> tuple[str, str]:
    method, path = route.split(" ")
    before = ""
    parts = []
    for part in path.split("/"):
        if part.startswith("<"):
            name = part.strip("<>")
            parts.append(world.names[before if name == "public_id" else name])
        else:
            parts.append(part)
            before = part
    return method, "/api/v1/" + "/".join(parts)


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
