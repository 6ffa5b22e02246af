from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from hokusai.signers.models import SigningKey
from hokusai.signers.reports import state_now
from hokusai.web import markup
from hokusai.web.admin import ScopedAdmin
from hokusai.web.panels import Fact, Page, plain


@admin.register(SigningKey)
class SigningKeyAdmin(ScopedAdmin):
    """Public keys; anybody may see them."""

    empty_hint = "The signer adds its key when it first signs."
    list_display = ("short_id", "algorithm", "purpose", "valid_from", "state")
    search_fields = ("^key_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        """Public keys are public."""
        return SigningKey.objects.all()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    @display(description="key id", ordering="key_id")
    def short_id(self, obj: SigningKey) -> str:
        return markup.mono(obj.key_id, 24)

    @display(description="state")
    def state(self, obj: SigningKey) -> str:
        return markup.badge(state_now(obj))

    def page(self, request: HttpRequest, obj: SigningKey) -> Page:
        return Page(
            title=f"Signing key {obj}",
            badges=(self.state(obj),),
            facts=(
                Fact("Key id", markup.mono(obj.key_id), "sha256 of the public key"),
                Fact("Algorithm", obj.get_algorithm_display()),
                Fact("Purpose", obj.get_purpose_display()),
                Fact("Valid from", markup.moment(obj.valid_from)),
            ),
            panels=(plain("Public key", obj.public_pem),),
        )
