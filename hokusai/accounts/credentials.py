"""What a request comes with in place of a person's login: a key, or another service's token."""

from typing import Any

from hokusai.accounts.choices import Scope


class Credential:
    """Bound to one project and to scopes, perhaps to models; whoever holds it acts for a person.

    Without `model_ids` it may be used for every model of its project. Limited to some, it reads
    and predicts these, and writes nothing.
    """

    public_id: Any
    name: Any
    project_id: Any
    scopes: Any
    model_ids: Any

    def may(self, scope: str) -> bool:
        """Whether it may be used for a scope; writing includes reading."""
        if scope == Scope.WRITE and self.model_ids:
            return False
        held = set(self.scopes)
        return scope in held or (scope == Scope.READ and Scope.WRITE in held)

    def may_use(self, model_id: str) -> bool:
        """Whether it may be used for a model, as far as it is limited to some."""
        return not self.model_ids or model_id in self.model_ids

    def confirm(self, scope: str) -> None:
        """Make sure, right before it is used for a scope, that it still holds.

        Raises OutsideUnavailable where that cannot be known.
        """
