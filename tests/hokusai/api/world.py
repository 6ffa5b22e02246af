"""A private project full of rows, and everybody who may call the API about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from hokusai.accounts.choices import Role
from hokusai.storage import stores
from registry.models import ModelVersion
from tests import factories as make

ROLES = ("viewer", "contributor", "engineer", "reviewer", "owner")

# A model of the project that nothing in it belongs to.
OTHER_MODEL = "tides.another"
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
    "trainings",
    "uploads",
    "contributions",
    "improvements",
    "deployments",
    "revisions",
    "prediction-receipts",
    "batch-predictions",
    "shares",
)


@dataclass
class World:
    """A private project with one of everything, and all kinds of callers."""

    project: Any
    callers: dict[str, APIClient]
    names: dict[str, str]
    # What each caller sends to be known, for requests that no client of Django's makes.
    headers: dict[str, dict[str, str]]


def make_world(folder: Path) -> World:
    """The world, with an artifact whose file is written into an empty folder."""
    project = make.ProjectFactory(slug="tides")
    people = {role: make.member(project, Role(role)) for role in ROLES}
    comparison = make.ComparisonFactory(benchmark__project=project, status="accepted")
    improvement = make.ImprovementFactory(comparison=comparison)
    make.AttributionFactory(
        improvement=improvement, status="done", report_digest=stores["default"].put(b"{}")
    )
    attestation = make.AttestationFactory(improvement=improvement)
    make.RevocationFactory(attestation=attestation)
    share = make.ShareFactory(improvement=improvement)
    version = comparison.baseline
    (folder / "m.onnx").write_bytes(b"weights")
    kept = stores["default"].put_tree(folder).digest
    ModelVersion.objects.filter(pk=version.pk).update(tree_digest=kept)
    deployment = make.DeploymentFactory(model=version.model)
    revision = make.RevisionFactory(deployment=deployment, version=version)
    table_version = make.DatasetVersionFactory(dataset__project=project)
    draft = make.BenchmarkFactory(
        project=project, status="draft", approved_by=None, approved_at=None
    )
    copying = make.ModelVersionFactory(
        model=version.model, artifact_state="pending", tree_digest=""
    )
    delivery = make.WebhookDeliveryFactory(webhook__project=project, status="failed")
    make.ModelVersionFactory(model=version.model, stage="production")
    make.CheckpointFactory()
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
        "key_id": make.SigningKeyFactory().key_id,
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
        "conflicts": make.SyncConflictFactory(version=version).public_id,
        "tracked-experiments": make.TrackedExperimentFactory(
            project=project, mapped_by=people["owner"], experiment_id="of-the-world"
        ).public_id,
        "tracked-versions": make.TrackedVersionFactory().public_id,
        "benchmarks": draft.public_id,
        "experiments": make.ExperimentFactory(project=project).public_id,
        "comparisons": comparison.public_id,
        "evaluations": make.EvaluationFactory(comparison=comparison).public_id,
        "runs": make.RunFactory(experiment__project=project).public_id,
        "trainings": make.TrainingFactory(
            model=version.model, benchmark=comparison.benchmark
        ).public_id,
        "metric": "accuracy",
        "path": "m.onnx",
        "key": "team",
        "uploads": make.UploadFileFactory(upload__project=project).upload.public_id,
        "contributions": make.ContributionFactory(
            model=version.model, submitted_by=people["contributor"]
        ).public_id,
        "improvements": improvement.public_id,
        "deployments": deployment.public_id,
        "prediction-receipts": make.ReceiptFactory(
            project=project, model_id=version.model.model_id
        ).public_id,
        "batch-predictions": make.BatchPredictionFactory(
            version=version, dataset_version=table_version
        ).public_id,
        "revisions": revision.public_id,
        "predictions": make.PredictionFactory(of=revision).public_id,
        "prediction-exports": make.PredictionExportFactory(
            deployment=deployment,
            digest=kept,
            job=make.JobFactory(project_id=project.pk, status="succeeded"),
        ).public_id,
    }
    people["outsider"] = make.UserFactory()
    headers = _headers(project, people, version.model.model_id)
    clients = {name: APIClient(headers=sent) for name, sent in headers.items()}
    for name, user in people.items():
        # Known whatever a view takes for credentials.
        clients[name] = APIClient()
        clients[name].force_authenticate(user)
    return World(project, clients, names, headers)


def _headers(project: Any, people: dict[str, Any], model_id: str) -> dict[str, dict[str, str]]:
    headers: dict[str, dict[str, str]] = {"anonymous": {}}
    for name, user in people.items():
        headers[name] = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
    elsewhere = make.ProjectFactory()
    for name, place, scopes in (
        ("key_read", project, ("read",)),
        ("key_write", project, ("read", "write")),
        ("foreign_key", elsewhere, ("read", "write", "predict")),
    ):
        _, secret = make.api_key(place, *scopes)
        headers[name] = {"X-API-Key": secret}
    for name, chosen in (("limited_key", model_id), ("other_limited_key", OTHER_MODEL)):
        _, secret = make.api_key(project, "read", "predict", model_ids=[chosen])
        headers[name] = {"X-API-Key": secret}
    return headers


def filled(route: str, world: World) -> tuple[str, str]:
    """The method and the path of a route, with the ids of what the world holds."""
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
    prefix = "/" if parts[0] == "v2" else "/api/v1/"
    return method, prefix + "/".join(parts)
