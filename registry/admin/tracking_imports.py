"""The console's pages of looks at the tracking servers, and of taking one over."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from hokusai.accounts.models import Project
from hokusai.core.models import Job
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import ConsoleForm, offer
from hokusai.web.panels import Fact, Notice, Page, Panel, plain, table
from registry import services
from registry.admin.inbox import MANAGE, AdministratorsAdmin
from registry.models import SyncPass, TrackingImport

REFRESH_S = 3


@admin.register(SyncPass)
class SyncPassAdmin(AdministratorsAdmin):
    """Looks at the tracking servers, and what each brought."""

    empty_hint = "The schedule looks at what is new each minute, at everything each half hour."
    list_display = ("name", "server", "state_label", "new", "changed", "missing", "begun", "ended")
    list_filter = (("kind", ChoicesDropdownFilter),)
    actions_detail = ("again",)

    @display(description="look", ordering="kind")
    def name(self, obj: SyncPass) -> str:
        return str(obj)

    @display(description="state")
    def state_label(self, obj: SyncPass) -> str:
        if obj.report.get("came_back_empty"):
            return markup.badge("server was empty", "danger")
        if obj.complete:
            return markup.badge("complete", "success")
        return markup.badge("under way" if obj.finished_at is None else "ended early", "warning")

    @display(description="new")
    def new(self, obj: SyncPass) -> int:
        return int(obj.report.get("new", 0))

    @display(description="changed")
    def changed(self, obj: SyncPass) -> int:
        return int(obj.report.get("changed", 0))

    @display(description="missing")
    def missing(self, obj: SyncPass) -> Any:
        return obj.report.get("missing", markup.NOTHING)

    @display(description="began", ordering="started_at")
    def begun(self, obj: SyncPass) -> str:
        return markup.moment(obj.started_at)

    @display(description="ended", ordering="finished_at")
    def ended(self, obj: SyncPass) -> str:
        return markup.moment(obj.finished_at)

    @dialog_action(
        Dialog(
            title="Sweep now",
            text="Look at everything that the server holds, without waiting for the half hour.",
            submit="Sweep",
            needs=MANAGE,
            icon="sync",
        )
    )
    def again(self, request: HttpRequest, obj: SyncPass, data: dict[str, Any]) -> str:
        asked = services.request_sweep(server=obj.server)
        return "A sweep is on its way." if asked else "A sweep is under way already."

    def page(self, request: HttpRequest, obj: SyncPass) -> Page:
        empty = (
            "The server held no version, though some are linked. This is believed only once a "
            "second complete sweep says the same; nothing is deleted here."
        )
        return Page(
            title=str(obj),
            badges=(self.state_label(obj),),
            notices=[Notice(empty, "danger")] if obj.report.get("came_back_empty") else (),
            facts=(
                Fact("Server", obj.server),
                Fact("Began", markup.moment(obj.started_at)),
                Fact("Ended", markup.moment(obj.finished_at)),
            ),
            panels=(_report(obj.report), _refused(obj.report)),
        )


class ImportForm(ConsoleForm):
    """What to take over, and where to."""

    server = forms.ChoiceField(choices=())
    project = forms.ModelChoiceField(
        Project.objects.none(),
        required=False,
        help_text="Takes what no mapped experiment claims. Without one that waits in the inbox.",
    )

    map_experiments = forms.BooleanField(
        required=False,
        help_text="Experiments of no project belong to it from then on, with all their runs.",
    )

    def scope(self, user: Any) -> None:
        offer(self, "project", Project.objects.all())
        self.fields["server"].choices = [(name, name) for name in settings.TRACKING]  # type: ignore[attr-defined]


def _may_be_applied(obj: TrackingImport) -> bool:
    return bool(obj.dry_run and obj.finished_at and "failed" not in obj.report)


@admin.register(TrackingImport)
class TrackingImportAdmin(AdministratorsAdmin):
    """Taking over an existing tracking server: first a dry run, then the import itself."""

    add_permission = MANAGE
    add_form = ImportForm
    add_lead = (
        "A dry run comes first: it reads the server and reports what an import would bring, "
        "without changing anything. The import is then started from its page."
    )
    empty_hint = "Start with a dry run, by Add above, or with manage.py import_mlflow."
    list_display = ("name", "state_label", "project", "requested_by", "begun", "ended")
    list_select_related = ("project", "requested_by")
    search_fields = ("=public_id",)
    actions_detail = ("apply",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def create(self, request: HttpRequest, data: dict[str, Any]) -> TrackingImport:
        return services.start_import(
            server=data["server"],
            project=data["project"],
            dry_run=True,
            map_experiments=data["map_experiments"],
            actor=self.actor(request),
        )

    @display(description="import")
    def name(self, obj: TrackingImport) -> str:
        return f"{'Dry run' if obj.dry_run else 'Import'} of {obj.server}"

    @display(description="state")
    def state_label(self, obj: TrackingImport) -> str:
        if "failed" in obj.report:
            return markup.badge("failed")
        if obj.finished_at is None:
            return markup.badge("running")
        return markup.badge("reported" if obj.dry_run else "imported", "success")

    @display(description="began", ordering="created_at")
    def begun(self, obj: TrackingImport) -> str:
        return markup.moment(obj.created_at)

    @display(description="ended", ordering="finished_at")
    def ended(self, obj: TrackingImport) -> str:
        return markup.moment(obj.finished_at)

    @dialog_action(
        Dialog(
            title="Import",
            text="Take over what the dry run reported. Metadata comes at once; artifacts are "
            "copied in the background, and versions can be promoted once theirs are here.",
            submit="Import",
            needs=MANAGE,
            icon="download",
            variant=ActionVariant.PRIMARY,
            when=_may_be_applied,
        )
    )
    def apply(self, request: HttpRequest, obj: TrackingImport, data: dict[str, Any]) -> str:
        made = services.start_import(
            server=obj.server,
            project=obj.project,
            dry_run=False,
            map_experiments=bool(obj.place.get("map_experiments")),
            actor=self.actor(request),
        )
        return f"The import began; its report will be on {made.public_id}."

    def page(self, request: HttpRequest, obj: TrackingImport) -> Page:
        job = Job.objects.filter(subject=obj.public_id).order_by("-pk").first()
        failed = obj.report.get("failed")
        return Page(
            title=self.name(obj),
            badges=(self.state_label(obj),),
            lead="" if obj.report else "The report appears here once the server was read.",
            notices=[Notice(str(failed), "danger")] if failed else (),
            facts=(
                Fact("Server", obj.server),
                Fact("Project", obj.project or "—", "of what no mapped experiment claims"),
                Fact("Progress", markup.progress(job.progress) if job else markup.NOTHING),
                Fact("Job", markup.object_link(job)),
                Fact("Copies to come", _copies_left(obj)),
                Fact("Asked by", obj.requested_by.username),
                Fact("Began", markup.moment(obj.created_at)),
                Fact("Ended", markup.moment(obj.finished_at)),
                Fact("Id", markup.mono(obj.public_id)),
            ),
            panels=(
                _report(obj.report),
                _projects(obj.report),
                _refused(obj.report),
                plain("Log", job.log, empty="Nothing yet.") if job else None,
                self.activity(request, obj),
            ),
            refresh_s=0 if obj.finished_at else REFRESH_S,
        )


def _copies_left(obj: TrackingImport) -> Any:
    if obj.dry_run or obj.finished_at is None:
        return markup.NOTHING
    return services.copies_waiting(server=obj.server)


def _report(report: dict[str, Any]) -> Panel:
    rows = [
        *((f"{name} there", count) for name, count in report.get("seen", {}).items()),
        *(
            (name.replace("_", " "), report[name])
            for name in (
                "new",
                "changed",
                "mapped",
                "adopted",
                "inbox",
                "missed",
                "missing",
                "copies",
            )
            if name in report
        ),
        *((title, _counts(counts)) for title, counts in report.get("steps", {}).items()),
        *((f"seconds of {name}", spent) for name, spent in report.get("seconds", {}).items()),
    ]
    return table("Report", ("What", "How many"), rows, empty="Nothing was read yet.", wide=False)


def _counts(counts: Any) -> str:
    if not isinstance(counts, dict):
        return str(counts)
    return ", ".join(f"{value} {name}" for name, value in counts.items())


def _projects(report: dict[str, Any]) -> Panel:
    rows = list(report.get("projects", {}).items())
    empty = "No version goes into a project: map experiments, or name a project."
    return table("Versions by project", ("Project", "Versions"), rows, empty=empty, wide=False)


def _refused(report: dict[str, Any]) -> Panel | None:
    rows = [(row["name"], row["version"], row["why"]) for row in report.get("refused", [])]
    if not rows:
        return None
    return table("Refused", ("Name", "Version", "Why"), rows, empty="")
