"""Default deny at the edge: a view states what each action needs, an object's project decides."""

from typing import Any

from django.http import Http404
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from hokusai.accounts.choices import Scope
from hokusai.accounts.models import ApiKey
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
        if isinstance(request.auth, ApiKey):
            _check_key(request, view, request.auth)
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
        key = request.auth if isinstance(request.auth, ApiKey) else None
        foreign = key is not None and key.project_id != obj.project.pk
        if not foreign and request.user.has_perm(permission, obj):
            return True
        opens = getattr(view, "opens", None)
        if opens is not None and opens(obj, permission):
            return True
        if foreign:
            raise Http404
        return False


def not_for_model() -> Forbidden:
    """The refusal of a key that is limited to other models."""
    return Forbidden("This key may not be used for this model.")


def action_of(request: Request, view: Any) -> str | None:
    """The name of the action; the method's for plain views; None where the method is unknown."""
    if hasattr(view, "action_map"):
        return view.action
    method = str(request.method).lower()
    return method if hasattr(view, method) else None


def _check_key(request: Request, view: Any, key: ApiKey) -> None:
    action = action_of(request, view) or ""
    if action in getattr(view, "person_only", ()):
        raise Forbidden("This is for a person to do; an API key cannot.")
    default = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
    scope = getattr(view, "scopes", {}).get(action, default)
    if not key.may(scope):
        raise Forbidden(f"This API key lacks the scope {scope}.", scope=scope.value)
