"""The table of permissions: every route of the API, who may call it, and a body that is valid."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests import factories as make
from tests.hokusai.api.world import ROLES, World

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


def administrators() -> Expected:
    """Superusers alone, none of whom is among the callers."""
    return {**dict.fromkeys(CALLERS, 403), "anonymous": 401}


@dataclass(frozen=True)
class Case:
    """A route, who may call it, and a body that is valid."""

    expected: Expected
    body: Callable[[World], Any] = field(default=lambda world: None)
    multipart: bool = False


def table(world: World) -> SimpleUploadedFile:
    return SimpleUploadedFile("rows.csv", b"x,label\n1,0\n2,1\n")


# The engineer's key may write, but does not see them.
OWNERS_ALONE = {**doers(("owner",), seen_by=()), "key_write": 404}
INFERENCE = {"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [1.0]}]}
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
    "GET keys/<key_id>": Case(everybody()),
    "GET model-keys": Case(everybody()),
    "GET log/checkpoint": Case(everybody()),
    "GET log/checkpoints": Case(everybody()),
    "GET log/proof": Case(everybody()),
    "GET log/consistency": Case(everybody()),
    "GET log/leaves": Case(everybody()),
    "GET attestations/<statement_id>": Case(everybody()),
    "GET attestations/<statement_id>/envelope": Case(everybody()),
    "GET attestations/<statement_id>/bundle": Case(everybody()),
    "GET attestations": Case(logged_in()),
    "GET attestations/<statement_id>/proof": Case(everybody()),
    "POST attestations/<statement_id>/verify": Case(logged_in()),
    "GET attestations/<statement_id>/revocation": Case(everybody()),
    "POST attestations/<statement_id>/revocation": Case(
        {
            **dict.fromkeys(CALLERS, 403),
            "anonymous": 401,
            **dict.fromkeys(REVIEWERS, PASS),
        },
        lambda w: {"reason": "Measured on rows of another set."},
    ),
    "GET projects/<slug>/signing-policy": Case(readers()),
    "PUT projects/<slug>/signing-policy": Case(
        doers(OWNERS, person_only=True),
        lambda w: {"required": 1, "key_ids": [make.SigningKeyFactory().key_id]},
    ),
    "GET trust": Case(everybody()),
    "GET contributors/<address>": Case(readers()),
    "GET contributors/<address>/impact": Case(readers()),
    "GET leaderboard": Case(logged_in()),
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
    # Without a secret of its own the hook is as if absent; signed deliveries: test_hooks.py.
    "POST hooks/auth": Case(dict.fromkeys(CALLERS, 404), lambda w: {"type": "x"}),
    "POST hooks/mlflow": Case(dict.fromkeys(CALLERS, 404), lambda w: {"entity": "x"}),
    "GET sync/status": Case(logged_in()),
    "GET sync/conflicts": Case(logged_in()),
    "GET sync/conflicts/<public_id>": Case(readers(STEWARDS)),
    "POST sync/conflicts/<public_id>/resolve": Case(
        doers(BUILDERS, seen_by=STEWARDS), lambda w: {"choice": "ours"}
    ),
    "GET tracked-experiments": Case(logged_in()),
    "GET tracked-experiments/<public_id>": Case(readers(STEWARDS)),
    # This one is mapped: to another project it is moved by administrators alone.
    "POST tracked-experiments/<public_id>/map": Case(
        doers((), seen_by=STEWARDS, person_only=True), lambda w: {"project": w.project.slug}
    ),
    "POST tracked-experiments/<public_id>/unmap": Case(
        doers((), seen_by=STEWARDS, person_only=True)
    ),
    "GET tracked-versions": Case(administrators()),
    "GET tracked-versions/<public_id>": Case(administrators()),
    **{
        f"POST tracked-versions/{deed}": Case(
            administrators(), lambda w: {"ids": [w.names["tracked-versions"]], "project": "tides"}
        )
        for deed in ("assign", "ignore", "unignore")
    },
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
    "GET benchmarks/<public_id>/attempts": Case(doers(("reviewer",))),
    "GET benchmarks/<public_id>/power": Case(readers()),
    "GET models/<model_id>/cumulative-gain": Case(readers()),
    "POST models/<model_id>/cumulative-gain": Case(doers(BUILDERS)),
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
    "GET trainings": Case(logged_in()),
    "GET trainings/<public_id>": Case(readers()),
    "GET training-recipes": Case(logged_in()),
    "POST models/<model_id>/candidates": Case(
        doers(BUILDERS),
        lambda w: {
            "benchmark": w.names["benchmark"],
            "recipe": "scikit-learn",
            "parameters": {"C": 1.0},
            "seeds": [1, 2, 3],
        },
    ),
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
    "POST contributions/<public_id>/disclosure": Case(
        doers(("contributor",)), lambda w: {"index": 0}
    ),
    "GET improvements": Case(logged_in()),
    "GET improvements/<public_id>": Case(readers()),
    "GET improvements/<public_id>/attribution": Case(readers()),
    "POST improvements/<public_id>/attribution": Case(
        doers(("engineer", "reviewer", "owner")), lambda w: {"method": "knn-shapley/1"}
    ),
    "GET improvements/<public_id>/attribution/report": Case(readers()),
    "POST models/<model_id>/predict": Case(
        {**doers(ROLES), "key_write": 403}, lambda w: PREDICTION
    ),
    "GET v2": Case(everybody()),
    "GET v2/health/live": Case(everybody()),
    "GET v2/health/ready": Case(everybody()),
    "GET v2/models/<model_id>": Case(readers()),
    "GET v2/models/<model_id>/ready": Case(readers()),
    "POST v2/models/<model_id>/infer": Case(
        {**doers(ROLES), "key_write": 403}, lambda w: INFERENCE
    ),
    "GET deployments": Case(logged_in()),
    "POST deployments": Case(
        doers(BUILDERS),
        lambda w: {"model_id": w.names["model_id"], "version": 1, "slug": "trial"},
    ),
    "GET deployments/<public_id>": Case(readers()),
    "PATCH deployments/<public_id>": Case(doers(BUILDERS), lambda w: {"idle_s": 60}),
    "POST deployments/<public_id>/rollback": Case(doers(BUILDERS)),
    "POST deployments/<public_id>/stop": Case(doers(BUILDERS)),
    "POST deployments/<public_id>/predict": Case(
        {**doers(ROLES), "key_write": 403}, lambda w: PREDICTION
    ),
    "GET prediction-receipts": Case(logged_in()),
    "GET prediction-receipts/<public_id>": Case(readers()),
    "GET batch-predictions": Case(logged_in()),
    "POST batch-predictions": Case(
        {**doers(("contributor", "engineer", "reviewer", "owner")), "key_write": 403}
        | {"foreign_key": 404},
        lambda w: {
            "model_id": w.names["model_id"],
            "version": int(w.names["number"]),
            "dataset_version": w.names["dataset_version"],
        },
    ),
    "GET batch-predictions/<public_id>": Case(readers()),
    "GET batch-predictions/<public_id>/chunks": Case(readers()),
    "GET batch-predictions/<public_id>/result": Case(
        {**readers(), "viewer": 403},
    ),
    "POST batch-predictions/<public_id>/cancel": Case(
        {**doers(("contributor", "engineer", "reviewer", "owner")), "key_write": 403}
        | {"foreign_key": 404},
    ),
    "POST batch-predictions/<public_id>/resume": Case(
        {**doers(("contributor", "engineer", "reviewer", "owner")), "key_write": 403}
        | {"foreign_key": 404},
    ),
    "GET deployments/<deployment_id>/predictions": Case(readers(STEWARDS)),
    "GET deployments/<deployment_id>/predictions/series": Case(readers(STEWARDS)),
    "GET deployments/<deployment_id>/predictions/<public_id>": Case(readers(STEWARDS)),
    "POST deployments/<deployment_id>/predictions/export": Case(
        doers(STEWARDS, seen_by=()),
        lambda w: {"since": "2026-03-01T00:00Z", "until": "2026-03-02T00:00Z"},
    ),
    "GET deployments/<deployment_id>/prediction-exports": Case(readers(STEWARDS)),
    "GET deployments/<deployment_id>/prediction-exports/<public_id>": Case(readers(STEWARDS)),
    "GET deployments/<deployment_id>/prediction-exports/<public_id>/download": Case(
        readers(STEWARDS)
    ),
    "GET deployments/<deployment_id>/revisions": Case(logged_in()),
    "GET deployments/<deployment_id>/revisions/<public_id>": Case(readers()),
}

# What a key limited to models may ask, beside what is public; of lists only rows of its models.
LISTS_FOR_MODELS = {
    "GET me",
    "GET models",
    "GET deployments",
    "GET deployments/<deployment_id>/revisions",
    "GET prediction-receipts",
    "GET batch-predictions",
}
FOR_MODELS = LISTS_FOR_MODELS | {
    "GET models/<model_id>",
    f"GET {V}",
    f"GET {V}/<number>",
    f"GET {V}/production",
    f"GET {V}/latest",
    "GET deployments/<public_id>",
    "GET deployments/<deployment_id>/revisions/<public_id>",
    "GET v2/models/<model_id>",
    "GET v2/models/<model_id>/ready",
    "POST v2/models/<model_id>/infer",
    "POST models/<model_id>/predict",
    "POST deployments/<public_id>/predict",
    "GET prediction-receipts/<public_id>",
    "POST batch-predictions",
    "GET batch-predictions/<public_id>",
    "GET batch-predictions/<public_id>/chunks",
    "GET batch-predictions/<public_id>/result",
    "POST batch-predictions/<public_id>/cancel",
    "POST batch-predictions/<public_id>/resume",
}
