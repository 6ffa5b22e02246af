import base64
import json

import orjson
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from deployments.models import PredictionReceipt
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.panels import Fact, Notice, Page, plain

PENDING_REFRESH_S = 3


@admin.register(PredictionReceipt)
class PredictionReceiptAdmin(ScopedAdmin):
    """What single predictions were computed from and by, signed."""

    view_permission = "deployments.view_receipt"
    empty_hint = "Send Hokusai-Receipt: true with a prediction; its answer names the receipt."
    list_display = ("short_id", "served", "status_label", "request_label", "asked", "signed")
    search_fields = ("=public_id", "=request_id", "^model_id", "=revision")

    @display(description="id", ordering="public_id")
    def short_id(self, obj: PredictionReceipt) -> str:
        return markup.mono(obj.public_id)

    @display(description="model", ordering="model_id")
    def served(self, obj: PredictionReceipt) -> str:
        return f"{obj.model_id} v{obj.version}"

    @display(description="state")
    def status_label(self, obj: PredictionReceipt) -> str:
        return markup.badge(obj.status)

    @display(description="request")
    def request_label(self, obj: PredictionReceipt) -> str:
        return markup.mono(obj.request_id, 16)

    @display(description="asked", ordering="created_at")
    def asked(self, obj: PredictionReceipt) -> str:
        return markup.moment(obj.created_at)

    @display(description="signed", ordering="signed_at")
    def signed(self, obj: PredictionReceipt) -> str:
        return markup.moment(obj.signed_at)

    def page(self, request: HttpRequest, obj: PredictionReceipt) -> Page:
        waits = obj.signed_at is None
        notice = Notice("The signer has not come by yet; this page looks again.", "info")
        return Page(
            title=f"Receipt of {obj.model_id} v{obj.version}",
            badges=(markup.badge(obj.status),),
            notices=(notice,) if waits else (),
            facts=_facts(obj),
            panels=(
                plain("Statement", _statement(obj), empty="Not signed yet."),
                plain("Envelope", _pretty(obj.envelope), empty="Not signed yet."),
            ),
            refresh_s=PENDING_REFRESH_S if waits else 0,
        )


def _facts(obj: PredictionReceipt) -> tuple[Fact, ...]:
    return (
        Fact("Deployment", markup.found_link(obj.deployment, obj.deployment)),
        Fact("Revision", markup.mono(obj.revision)),
        Fact("Bytes", markup.mono(obj.digest)),
        Fact("Converted", markup.mono(obj.converted_digest) if obj.converted_digest else "—"),
        Fact("Isolation", obj.isolation or "unknown"),
        Fact("Asked by", markup.mono(obj.principal)),
        Fact("Request", markup.mono(obj.request_id)),
        Fact("Input", markup.mono(obj.input_digest)),
        Fact("Output", markup.mono(obj.output_digest)),
        Fact("Asked", markup.moment(obj.created_at)),
        Fact("Signed", markup.moment(obj.signed_at)),
        Fact("Key", markup.mono(obj.key_id, 16) if obj.key_id else "—"),
        Fact("Id", markup.mono(obj.public_id)),
    )


def _statement(obj: PredictionReceipt) -> str:
    return _pretty(orjson.loads(base64.b64decode(obj.envelope["payload"]))) if obj.envelope else ""


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
