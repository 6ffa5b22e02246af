"""What reviewers may do on the page of a version: review its scan, retire it."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.enums import ActionVariant

from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, offer
from registry import services
from registry.choices import ScanVerdict, Stage
from registry.models import ArtifactScan, ModelVersion


class ReviewDialog(DialogForm):
    """Why what was found may pass."""

    comment = forms.CharField(widget=forms.Textarea, help_text="Why it may pass; kept for good.")


class RetireDialog(DialogForm):
    """What takes its place, and when it goes."""

    successor = forms.ModelChoiceField(ModelVersion.objects.none())
    sunset_on = forms.DateField(help_text="The day on which it goes away.")
    comment = forms.CharField(required=False, widget=forms.Textarea, help_text="Why.")

    def scope(self, user: Any) -> None:
        """Other versions of the same model that stay."""
        version = ModelVersion.objects.filter(pk=self.object_id)
        others = ModelVersion.objects.ready().filter(
            model__in=version.values("model"), deprecated_at__isnull=True
        )
        offer(self, "successor", others.exclude(pk=self.object_id).select_related("model"))

    def clean_sunset_on(self) -> Any:
        """The beginning of that day in UTC."""
        day = self.cleaned_data["sunset_on"]
        zone = timezone.get_default_timezone()
        return datetime(day.year, day.month, day.day, tzinfo=zone)


def _waits_for_review(obj: ModelVersion) -> bool:
    found = ArtifactScan.objects.filter(version=obj, reviewed_by__isnull=True)
    return found.exclude(verdict=ScanVerdict.CLEAN).exists()


@dialog_action(
    Dialog(
        title="Review scan",
        text="State that you looked at what the scan found and that it may pass. Not for those "
        "who have a part in the version.",
        submit="Let it pass",
        needs="registry.review_scan",
        icon="policy",
        form=ReviewDialog,
        when=_waits_for_review,
    )
)
def review_scan(self: Any, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
    """Let what a scan found pass."""
    services.review_scan(version_id=obj.pk, comment=data["comment"], actor=self.actor(request))
    return "The scan was reviewed."


@dialog_action(
    Dialog(
        title="Retire",
        text="Say when this version goes away and which one takes its place. It is archived now; "
        "whoever still asks for it is told both.",
        submit="Retire",
        needs="registry.retire_version",
        icon="event_busy",
        form=RetireDialog,
        variant=ActionVariant.DANGER,
        when=lambda obj: obj.stage != Stage.PRODUCTION and obj.model.archived_at is None,
    )
)
def retire(self: Any, request: HttpRequest, obj: ModelVersion, data: dict[str, Any]) -> str:
    """Retire this version."""
    services.retire_version(
        version_id=obj.pk,
        successor_id=data["successor"].pk,
        sunset_at=data["sunset_on"],
        comment=data["comment"],
        actor=self.actor(request),
    )
    return f"{obj} is retired; {data['successor']} takes its place."
