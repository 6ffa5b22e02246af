from hokusai.accounts.choices import Scope
from hokusai.accounts.credentials import Credential
from hokusai.core.errors import Forbidden
from hokusai.web.external.directory import Directory, Known

SAFE = frozenset({Scope.READ, Scope.PREDICT})
GONE = "This token is not valid any more."
LABEL = 60


class ExternalCredential(Credential):
    """A token of another service on its way through one request."""

    def __init__(self, known: Known, directory: Directory, token: str, address: str) -> None:
        self.known = known
        self._directory, self._token, self._address = directory, token, address
        identity = known.identity
        self.public_id = identity.public_id
        self.name = f"token of {identity.subject[:LABEL]}"
        self.project_id = identity.project_id
        self.scopes, self.model_ids = identity.scopes, identity.model_ids

    @property
    def stale(self) -> bool:
        """Whether only the service's silence keeps it in force."""
        return self.known.stale

    def confirm(self, scope: str) -> None:
        """Ask the service again for whatever does more than read and predict.

        Raises IdentityUnknown while it does not answer, Forbidden for a token that ended or lost
        the scope.
        """
        if scope in SAFE:
            return
        known = self._directory.confirm(self._token, self._address, self.known)
        if known is None or known.identity.project_id != self.project_id:
            raise Forbidden(GONE)
        self.known = known
        self.scopes, self.model_ids = known.identity.scopes, known.identity.model_ids
        if not self.may(scope):
            raise Forbidden(f"This token lacks the scope {scope}.", scope=str(scope))
