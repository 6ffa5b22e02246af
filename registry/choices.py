from django.db import models

# Who shows versions in MLflow, by the name under which deliveries go to it.
SYNC_SUBSCRIBER = "registry.receivers.MlflowPush"


class ArtifactState(models.TextChoices):
    """Whether a version's bytes are in our store."""

    PENDING = "pending"
    COPYING = "copying"
    READY = "ready"
    FAILED = "failed"

    @property
    def successors(self) -> frozenset["ArtifactState"]:
        return _ARTIFACT_SUCCESSORS[self]


_ARTIFACT_SUCCESSORS = {
    ArtifactState.PENDING: frozenset({ArtifactState.COPYING, ArtifactState.FAILED}),
    ArtifactState.COPYING: frozenset(
        {ArtifactState.COPYING, ArtifactState.READY, ArtifactState.FAILED}
    ),
    ArtifactState.READY: frozenset(),
    ArtifactState.FAILED: frozenset({ArtifactState.COPYING}),
}


class SyncState(models.TextChoices):
    """Whether MLflow shows the version as we do."""

    PENDING = "pending"
    SYNCED = "synced"
    CONFLICT = "conflict"


class Stage(models.TextChoices):
    """How far a version was promoted."""

    NONE = "none"
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"

    @property
    def successors(self) -> frozenset["Stage"]:
        return _STAGE_SUCCESSORS[self]


_STAGE_SUCCESSORS = {
    Stage.NONE: frozenset({Stage.DEVELOPMENT, Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED}),
    Stage.DEVELOPMENT: frozenset({Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED}),
    Stage.STAGING: frozenset({Stage.PRODUCTION, Stage.ARCHIVED}),
    Stage.PRODUCTION: frozenset({Stage.ARCHIVED}),
    Stage.ARCHIVED: frozenset({Stage.PRODUCTION}),
}


class StageReason(models.TextChoices):
    """Why a version entered a stage."""

    PROMOTED = "promoted"
    DISPLACED = "displaced"
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


class PromotionStatus(models.TextChoices):
    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def successors(self) -> frozenset["PromotionStatus"]:
        if self == PromotionStatus.REQUESTED:
            return frozenset(PromotionStatus) - {PromotionStatus.REQUESTED}
        return frozenset()


class DatasetState(models.TextChoices):
    """What became of uploaded rows."""

    RECEIVED = "received"
    USABLE = "usable"
    REFUSED = "refused"

    @property
    def successors(self) -> frozenset["DatasetState"]:
        if self == DatasetState.RECEIVED:
            return frozenset({DatasetState.USABLE, DatasetState.REFUSED})
        return frozenset()


class Access(models.TextChoices):
    """Who may read a dataset's rows."""

    MEMBERS = "members"
    STEWARDS = "stewards"


class NodeKind(models.TextChoices):
    """What a point of the lineage graph is."""

    VERSION = "version"
    DATASET = "dataset"
    RUN = "run"
    BENCHMARK = "benchmark"
    COMPARISON = "comparison"
    CONTRIBUTION = "contribution"
    CONTRIBUTOR = "contributor"
    IMPROVEMENT = "improvement"
    ATTESTATION = "attestation"
    DEPLOYMENT = "deployment"


class EdgeKind(models.TextChoices):
    """How the second point came from the first."""

    PARENT = "parent"
    TRAINED_ON = "trained_on"
    PRODUCED_BY = "produced_by"
    COMPARED = "compared"
    MEASURED_ON = "measured_on"
    GIVEN_AS = "given_as"
    GIVEN_BY = "given_by"
    IMPROVED = "improved"
    CREDITED = "credited"
    ATTESTED = "attested"
    SERVED_BY = "served_by"
    USES = "uses"


class Origin(models.TextChoices):
    """How a version came here."""

    REGISTERED = "registered"
    PULLED = "pulled"
    IMPORTED = "imported"


class SecurityLevel(models.TextChoices):
    """Who may get a version's bytes, from everybody to few."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class TagKind(models.TextChoices):
    """What a tag's value is read as."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


class ShareRight(models.TextChoices):
    """What a shared model may be used for; deriving includes reading."""

    READ = "read"
    DERIVE = "derive"


class ScanVerdict(models.TextChoices):
    """What a scan says of an artifact."""

    CLEAN = "clean"
    SUSPICIOUS = "suspicious"
    DANGEROUS = "dangerous"


class ConversionVerdict(models.TextChoices):
    """What came of making ONNX of a version."""

    EXACT = "exact"
    DIFFERS = "differs"
    UNSUITABLE = "unsuitable"


class UploadState(models.TextChoices):
    """What became of uploaded files."""

    OPEN = "open"
    COMPLETED = "completed"
    USED = "used"
    ABORTED = "aborted"

    @property
    def successors(self) -> frozenset["UploadState"]:
        return _UPLOAD_SUCCESSORS[self]


_UPLOAD_SUCCESSORS = {
    UploadState.OPEN: frozenset({UploadState.COMPLETED, UploadState.ABORTED}),
    UploadState.COMPLETED: frozenset({UploadState.USED, UploadState.ABORTED}),
    UploadState.USED: frozenset[UploadState](),
    UploadState.ABORTED: frozenset[UploadState](),
}


class MirrorState(models.TextChoices):
    """Whether a version of the tracking server belongs to a project here."""

    INBOX = "inbox"
    LINKED = "linked"
    IGNORED = "ignored"

    @property
    def successors(self) -> frozenset["MirrorState"]:
        return _MIRROR_SUCCESSORS[self]


_MIRROR_SUCCESSORS = {
    MirrorState.INBOX: frozenset({MirrorState.LINKED, MirrorState.IGNORED}),
    MirrorState.LINKED: frozenset[MirrorState](),
    MirrorState.IGNORED: frozenset({MirrorState.INBOX}),
}


class ConflictState(models.TextChoices):
    """What was done about a field that both sides changed."""

    OPEN = "open"
    OURS = "ours"
    THEIRS = "theirs"

    @property
    def successors(self) -> frozenset["ConflictState"]:
        if self == ConflictState.OPEN:
            return frozenset({ConflictState.OURS, ConflictState.THEIRS})
        return frozenset()


class PassKind(models.TextChoices):
    """How far a look at the tracking server reached."""

    INCREMENTAL = "incremental"
    FULL = "full"
    IMPORT = "import"
