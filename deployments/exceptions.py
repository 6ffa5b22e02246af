from hokusai.core.errors import Conflict, OutsideUnavailable


class NotDeployed(Conflict):
    """Nothing serves this model, and nothing is about to."""

    code = "not_deployed"


class Starting(OutsideUnavailable):
    """The first revision is starting; the same call will work soon."""

    code = "starting"


class AlreadyServed(Conflict):
    """The deployment serves this version, or is about to."""

    code = "already_served"


class NothingToRollBackTo(Conflict):
    """No other version served here before."""

    code = "nothing_to_roll_back_to"


class DeployChecksFailed(Conflict):
    """A check that deployments need failed."""

    code = "deploy_checks_failed"


class StageRequired(DeployChecksFailed):
    """The version has not reached the stage that the place asks for."""

    code = "stage_required"


class DigestRequired(DeployChecksFailed):
    """The place asks whoever deploys for the digest of the bytes meant."""

    code = "digest_required"


class DigestDiffers(DeployChecksFailed):
    """The digest stated is not the version's."""

    code = "digest_differs"


class WrongBytes(Conflict):
    """What would serve is not what was registered."""

    code = "wrong_bytes"


class NoExport(Conflict):
    """The file of an export is not there yet, or not there any more."""

    code = "no_export"
