from hokusai.core.errors import DomainError, OutsideUnavailable


class SignerUnusable(DomainError):
    """The key may not sign now, or this process holds none; nothing was signed."""

    code = "signer_unusable"


class SignerUnavailable(OutsideUnavailable):
    """The service that keeps the key did not answer; the same call may be made again."""

    code = "signer_unavailable"
