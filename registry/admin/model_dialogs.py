"""What people are asked before something about a whole model is changed."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from hokusai.accounts.models import Project
from hokusai.web.forms import DialogForm, offer
from registry.choices import ShareRight
from registry.models import Model, ModelShare


class ShareDialog(DialogForm):
    """With whom, and for what."""

    project = forms.CharField(
        required=False,
        max_length=63,
        help_text="Slug of a project; empty: everybody who logged in.",
    )
    right = forms.ChoiceField(
        choices=ShareRight.choices,
        help_text="Read: see the model and its versions. Derive: also build on them.",
    )

    def clean_project(self) -> Project | None:
        """The project of a slug, if whoever shares may see it; None for everybody."""
        slug = self.cleaned_data["project"].strip()
        if not slug:
            return None
        found = Project.objects.visible_to(self.request.user).filter(slug=slug).first()
        if found is None:
            raise ValidationError("There is no such project, or it is not yours to see.")
        return found


class UnshareDialog(DialogForm):
    """Which share ends."""

    share = forms.ModelChoiceField(ModelShare.objects.none(), label="Shared with")

    def scope(self, user: Any) -> None:
        """The shares of this model."""
        model = Model.objects.filter(pk=self.object_id)
        shares = ModelShare.objects.filter(model__in=model).select_related("model", "project")
        offer(self, "share", shares)
