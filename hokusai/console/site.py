from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.module_loading import import_string
from unfold.sites import UnfoldAdminSite

from hokusai.core import ids
from hokusai.web.markup import object_url

# What is named by a digest keeps it in a column of its own.
_NAMED_BY_DIGEST = {"att": "statement_id", "key": "key_id"}
# Which model a public id's prefix names, for links that know only the id.
_FINDABLE = {
    "mdl": "registry.Model",
    "mdv": "registry.ModelVersion",
    "dst": "registry.Dataset",
    "dsv": "registry.DatasetVersion",
    "prm": "registry.Promotion",
    "bmk": "experiments.Benchmark",
    "exp": "experiments.Experiment",
    "cmp": "experiments.Comparison",
    "ctr": "contributions.Contribution",
    "cbr": "contributions.Contributor",
    "imp": "contributions.Improvement",
    "dep": "deployments.Deployment",
    "bat": "deployments.BatchPrediction",
    "rev": "deployments.Revision",
    "txp": "registry.TrackedExperiment",
    "tvr": "registry.TrackedVersion",
    "cfl": "registry.SyncConflict",
    "tim": "registry.TrackingImport",
    "job": "core.Job",
    "prj": "accounts.Project",
    "whk": "notify.Webhook",
    "att": "contributions.Attestation",
    "key": "signers.SigningKey",
    "rec": "transparency.LogRecord",
}


class ConsoleSite(UnfoldAdminSite):
    """The admin console."""

    index_title = "Dashboard"
    index_template = "console/dashboard.html"
    empty_value_display = "—"

    def extra_urls(self) -> list[URLPattern]:
        """Pages that belong to no model."""
        pages = (import_string(name)(self) for name in settings.CONSOLE_PAGES)
        return [
            path("find/<str:public_id>/", self.admin_view(self.find), name="find"),
            *(page for found in pages for page in found),
        ]

    def find(self, request: HttpRequest, public_id: str) -> HttpResponse:
        """Lead to the page of whatever a public id names; hidden and absent are the same 404."""
        kind = ids.kind_of(public_id)
        label = _FINDABLE.get(kind)
        if label is None:
            raise Http404
        lookup = {"public_id": public_id}
        if kind in _NAMED_BY_DIGEST:
            lookup = {_NAMED_BY_DIGEST[kind]: public_id.removeprefix(f"{kind}_")}
        model = apps.get_model(label)
        found = model._default_manager.filter(**lookup).first()  # noqa: SLF001
        page: Any = self.get_model_admin(model)
        if found is None or not page.get_queryset(request).filter(pk=found.pk).exists():
            raise Http404
        return HttpResponseRedirect(object_url(found))
