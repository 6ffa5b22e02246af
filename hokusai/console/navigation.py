"""The sidebar, the environment's label and the palette's search."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from contributions.models import Contribution
from experiments.models import Benchmark
from hokusai.web.markup import object_url
from registry.choices import ConflictState
from registry.models import Model, Promotion, SyncConflict
from registry.sync_reports import inbox

SEARCH_LIMIT = 8
_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("Overview", (("Dashboard", "space_dashboard", "admin:index"),)),
    (
        "Registry",
        (
            ("Models", "deployed_code", "admin:registry_model_changelist"),
            ("Versions", "layers", "admin:registry_modelversion_changelist"),
            ("Promotions", "moving", "admin:registry_promotion_changelist"),
            ("Policies", "rule", "admin:registry_promotionpolicy_changelist"),
            ("Datasets", "database", "admin:registry_dataset_changelist"),
            ("Dataset versions", "table_view", "admin:registry_datasetversion_changelist"),
        ),
    ),
    (
        "Experiments",
        (
            ("Benchmarks", "straighten", "admin:experiments_benchmark_changelist"),
            ("Experiments", "science", "admin:experiments_experiment_changelist"),
            ("Comparisons", "balance", "admin:experiments_comparison_changelist"),
            ("Trainings", "model_training", "admin:experiments_training_changelist"),
            ("Runs", "directions_run", "admin:experiments_run_changelist"),
        ),
    ),
    (
        "Contributions",
        (
            ("Contributions", "volunteer_activism", "admin:contributions_contribution_changelist"),
            ("Contributors", "diversity_3", "admin:contributions_contributor_changelist"),
            ("Leaderboard", "leaderboard", "admin:contributions_impacttotal_changelist"),
            ("Improvements", "trending_up", "admin:contributions_improvement_changelist"),
            ("Attestations", "verified", "admin:contributions_attestation_changelist"),
            (
                "Signing policies",
                "signature",
                "admin:contributions_signingpolicy_changelist",
            ),
            ("Signing keys", "key_vertical", "admin:signers_signingkey_changelist"),
            ("Transparency log", "account_tree", "admin:transparency_log"),
        ),
    ),
    (
        "Serving",
        (
            ("Serving board", "rocket_launch", "admin:deployments_deployment_changelist"),
            ("Revisions", "history", "admin:deployments_revision_changelist"),
            ("Predictions", "monitoring", "admin:deployments_predictionlog_changelist"),
            ("Receipts", "receipt_long", "admin:deployments_predictionreceipt_changelist"),
            (
                "Batch predictions",
                "table_rows",
                "admin:deployments_batchprediction_changelist",
            ),
        ),
    ),
    (
        "MLflow",
        (
            ("Inbox", "inbox", "admin:registry_trackedversion_changelist"),
            ("Mapping", "account_tree", "admin:registry_trackedexperiment_changelist"),
            ("Conflicts", "difference", "admin:registry_syncconflict_changelist"),
            ("Sync passes", "sync", "admin:registry_syncpass_changelist"),
            ("Imports", "download", "admin:registry_trackingimport_changelist"),
        ),
    ),
    (
        "Operations",
        (
            ("Jobs", "pending_actions", "admin:core_job_changelist"),
            ("Deliveries", "outbox", "admin:core_delivery_changelist"),
            ("Events", "receipt_long", "admin:core_event_changelist"),
            ("Webhooks", "webhook", "admin:notify_webhook_changelist"),
        ),
    ),
    (
        "People",
        (
            ("My notifications", "notifications", "admin:notify_message_choices"),
            ("Projects", "workspaces", "admin:accounts_project_changelist"),
            ("Members", "group", "admin:accounts_membership_changelist"),
            ("Invitations", "mail", "admin:accounts_invitation_changelist"),
            ("API keys", "vpn_key", "admin:accounts_apikey_changelist"),
            ("Users", "person", "admin:accounts_user_changelist"),
        ),
    ),
)
_FOR_SUPERUSERS = frozenset({"Users", "Inbox", "Sync passes", "Imports"})


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar's groups for this person."""
    return [
        {
            "title": title,
            "separator": position > 0,
            "items": [
                _item(request, *item)
                for item in items
                if request.user.is_superuser or item[0] not in _FOR_SUPERUSERS
            ],
        }
        for position, (title, items) in enumerate(_GROUPS)
    ]


def _item(request: HttpRequest, title: str, icon: str, name: str) -> dict[str, Any]:
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse(name)}
    waiting = _WAITING[title](request) if title in _WAITING else 0
    # The theme draws every badge that is there, an empty one too.
    return item | {"badge": str(waiting), "badge_variant": "warning"} if waiting else item


def promotions_waiting(request: HttpRequest) -> int:
    """How many promotions wait for a decision in the person's projects."""
    return Promotion.objects.of_member(request.user).awaiting_review().count()


def inbox_waiting(request: HttpRequest) -> int:
    """How many versions of the tracking server wait for a project."""
    return inbox().count() if request.user.is_superuser else 0


def conflicts_open(request: HttpRequest) -> int:
    """How many conflicts wait for a decision in the person's projects."""
    return SyncConflict.objects.of_member(request.user).filter(state=ConflictState.OPEN).count()


_WAITING = {
    "Promotions": promotions_waiting,
    "Inbox": inbox_waiting,
    "Conflicts": conflicts_open,
}


def environment(request: HttpRequest) -> list[str]:
    """The label in the header: which instance one is about to change."""
    name = settings.ENVIRONMENT_NAME
    return [name, "danger" if name == "production" else "info"]


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """What the palette finds: models and benchmarks by name, contributions by id."""
    user = request.user
    found: tuple[tuple[QuerySet, str], ...] = (
        (Model.objects.of_member(user).filter(model_id__istartswith=term), "deployed_code"),
        (Model.objects.of_member(user).filter(slug__startswith=term), "deployed_code"),
        (Benchmark.objects.of_member(user).filter(slug__startswith=term), "straighten"),
        (Contribution.objects.of_member(user).filter(public_id=term), "volunteer_activism"),
    )
    results: dict[str, SearchResult] = {}
    for queryset, icon in found:
        for obj in queryset[:SEARCH_LIMIT]:
            kind = str(queryset.model._meta.verbose_name)  # noqa: SLF001
            url = object_url(obj)
            results[url] = SearchResult(title=str(obj), description=kind, link=url, icon=icon)
    return list(results.values())
