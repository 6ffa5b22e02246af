"""What serving puts on the page of a version."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest

from deployments import services
from deployments.models import Revision
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, field_of
from hokusai.web.panels import Panel, table
from registry.choices import ArtifactState
from registry.models import ModelVersion

REVISIONS_SHOWN = 10


class DeployDialog(DialogForm):
    """Where to, by which provider."""

    slug = forms.SlugField(max_length=63, initial="production", label="Deployment")
    provider = forms.ChoiceField()

    def scope(self, user: Any) -> None:
        provider = field_of(self, "provider", forms.ChoiceField)
        provider.choices = [(name, name) for name in settings.DEPLOYMENT_PROVIDERS]


@dialog_action(
    Dialog(
        title="Deploy",
        text="Start serving this version. What serves there now keeps serving until it is ready.",
        submit="Deploy",
        needs="deployments.deploy",
        icon="rocket_launch",
        form=DeployDialog,
        when=lambda obj: obj.artifact_state == ArtifactState.READY,
    )
)
def deploy(self: Any, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
    """Deploy this version."""
    revision = services.deploy(
        version=obj, slug=data["slug"], provider=data["provider"], actor=self.actor(request)
    )
    return f"{revision} is being rolled out."


def revisions_of(request: HttpRequest, version: ModelVersion) -> Panel:
    """Where a version serves and served."""
    revisions = (
        Revision.objects.of_member(request.user)
        .filter(version=version)
        .select_related("deployment__model")[:REVISIONS_SHOWN]
    )
    rows = [
        (
            markup.object_link(revision.deployment),
            revision.number,
            markup.badge(revision.status),
            markup.moment(revision.live_at),
        )
        for revision in revisions
    ]
    return table(
        "Serving",
        ("Deployment", "Revision", "State", "Live since"),
        rows,
        empty="Serves nowhere. Choose Deploy above.",
    )
