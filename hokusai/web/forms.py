"""Forms of the console: plain form fields in the console's looks, choices scoped to the person."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Field, ForeignKey, ForeignObjectRel, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

F = TypeVar("F", bound=forms.Field)
# Sent with a form that asks what it would lead to, and is not to be carried out.
LOOK = "_look"
_WIDGETS: tuple[tuple[type[forms.Field], type[forms.Widget]], ...] = (
    (forms.ModelMultipleChoiceField, UnfoldAdminSelect2MultipleWidget),
    (forms.MultipleChoiceField, UnfoldAdminSelect2MultipleWidget),
    (forms.ChoiceField, UnfoldAdminSelectWidget),
    (forms.ModelChoiceField, UnfoldAdminSelectWidget),
    (forms.FileField, UnfoldAdminFileFieldWidget),
    (forms.BooleanField, UnfoldBooleanSwitchWidget),
    (forms.DateField, UnfoldAdminSingleDateWidget),
    (forms.IntegerField, UnfoldAdminIntegerFieldWidget),
    (forms.EmailField, UnfoldAdminEmailInputWidget),
    (forms.CharField, UnfoldAdminTextInputWidget),
)


class _InLooks:
    """Puts the console's widgets on the fields that were declared without one of their own."""

    fields: dict[str, forms.Field]

    def _dress(self) -> None:
        for form_field in self.fields.values():
            self._dress_one(form_field)

    def _dress_one(self, form_field: forms.Field) -> None:
        old = form_field.widget
        if isinstance(old, forms.HiddenInput) or type(old).__module__ != "django.forms.widgets":
            return
        if isinstance(old, forms.Textarea):
            form_field.widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
            return
        for kind, widget in _WIDGETS:
            if isinstance(form_field, kind):
                form_field.widget = widget()
                form_field.widget.is_required = form_field.required
                if isinstance(form_field, forms.ChoiceField):
                    form_field.choices = form_field.choices
                return


class ConsoleForm(_InLooks, forms.Form):
    """A form that makes something; `scope` narrows its choices to what the person may use."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.scope(request.user)
        self._dress()

    def scope(self, user: Any) -> None:
        """Narrow the choices to what this person may use."""


class DialogForm(_InLooks, BaseDialogForm):
    """A form in a dialog; without fields it only asks for confirmation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scope(self.request.user)
        self._dress()

    def scope(self, user: Any) -> None:
        """Narrow the choices to what this person may use."""

    def render_before_template(self) -> SafeString:
        """What is wrong with the whole, then what the dialog tells above its fields."""
        errors = self.non_field_errors() if self.is_bound else ()
        context = {"errors": errors, "class": "hk-dialog-error"}
        said = render_to_string("unfold/helpers/messages/error.html", context)
        return mark_safe(said + super().render_before_template())  # noqa: S308 -- both are rendered


class ForeseeingDialog(DialogForm):
    """A dialog that shows below its fields what they would lead to, anew at each change."""

    foreseen_template = ""

    def foresee(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What `foreseen_template` is given for what the fields hold; invalid ones are absent."""
        return {}

    def is_valid(self) -> bool:
        """Whether this may be carried out; a look never is."""
        return LOOK not in self.data and super().is_valid()

    def values(self) -> dict[str, Any]:
        """What the fields hold now."""
        if not self.is_bound:
            return {
                name: self.get_initial_for_field(one, name) for name, one in self.fields.items()
            }
        self.full_clean()
        return dict(self.cleaned_data)

    def render_after_template(self) -> SafeString:
        """What is foreseen, which asks again by itself."""
        context = {
            "address": self.request.path,
            "look": LOOK,
            "template": self.foreseen_template,
            "it": self.foresee(self.values()),
        }
        return render_to_string("console/dialogs/foreseen.html", context)


class CommentDialog(DialogForm):
    """Asks for a reason that is kept beside the decision."""

    comment = forms.CharField(
        required=False, widget=UnfoldAdminExpandableTextareaWidget, help_text="Kept in the record."
    )


class LookUp(AutocompleteSelect):
    """Offers the rows that the person may see, as one types."""


def field_of(form: forms.BaseForm, name: str, kind: type[F]) -> F:
    """A form's field as the kind that it was declared as. Raises TypeError for another kind."""
    found = form.fields[name]
    if not isinstance(found, kind):
        message = f"{name} is a {type(found).__name__}, not a {kind.__name__}"
        raise TypeError(message)
    return found


def offer(form: forms.BaseForm, name: str, queryset: QuerySet) -> forms.ModelChoiceField:
    """Narrow a choice of rows to a queryset. Raises TypeError where the field is no such choice."""
    found = field_of(form, name, forms.ModelChoiceField)
    found.queryset = queryset
    return found


def look_up(
    field: Field | ForeignObjectRel, queryset: QuerySet, **kwargs: Any
) -> forms.ModelChoiceField:
    """A choice that is looked up as one types, through the console's page of the related rows.

    Raises TypeError for a field that leads to no row, or is a relation seen from behind.
    """
    if not isinstance(field, ForeignKey):
        message = f"{field.name} leads to no row"
        raise TypeError(message)
    return forms.ModelChoiceField(queryset, widget=LookUp(field, admin.site), **kwargs)
