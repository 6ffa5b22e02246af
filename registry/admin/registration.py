"""Registering a version in the browser: from an address, or from files that go to the store."""

from typing import Any

from django import forms
from django.forms.widgets import Script

from hokusai.accounts.models import Project
from hokusai.accounts.permissions import projects_where
from hokusai.web.forms import ConsoleForm, offer
from registry.choices import SecurityLevel
from registry.models import ModelVersion

MAX_BROWSER_BYTES = 2**30


class FolderInput(forms.FileInput):
    """Chooses a folder; `static/console/upload.js` sends its files, the form itself none."""

    allow_multiple_selected = True

    def __init__(self) -> None:
        super().__init__(
            attrs={
                "multiple": True,
                "webkitdirectory": True,
                "class": "hk-file",
                "data-upload": "id_source",
                "data-limit": MAX_BROWSER_BYTES,
            }
        )


class RegistrationForm(ConsoleForm):
    """A new version of a model."""

    project = forms.ModelChoiceField(Project.objects.none(), to_field_name="slug")
    model = forms.SlugField(max_length=63, help_text="Made where the project has none of the name.")
    folder = forms.FileField(
        required=False,
        widget=FolderInput,
        help_text="The folder with the MLmodel file. Its files go straight to the store; above "
        "1 GiB use the API.",
    )
    source = forms.CharField(
        required=False,
        max_length=500,
        help_text="Or an address: runs:/RUN/PATH, models:/NAME/NUMBER, "
        "hf:/OWNER/REPOSITORY@COMMIT. Filled in by the upload.",
    )
    parent = forms.CharField(
        required=False, max_length=48, help_text="Id of the version it was derived from."
    )
    licence = forms.CharField(required=False, max_length=200, help_text="Such as Apache-2.0.")
    security_level = forms.ChoiceField(
        choices=SecurityLevel.choices, initial=SecurityLevel.INTERNAL
    )
    description = forms.CharField(required=False, widget=forms.Textarea)

    class Media:
        js = (Script("console/upload.js", defer=True),)

    def scope(self, user: Any) -> None:
        offer(self, "project", projects_where(user, "registry.register_version"))

    def clean_source(self) -> str:
        """An address; without one there is nothing to register."""
        source = str(self.cleaned_data["source"]).strip()
        if not source:
            raise forms.ValidationError("Choose a folder, or give an address.")
        return source

    def clean_parent(self) -> ModelVersion | None:
        """The version named, if the person may see it."""
        public_id = str(self.cleaned_data["parent"]).strip()
        if not public_id:
            return None
        visible = ModelVersion.objects.visible_to(self.request.user)
        found = visible.select_related("model__project").filter(public_id=public_id).first()
        if found is None:
            raise forms.ValidationError("There is no such version, or you may not see it.")
        return found
