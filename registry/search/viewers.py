"""Which versions somebody may find."""

from dataclasses import dataclass
from typing import Any

from hokusai.accounts.models import Project


@dataclass(frozen=True, slots=True)
class Viewer:
    """`projects` may be seen, `own` are those that one belongs to, and that models are shared with.

    What a superuser sees is not looked up.
    """

    everything: bool
    projects: tuple[int, ...]
    own: tuple[int, ...]


def viewer_of_key(project_id: int) -> Viewer:
    """A key sees its own project and what is shared with it."""
    return Viewer(everything=False, projects=(project_id,), own=(project_id,))


def viewer_of_person(user: Any) -> Viewer:
    """A person sees public projects, their own, and what is shared with these."""
    if getattr(user, "is_superuser", False):
        return Viewer(everything=True, projects=(), own=())
    keys = Project.objects.visible_to(user).order_by().values_list("pk", flat=True)
    own = Project.objects.of_member(user).order_by().values_list("pk", flat=True)
    return Viewer(everything=False, projects=tuple(keys), own=tuple(own))
