"""What people are asked before something about a version is changed."""

from typing import Any

from django import forms
from django.shortcuts import get_object_or_404

from hokusai.web.forms import DialogForm, field_of
from registry.cards import card_of
from registry.choices import SecurityLevel, Stage, TagKind
from registry.models import ModelVersion


class PromotionDialog(DialogForm):
    """Where to, and why."""

    target = forms.ChoiceField(choices=[c for c in Stage.choices if c[0] != Stage.NONE])
    comment = forms.CharField(required=False, widget=forms.Textarea, help_text="Why.")
    evidence = forms.CharField(
        required=False, widget=forms.Textarea, help_text="Links and figures that speak for it."
    )


class TagsDialog(DialogForm):
    """Tags, one per line."""

    tags = forms.CharField(widget=forms.Textarea, help_text="One key=value per line.")
    kind = forms.ChoiceField(
        choices=TagKind.choices,
        required=False,
        help_text="Numbers and dates (2026-01-31) can be searched by range.",
    )

    def clean_tags(self) -> dict[str, str]:
        """Keys and values; a line without `=` is an error."""
        lines = [line.strip() for line in self.cleaned_data["tags"].splitlines() if line.strip()]
        if wrong := [line for line in lines if "=" not in line]:
            raise forms.ValidationError(f"Not key=value: {wrong[0]}")
        pairs = (line.split("=", 1) for line in lines)
        return {key.strip(): value.strip() for key, value in pairs}


class UntagDialog(DialogForm):
    """Tags to take off."""

    keys = forms.MultipleChoiceField()

    def scope(self, user: Any) -> None:
        """Offer the tags that people set."""
        version = _version(self)
        keys = version.tags.exclude(key__startswith="hokusai.").values_list("key", flat=True)
        field_of(self, "keys", forms.MultipleChoiceField).choices = [(key, key) for key in keys]


class DescribeDialog(DialogForm):
    """What a version is said to be."""

    description = forms.CharField(required=False, widget=forms.Textarea)
    licence = forms.CharField(
        required=False, max_length=200, help_text="An SPDX expression, such as Apache-2.0."
    )
    security_level = forms.ChoiceField(
        choices=SecurityLevel.choices, help_text="Who may get the files, from all to few."
    )
    code_revision = forms.CharField(
        required=False, max_length=200, help_text="Commit of the code that trained it."
    )

    def scope(self, user: Any) -> None:
        """Begin with what is said now."""
        version = _version(self)
        for name in self.fields:
            self.fields[name].initial = getattr(version, name, self.fields[name].initial)


class CardDialog(DialogForm):
    """The model card."""

    card = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 24}),
        help_text="Markdown with YAML front matter, as on the HuggingFace Hub. What is there "
        "until somebody writes it is a draft from what is known.",
        strip=False,
    )

    def scope(self, user: Any) -> None:
        """Begin with the card as it is, or its draft."""
        self.fields["card"].initial = card_of(_version(self)).text


def _version(form: DialogForm) -> ModelVersion:
    """The version that a dialog is about; who opens it was checked before."""
    return get_object_or_404(ModelVersion.objects.with_names(), pk=form.object_id)
