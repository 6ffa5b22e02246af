"""Actions on one object: a dialog on GET, the change on POST, errors of the domain in words."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.decorators import action
from unfold.enums import ActionVariant

from hokusai.core.errors import DomainError
from hokusai.web.forms import DialogForm
from hokusai.web.markup import object_url

Change = Callable[[Any, HttpRequest, Any, dict[str, Any]], str]


def _always(obj: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Dialog:
    """What a dialog says, who may open it and for which objects it makes sense.

    One that `stays` shows a refusal above what was typed; others lead back to the page with it.
    """

    title: str
    text: str
    submit: str
    needs: str
    icon: str = ""
    form: type[DialogForm] = DialogForm
    variant: ActionVariant = ActionVariant.DEFAULT
    when: Callable[[Any], bool] = _always
    stays: bool = False


def dialog_action(dialog: Dialog) -> Callable[[Change], Any]:
    """Make a method `(self, request, obj, data) -> what was done` an action of an object's page.

    Permission is checked on the object before the dialog is shown and again when it is sent.
    """

    def decorate(change: Change) -> Any:
        def run(self: Any, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
            obj = self.object_or_404(request, object_id)
            try:
                messages.success(request, change(self, request, obj, form.cleaned_data))
            except DomainError as error:
                if dialog.stays:
                    return _refused(request, dialog, form, error)
                messages.error(request, str(error))
            # htmx sent the form: a plain redirect would be swapped into the dialog.
            return HttpResponse(headers={"HX-Redirect": object_url(obj)})

        run.__name__ = change.__name__
        return _guarded(_as_unfold_action(run, dialog), dialog)

    return decorate


def _refused(
    request: HttpRequest, dialog: Dialog, form: DialogForm, error: DomainError
) -> HttpResponse:
    """The dialog once more: what was typed, and why it was refused, at the fields that it names."""
    for name, reason in error.context.get("fields", {"": str(error)}).items():
        form.add_error(name if name in form.fields else None, reason)
    context = {"dialog": _told(dialog), "form": form, "form_submit_text": dialog.submit}
    return render(request, "unfold/helpers/dialog.html", context)


def _told(dialog: Dialog) -> dict[str, Any]:
    return {
        "title": dialog.title,
        "description": dialog.text,
        "form_class": dialog.form,
        "form_submit_text": dialog.submit,
    }


def _as_unfold_action(run: Callable[..., HttpResponse], dialog: Dialog) -> Any:
    return action(
        description=dialog.title,
        icon=dialog.icon or None,
        variant=dialog.variant,
        dialog=_told(dialog),
    )(run)


def _guarded(inner: Any, dialog: Dialog) -> Any:
    @functools.wraps(inner)
    def outer(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.object_or_404(request, object_id)
        if not self.may(request, dialog.needs, obj):
            raise PermissionDenied
        response: HttpResponse = inner(self, request, object_id=object_id)
        return response

    marked: Any = outer
    marked.console_dialog = dialog
    return marked
