"""Default deny at the edge: a view states what each action needs, an object's project decides."""

from functools import reduce
from typing import Any

from django.http import Http404
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from hokusai.accounts.choices import Scope
from hokusai.accounts.credentials import Credential
from hokusai.core.errors import Forbidden


class DenyAll(BasePermission):
    """For views that state nothing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class Everybody(BasePermission):
    """For what is public without login; stated, never by omission."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return True


class KnownPerson(BasePermission):
    """Anybody who logged in, with a key only as far as its scopes go."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if (key := credential_of(request)) is not None:
            _check_key(request, view, key)
        return True


class ProjectPermission(KnownPerson):
    """What the view's `permissions` name for the action, in the project of the object.

    An action without a stated permission is refused to everybody.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        action = action_of(request, view)
        return action is None or action in view.permissions

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        permission = view.permissions.get(action_of(request, view), "")
        if not permission:
            return False
        key = credential_of(request)
        if key is not None and key.model_ids:
            _check_model(request, view, key, model_id_of(obj, view))
        foreign = key is not None and key.project_id != obj.project.pk
        if not foreign and request.user.has_perm(permission, obj):
            return True
        opens = getattr(view, "opens", None)
        if opens is not None and opens(obj, permission):
            return True
        if foreign:
            raise Http404
        return False


def credential_of(request: Any) -> Credential | None:
    """The key that a request came with, or what stands for one; None for a person or nobody."""
    auth = request.auth
    return auth if isinstance(auth, Credential) else None


def model_id_of(obj: Any, view: Any = None) -> str:
    """The id of the model that a row is, or belongs to; empty where there is none.

    A view's `model_path` leads there from the rows that it is about.
    """
    path = getattr(view, "model_path", "")
    if path and isinstance(obj, view.queryset.model):
        return str(reduce(getattr, path.split("__"), obj))
    own = getattr(obj, "model_id", None)
    if isinstance(own, str):
        return own
    return str(getattr(getattr(obj, "model", None), "model_id", ""))


def not_for_model() -> Forbidden:
    """The refusal of a key that is limited to other models."""
    return Forbidden("This key may not be used for this model.")


def action_of(request: Request, view: Any) -> str | None:
    """The name of the action; the method's for plain views; None where the method is unknown."""
    if hasattr(view, "action_map"):
        return view.action
    method = str(request.method).lower()
    return method if hasattr(view, method) else None


def _check_key(request: Request, view: Any, key: Credential) -> None:
    action = action_of(request, view) or ""
    if action in getattr(view, "person_only", ()):
        raise Forbidden("This is for a person to do; an API key cannot.")
    scope = _scope_of(request, view, action)
    if not key.may(scope):
        raise Forbidden(f"This API key lacks the scope {scope}.", scope=scope.value)
    if key.model_ids:
        if action not in getattr(view, "for_models", ()):
            raise Forbidden("A key for some models alone may not be used here.")
        if (named := view.kwargs.get("model_id")) is not None:
            _check_model(request, view, key, named)
    key.confirm(scope)


def _check_model(request: Request, view: Any, key: Credential, model_id: str) -> None:
    """Raises Http404 for a model that the key may not read, Forbidden where it may not predict."""
    if model_id and key.may_use(model_id):
        return
    if _scope_of(request, view, action_of(request, view) or "") == Scope.PREDICT:
        raise not_for_model()
    raise Http404


def _scope_of(request: Request, view: Any, action: str) -> Scope:
    default = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
    scope: Scope = getattr(view, "scopes", {}).get(action, default)
    return scope
