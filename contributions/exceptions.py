from hokusai.core.errors import DomainError


class SigningRefused(DomainError):
    """The statement cannot be signed; nothing was. The same job may be tried again."""

    code = "signing_refused"


class AttributionImpossible(DomainError):
    """Credit cannot be worked out from what is stored; the message says why."""

    code = "attribution_impossible"
