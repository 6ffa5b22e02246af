from django.db import models


class RecordKind(models.TextChoices):
    """What a leaf of the log speaks of."""

    ATTEMPT = "attempt", "attempt"
    ATTESTATION = "attestation", "attestation"
    REVOCATION = "revocation", "revocation"
    STATUS = "status", "status list"
    KEY = "key", "key event"
    EVENTS = "events", "batch of events"


# Events of an audit: that somebody asked for one, and its result.
AUDIT_REQUESTED = "log:audit-requested"
AUDITED = "log:audited"
