import json
from typing import Any

import orjson
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from hokusai.core.errors import DomainError
from hokusai.signers.models import SigningKey
from hokusai.transparency import services
from hokusai.transparency.admin.log import check_may_audit, log_page
from hokusai.transparency.choices import RecordKind
from hokusai.transparency.models import LogLeaf, LogRecord
from hokusai.transparency.reports import Evidence, evidence_of, record_with
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.exports import json_answer
from hokusai.web.panels import Fact, Notice, Page, Panel, plain

# Kinds whose statements are of public facts alone; others name what belongs to a project.
PUBLIC = frozenset({RecordKind.KEY, RecordKind.STATUS, RecordKind.EVENTS})
HIDDEN = "Statements of projects are shown where they belong: follow the subject."


@admin.register(LogRecord)
class LogRecordAdmin(ScopedAdmin):
    """Records of the log, whose digests are public; and the page of the log itself."""

    empty_hint = "A comparison, a signed attestation, a key or a batch of events makes the first."
    list_display = ("place", "kind_label", "about", "short_digest", "key", "written")
    list_select_related = ("leaf",)
    list_filter = (("kind", ChoicesDropdownFilter),)
    search_fields = ("=subject", "=digest", "=public_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogRecord]:
        """Digests are public."""
        return LogRecord.objects.all()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    @display(description="index", ordering="id")
    def place(self, obj: LogRecord) -> str:
        leaf = _leaf(obj)
        return "waiting" if leaf is None else f"{leaf.index:,}"

    @display(description="kind", ordering="kind")
    def kind_label(self, obj: LogRecord) -> str:
        return markup.badge(obj.get_kind_display(), "info")

    @display(description="about")
    def about(self, obj: LogRecord) -> str:
        return markup.mono(obj.subject, 24)

    @display(description="digest")
    def short_digest(self, obj: LogRecord) -> str:
        return markup.mono(obj.digest, 16)

    @display(description="key")
    def key(self, obj: LogRecord) -> str:
        return markup.mono(obj.key_id, 12)

    @display(description="written", ordering="id")
    def written(self, obj: LogRecord) -> str:
        return markup.moment(obj.created_at)

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        """The page of the log, and a record's proof as a file."""
        return (
            ("log/", "transparency_log", self.log_view),
            ("<path:object_id>/proof/", "transparency_logrecord_proof", self.proof_view),
        )

    def log_view(self, request: HttpRequest, model_admin: Any = None) -> HttpResponse:
        """The log; a POST has it verified."""
        if request.method == "POST":
            return self._verified(request)
        page = log_page(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": page.title,
            "page": page,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "console/object.html", context)

    def _verified(self, request: HttpRequest) -> HttpResponse:
        check_may_audit(request)
        try:
            services.request_audit(actor=self.actor(request))
            messages.success(
                request, "The log is being verified; this page shows what comes of it."
            )
        except DomainError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(request.path)

    def proof_view(
        self, request: HttpRequest, object_id: str, model_admin: Any = None
    ) -> HttpResponse:
        """Leaf, inclusion proof and checkpoint, as verifiers take them."""
        found = evidence_of(self.object_or_404(request, object_id))
        if found is None:
            raise Http404
        return json_answer(found.as_json(), f"proof-{found.index}")

    def page(self, request: HttpRequest, obj: LogRecord) -> Page:
        leaf, evidence = _leaf(obj), evidence_of(obj)
        place = "waiting" if leaf is None else f"leaf {leaf.index:,}"
        return Page(
            title=str(obj),
            badges=(
                markup.badge(obj.get_kind_display(), "info"),
                markup.badge(place, "success" if leaf else "warning"),
            ),
            notices=[] if leaf else [Notice("The sequencer gives it a place within a second.")],
            facts=_facts(obj, leaf, evidence),
            panels=(_statement(request, obj), _proof(evidence)),
        )


def _leaf(obj: LogRecord) -> LogLeaf | None:
    return getattr(obj, "leaf", None)


def _facts(obj: LogRecord, leaf: LogLeaf | None, evidence: Evidence | None) -> tuple[Fact, ...]:
    key = SigningKey.objects.filter(key_id=obj.key_id).first() if obj.key_id else None
    before = record_with(obj.previous)
    url = reverse("admin:transparency_logrecord_proof", args=[obj.pk])
    log = reverse("admin:transparency_log")
    return (
        Fact("Log", markup.link("Transparency log", log)),
        Fact("Index", markup.NOTHING if leaf is None else f"{leaf.index:,}"),
        Fact("About", _subject(obj)),
        Fact("Digest", markup.mono(obj.digest), "sha256 of the statement"),
        Fact("Leaf", markup.mono(bytes(leaf.leaf_hash).hex() if leaf else ""), "its hash"),
        Fact("Key", markup.object_link(key, obj.key_id[:16]) if key else markup.mono(obj.key_id)),
        Fact(
            "Follows",
            markup.object_link(before) if before else markup.mono(obj.previous, 16),
            "the statement before it",
        ),
        Fact("Written", markup.moment(obj.created_at)),
        Fact("Sequenced", markup.moment(leaf.sequenced_at if leaf else None)),
        Fact("Proof", markup.link("Download", url) if evidence else markup.NOTHING),
    )


def _subject(obj: LogRecord) -> str:
    if obj.kind in (RecordKind.EVENTS, RecordKind.STATUS):
        return obj.subject
    return markup.found_link(markup.mono(obj.subject, 32), obj.subject)


def _statement(request: HttpRequest, obj: LogRecord) -> Panel:
    user: Any = request.user
    if obj.kind not in PUBLIC and not user.is_superuser:
        return plain("Statement", "", empty=HIDDEN)
    text = json.dumps(orjson.loads(obj.statement), indent=2, ensure_ascii=False)
    return plain("Statement", text, hint="The log holds its digest alone.")


def _proof(evidence: Evidence | None) -> Panel:
    if evidence is None:
        return plain("Inclusion", "", empty="The next checkpoint will cover it.")
    proof = evidence.proof
    hashes = "\n".join(hashed.hex() for hashed in proof.hashes) or "(none: it is the only leaf)"
    text = f"leaf {proof.leaf_hash.hex()}\n{hashes}\nroot {proof.root.hex()}"
    hint = f"From leaf {proof.index:,} to the root of the checkpoint of {proof.size:,} leaves."
    return plain("Inclusion", text, hint=hint)
