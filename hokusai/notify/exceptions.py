from hokusai.core.errors import Conflict, OutsideError, OutsideUnavailable


class AddressRefused(OutsideError):
    """The receiver's address is none that messages may be sent to."""

    code = "address_refused"


class Unreachable(OutsideUnavailable):
    """The receiver did not answer, or not in time."""

    code = "unreachable"


class SecretUnreadable(OutsideError):
    """A webhook's secret was sealed under a key that is no longer in the settings."""

    code = "secret_unreadable"


class WebhookInactive(Conflict):
    """The webhook is switched off; nothing is sent to it."""

    code = "webhook_inactive"
