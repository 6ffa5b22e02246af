from hokusai.core.errors import Conflict, Forbidden, InvalidInput


class ArtifactNotReady(Conflict):
    """The version's bytes are not in the store (yet)."""

    code = "artifact_not_ready"


class ArtifactRefused(InvalidInput):
    """The bytes of a version cannot be taken in."""

    code = "artifact_refused"


class SignatureRefused(InvalidInput):
    """A signature over a version's files cannot be made or does not hold."""

    code = "signature_refused"


class DatasetRefused(InvalidInput):
    """The uploaded rows cannot be used."""

    code = "dataset_refused"


class ChecksFailed(Conflict):
    """A promotion's checks are missing or failed."""

    code = "checks_failed"


class BytesUnread(Conflict):
    """The artifact as it is now was not read yet, which no transaction waits for."""

    code = "bytes_unread"


class NotIndependent(Forbidden):
    """Whoever decides must be a person without a part in what is decided."""

    code = "not_independent"


class TooManyTags(InvalidInput):
    """A version carries no more tags."""

    code = "too_many_tags"
