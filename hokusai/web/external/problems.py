from hokusai.core.errors import OutsideUnavailable


class IntrospectionFailed(Exception):
    """The service gave no answer that counts: none at all, an error, or one out of form."""


class IdentityUnknown(OutsideUnavailable):
    """Who asks cannot be known now: the authentication service does not answer."""

    code = "identity_unknown"
