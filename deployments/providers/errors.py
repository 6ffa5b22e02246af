"""How a provider fails, and what may be concluded from it."""

from typing import ClassVar

from hokusai.core import errors


class ProviderError:
    """What callers need to know of every failure. `retry_after_s` is in its context where known.

    `retryable`: the same call may work later, unchanged. `outcome_known`: False where it may have
    taken effect all the same, so that one has to look before calling again.
    `counts_against_canary`: it speaks against the version that was asked, not against the caller
    or the platform.
    """

    retryable: ClassVar[bool] = False
    outcome_known: ClassVar[bool] = True
    counts_against_canary: ClassVar[bool] = False


class InvalidInput(ProviderError, errors.InvalidInput):
    """The rows do not fit the model. Context: `row` (from 0), `column`, where known."""


class InvalidSpec(ProviderError, errors.OutsideError):
    """The provider will not serve this version, however often it is asked."""

    code = "invalid_spec"


class AuthFailed(ProviderError, errors.OutsideError):
    """The provider does not accept the platform's credentials."""

    code = "provider_auth_failed"


class QuotaExceeded(ProviderError, errors.OutsideError):
    """The provider has no more room for this account."""

    code = "provider_quota_exceeded"


class ProviderConflict(ProviderError, errors.Conflict):
    """Another operation on the same endpoint is under way, or its name is taken."""

    code = "provider_conflict"
    retryable = True


class Unsupported(ProviderError, errors.Conflict):
    """This provider lacks the capability."""

    code = "unsupported"


class ProviderNotFound(ProviderError, errors.OutsideUnavailable):
    """The provider knows nothing of this endpoint; once deployed again, it answers."""

    code = "provider_not_found"
    retryable = True


class RateLimited(ProviderError, errors.OutsideUnavailable):
    """The provider asks for fewer calls."""

    code = "provider_rate_limited"
    retryable = True


class NotReady(ProviderError, errors.OutsideUnavailable):
    """The endpoint is starting, or waits before its next start; it will answer by itself."""

    code = "not_ready"
    retryable = True


class ProviderUnavailable(ProviderError, errors.OutsideUnavailable):
    """The provider did not answer."""

    code = "provider_unavailable"
    retryable = True
    counts_against_canary = True


class ProviderTimeout(ProviderError, errors.OutsideTimeout, errors.OutsideUnavailable):
    """The provider did not answer in time; whether it acted is not known."""

    code = "provider_timeout"
    retryable = True
    outcome_known = False
    counts_against_canary = True


class ModelError(ProviderError, errors.OutsideError):
    """The model itself failed on these rows; the platform works. Context: `cause`."""

    code = "model_error"
    counts_against_canary = True


class ModelTooSlow(ModelError, errors.OutsideTimeout):
    """The model did not answer within the deadline. Context: `deadline_s`."""

    code = "model_timeout"
