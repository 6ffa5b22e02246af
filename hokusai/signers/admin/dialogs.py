"""What administrators are told before they change a key, and what they are asked."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.enums import ActionVariant

from hokusai.signers.choices import HELD, SIGNING
from hokusai.signers.models import SigningKey
from hokusai.signers.reports import reach_of, state_now
from hokusai.web.dialogs import Dialog
from hokusai.web.forms import DialogForm

MANAGE = "signers.manage_keys"
SHOWN = 16
MAX_DAYS = 3_650


class RetireDialog(DialogForm):
    """When the key ends."""

    in_days = forms.IntegerField(
        label="Days until it signs no more",
        min_value=0,
        max_value=MAX_DAYS,
        initial=7,
        help_text="0 ends it at once. What it signed keeps counting.",
    )

    def until(self) -> timedelta:
        """How long it still signs."""
        return timedelta(days=self.cleaned_data["in_days"])


class CompromiseDialog(DialogForm):
    """From which index in the log the key proves nothing, and why."""

    from_index = forms.IntegerField(label="First index that counts no more", min_value=0)
    reason = forms.CharField(max_length=500, help_text="Kept in the record and in the log.")
    confirmation = forms.CharField(label="Key id")

    def scope(self, user: Any) -> None:
        key = SigningKey.objects.filter(pk=self.object_id).first()
        if key is None:
            return
        self.wanted = str(key)
        self.fields["from_index"].help_text = what_it_costs(key)
        self.fields["confirmation"].help_text = f"Type {self.wanted} to confirm."

    def clean_confirmation(self) -> str:
        """Raises ValidationError for another key's id."""
        typed: str = self.cleaned_data["confirmation"].strip()
        if typed != getattr(self, "wanted", None):
            raise ValidationError("This is not the id of the key.")
        return typed


def what_it_costs(key: SigningKey) -> str:
    """What of a key becomes invalid, by kind and place."""
    reach = reach_of(key)
    known = f"The log has {reach.log_size:,} leaves."
    if not reach.signed:
        return f"{known} This key signed nothing in it so far; from this index on it never will."
    lines = [
        f"{row.count:,} records of kind {row.kind} (index {row.first:,} to {row.last:,})"
        for row in reach.signed
    ]
    return (
        f"{known} This key signed {'; '.join(lines)}. Whatever of it has this index or a higher "
        "one becomes invalid for everybody who verifies it, and cannot be made valid again."
    )


def _signs(key: SigningKey) -> bool:
    return state_now(key) in SIGNING


ROTATE = Dialog(
    title="Rotate",
    text="First put the new private key where the signer finds it (its file, its variable, its key "
    "of KMS) and restart the signer. Then send this: the signer introduces the key that it "
    "holds now, and every other key of the same purpose ends after the overlap. Until then "
    "both are valid; what the old one signed keeps counting.",
    submit="Introduce the new key",
    needs=MANAGE,
    icon="autorenew",
    variant=ActionVariant.PRIMARY,
    when=lambda key: key.purpose in HELD,
)
RETIRE = Dialog(
    title="Retire",
    text="The key signs no more after its end. Without another valid key of the same purpose "
    "nothing of that purpose is signed until one is introduced.",
    submit="Retire",
    needs=MANAGE,
    icon="event_busy",
    form=RetireDialog,
    variant=ActionVariant.DANGER,
    when=lambda key: key.purpose in HELD and _signs(key),
)
COMPROMISE = Dialog(
    title="Mark as compromised",
    text="Somebody else may hold the private key. It signs no more from now on, and its signatures "
    "from an index in the log on are void. The index may be lowered later, never raised.",
    submit="Mark as compromised",
    needs=MANAGE,
    icon="gpp_bad",
    form=CompromiseDialog,
    variant=ActionVariant.DANGER,
    when=lambda key: key.purpose in HELD,
)
