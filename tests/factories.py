"""The valid minimum of every model. What a test is about, it names itself."""

import hashlib
import secrets
from datetime import timedelta
from functools import partial
from typing import Any

import factory
from django.utils import timezone
from eth_utils import to_checksum_address
from factory.django import DjangoModelFactory
from rest_framework.test import APIClient

from contributions.choices import AttestationStatus, Licence
from contributions.models import (
    Attestation,
    Attribution,
    Contribution,
    Contributor,
    ImpactTotal,
    Improvement,
    Revocation,
    Share,
    SigningPolicy,
    Wallet,
)
from deployments.log_models import PredictionExport, PredictionLog
from deployments.models import (
    BatchChunk,
    BatchPrediction,
    Deployment,
    PredictionReceipt,
    Revision,
)
from experiments.choices import BenchmarkStatus, EvaluationRole
from experiments.models import (
    Benchmark,
    Comparison,
    Confirmation,
    Evaluation,
    Experiment,
    Run,
    RunHistory,
    Training,
)
from hokusai.accounts import keys
from hokusai.accounts.choices import Role, Scope, Visibility
from hokusai.accounts.models import ApiKey, Invitation, Membership, Project, User
from hokusai.core.ids import new_id
from hokusai.core.models import Delivery, Event, Job
from hokusai.notify import signatures
from hokusai.notify.choices import Topic
from hokusai.notify.models import Attempt, Message, Subscription, Webhook, WebhookDelivery
from hokusai.signers.models import SigningKey
from hokusai.storage import uploads
from hokusai.transparency.models import Checkpoint, LogRecord
from hokusai.web.models import IdempotencyRecord
from registry.choices import ArtifactState, DatasetState, EdgeKind, NodeKind, Stage
from registry.models import (
    ArtifactScan,
    Dataset,
    DatasetVersion,
    LineageEdge,
    LineageNode,
    Model,
    ModelShare,
    ModelVersion,
    Promotion,
    PromotionPolicy,
    RowDigest,
    SyncConflict,
    SyncPass,
    TrackedExperiment,
    TrackedModel,
    TrackedVersion,
    TrackingImport,
    Upload,
    UploadFile,
    VersionTag,
)

PASSWORD = "correct horse battery staple"


def digest(text: object) -> str:
    """A SHA-256 that belongs to a text: 64 hexadecimal digits."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def wallet_address() -> str:
    """A random address in EIP-55 spelling."""
    return to_checksum_address(secrets.token_bytes(20))


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence("person{}".format)
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password(PASSWORD)


class SuperuserFactory(UserFactory):
    username = factory.Sequence("root{}".format)
    is_staff = True
    is_superuser = True


class ProjectFactory(DjangoModelFactory):
    class Meta:
        model = Project

    slug = factory.Sequence("project-{}".format)
    name = factory.LazyAttribute(lambda project: project.slug.title())
    visibility = Visibility.PRIVATE


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    project = factory.SubFactory(ProjectFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.ENGINEER


class InvitationFactory(DjangoModelFactory):
    class Meta:
        model = Invitation

    project = factory.SubFactory(ProjectFactory)
    email = factory.Sequence("guest{}@example.org".format)
    role = Role.VIEWER
    token_hash = factory.LazyFunction(lambda: digest(secrets.token_hex()))
    invited_by = factory.SubFactory(UserFactory)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=14))


class ApiKeyFactory(DjangoModelFactory):
    """A key of a member; `secret` chooses the text that opens it."""

    class Meta:
        model = ApiKey

    class Params:
        secret = factory.LazyFunction(keys.new_secret)

    project = factory.SubFactory(ProjectFactory)
    owner = factory.LazyAttribute(lambda key: member(key.project))
    name = factory.Sequence("key {}".format)
    prefix = factory.LazyAttribute(lambda key: keys.visible_prefix(key.secret))
    secret_hash = factory.LazyAttribute(lambda key: keys.secret_hash(key.secret))
    scopes = factory.LazyFunction(lambda: [Scope.READ.value, Scope.WRITE.value])


class EventFactory(DjangoModelFactory):
    class Meta:
        model = Event

    tag = "version:registered"
    actor = "user:usr_0"
    subject = factory.Sequence("mdv_{:032x}".format)
    digest = factory.LazyAttribute(lambda event: digest(event.subject))


class JobFactory(DjangoModelFactory):
    class Meta:
        model = Job

    kind = "artifact_copy"
    subject = factory.Sequence("mdv_{:032x}".format)


class DeliveryFactory(DjangoModelFactory):
    class Meta:
        model = Delivery

    event = factory.SubFactory(EventFactory)
    subscriber = "registry.receivers.MlflowPush"
    stream = factory.LazyAttribute(lambda row: f"{row.subscriber}|{row.event.subject}")
    sequence = 1


class SubscriptionFactory(DjangoModelFactory):
    class Meta:
        model = Subscription

    project = factory.SubFactory(ProjectFactory)
    user = factory.LazyAttribute(lambda row: member(row.project))
    topic = Topic.VERSION_READY
    wanted = True


class MessageFactory(DjangoModelFactory):
    """A mail about an event, to a member of its project."""

    class Meta:
        model = Message

    project = factory.SubFactory(ProjectFactory)
    event = factory.LazyAttribute(lambda row: EventFactory(project_id=row.project.pk))
    recipient = factory.LazyAttribute(lambda row: member(row.project))
    topic = Topic.VERSION_REGISTERED
    subject = factory.Sequence("Something happened {}".format)
    body = "It did."


class WebhookFactory(DjangoModelFactory):
    """A webhook to a host that is asked for nothing unless a test sends something."""

    class Meta:
        model = Webhook

    class Params:
        plain = factory.LazyFunction(signatures.new_secret)

    project = factory.SubFactory(ProjectFactory)
    url = factory.Sequence("https://receiver.example.org/hooks/{}".format)
    topics = factory.LazyFunction(lambda: [Topic.VERSION_READY.value])
    secret = factory.LazyAttribute(lambda hook: signatures.seal(hook.plain))
    made_by = factory.SubFactory(UserFactory)


class WebhookDeliveryFactory(DjangoModelFactory):
    class Meta:
        model = WebhookDelivery

    webhook = factory.SubFactory(WebhookFactory)
    event = factory.LazyAttribute(lambda row: EventFactory(project_id=row.webhook.project.pk))
    type = Topic.VERSION_READY
    body = '{"type":"version.ready"}'


class AttemptFactory(DjangoModelFactory):
    class Meta:
        model = Attempt

    delivery = factory.SubFactory(WebhookDeliveryFactory)
    number = factory.Sequence(lambda n: n + 1)
    status_code = 500
    duration_ms = 12
    error = "Answered 500; only 2xx means that it arrived."


class IdempotencyRecordFactory(DjangoModelFactory):
    class Meta:
        model = IdempotencyRecord

    principal = "user:usr_0"
    route = "POST /api/v1/projects"
    key = factory.Sequence("key-{}".format)
    body_digest = factory.LazyFunction(lambda: digest("{}"))


class DatasetFactory(DjangoModelFactory):
    class Meta:
        model = Dataset

    project = factory.SubFactory(ProjectFactory)
    slug = factory.Sequence("dataset-{}".format)
    name = factory.LazyAttribute(lambda dataset: dataset.slug.title())


class DatasetVersionFactory(DjangoModelFactory):
    """A usable table; its bytes are in no store."""

    class Meta:
        model = DatasetVersion

    dataset = factory.SubFactory(DatasetFactory)
    number = factory.LazyAttribute(lambda version: version.dataset.versions.count() + 1)
    state = DatasetState.USABLE
    file_format = "csv"
    file_digest = factory.Sequence(lambda n: digest(f"file {n}"))
    size_bytes = 100
    label_column = "label"
    columns = factory.LazyFunction(
        lambda: [{"name": "x", "dtype": "float64"}, {"name": "label", "dtype": "int64"}]
    )
    rows_digest = factory.Sequence(lambda n: digest(f"rows {n}"))
    row_count = 10
    statistics = factory.LazyFunction(
        lambda: {
            "rows": 10,
            "columns": [{"name": "x", "type": "number", "count": 10, "missing": 0}],
            "label": None,
            "preview": {"columns": ["x", "label"], "rows": [[0.5, 1]]},
        }
    )
    uploaded_by = factory.SubFactory(UserFactory)


class RowDigestFactory(DjangoModelFactory):
    class Meta:
        model = RowDigest

    dataset_version = factory.SubFactory(DatasetVersionFactory)
    row = factory.LazyFunction(lambda: secrets.token_bytes(32))
    inputs = factory.LazyFunction(lambda: secrets.token_bytes(32))


class ModelFactory(DjangoModelFactory):
    class Meta:
        model = Model

    project = factory.SubFactory(ProjectFactory)
    slug = factory.Sequence("model-{}".format)
    model_id = factory.LazyAttribute(lambda model: f"{model.project.slug}.{model.slug}")
    name = factory.LazyAttribute(lambda model: model.slug.title())


class ModelVersionFactory(DjangoModelFactory):
    """A version whose artifact is ready; its bytes are in no store."""

    class Meta:
        model = ModelVersion

    model = factory.SubFactory(ModelFactory)
    project = factory.SelfAttribute("model.project")
    number = factory.LazyAttribute(lambda version: version.model.versions.count() + 1)
    artifact_state = ArtifactState.READY
    source = factory.Sequence("runs:/{:032x}/model".format)
    run_id = factory.Sequence("{:032x}".format)
    tree_digest = factory.Sequence(lambda n: digest(f"tree {n}"))
    size_bytes = 1000
    file_count = 3
    flavor = "sklearn"
    registered_by = factory.SubFactory(UserFactory)


class VersionTagFactory(DjangoModelFactory):
    class Meta:
        model = VersionTag

    version = factory.SubFactory(ModelVersionFactory)
    key = factory.Sequence("tag{}".format)
    value = "value"


class PromotionFactory(DjangoModelFactory):
    class Meta:
        model = Promotion

    version = factory.SubFactory(ModelVersionFactory)
    target = Stage.PRODUCTION
    requested_by = factory.SubFactory(UserFactory)


class PromotionPolicyFactory(DjangoModelFactory):
    class Meta:
        model = PromotionPolicy

    project = factory.SubFactory(ProjectFactory)
    stage = Stage.PRODUCTION
    blocking = factory.LazyFunction(list)
    roles = factory.LazyFunction(lambda: ["reviewer", "owner"])
    changed_by = factory.SubFactory(UserFactory)


class ModelShareFactory(DjangoModelFactory):
    class Meta:
        model = ModelShare

    model = factory.SubFactory(ModelFactory)
    project = factory.SubFactory(ProjectFactory)
    shared_by = factory.SubFactory(UserFactory)


class UploadFactory(DjangoModelFactory):
    class Meta:
        model = Upload

    project = factory.SubFactory(ProjectFactory)
    made_by = factory.SubFactory(UserFactory)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))


class UploadFileFactory(DjangoModelFactory):
    class Meta:
        model = UploadFile

    upload = factory.SubFactory(UploadFactory)
    path = "model.onnx"
    size_bytes = 1
    sha256 = "0" * 64
    part_bytes = 8 * 2**20
    storage_key = factory.Sequence("upl/{}".format)
    storage_upload = factory.LazyAttribute(lambda row: uploads["default"].begin(row.storage_key))


class ArtifactScanFactory(DjangoModelFactory):
    class Meta:
        model = ArtifactScan

    version = factory.SubFactory(ModelVersionFactory)
    verdict = "clean"


CARD = """---
license: mit
---
# Forecast
## Intended use
Reading tides.
## Training data
A year of gauges.
## Evaluation
On the year after.
## Limitations
Storms.
"""


def described(version: ModelVersion) -> ModelVersion:
    """The version with a complete card, a licence and a clean scan, as production asks."""
    version.card, version.licence = CARD, "MIT"
    version.save(update_fields=["card", "licence"])
    ArtifactScanFactory(version=version)
    return version


class LineageNodeFactory(DjangoModelFactory):
    class Meta:
        model = LineageNode

    public_id = factory.Sequence("mdv_{:032x}".format)
    kind = NodeKind.VERSION
    label = factory.LazyAttribute(lambda node: node.public_id)
    project = factory.SubFactory(ProjectFactory)


class LineageEdgeFactory(DjangoModelFactory):
    class Meta:
        model = LineageEdge

    src = factory.SubFactory(LineageNodeFactory)
    dst = factory.SubFactory(LineageNodeFactory)
    kind = EdgeKind.PARENT


class BenchmarkFactory(DjangoModelFactory):
    """An approved benchmark on rows that only stewards read."""

    class Meta:
        model = Benchmark

    project = factory.SubFactory(ProjectFactory)
    slug = factory.Sequence("benchmark-{}".format)
    name = factory.LazyAttribute(lambda benchmark: benchmark.slug.title())
    dataset_version = factory.SubFactory(
        DatasetVersionFactory,
        dataset__project=factory.SelfAttribute("...project"),
        access="stewards",
    )
    status = BenchmarkStatus.APPROVED
    features = factory.LazyFunction(lambda: ["x"])
    label_column = "label"
    metric = "accuracy"
    split_salt = "5a" * 32
    spec_digest = factory.Sequence(lambda n: digest(f"spec {n}"))
    created_by = factory.SubFactory(UserFactory)
    approved_by = factory.SubFactory(UserFactory)
    approved_at = factory.LazyFunction(timezone.now)


class ExperimentFactory(DjangoModelFactory):
    class Meta:
        model = Experiment

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence("Experiment {}".format)
    model = factory.SubFactory(ModelFactory, project=factory.SelfAttribute("..project"))
    baseline = factory.SubFactory(ModelVersionFactory, model=factory.SelfAttribute("..model"))
    benchmark = factory.SubFactory(BenchmarkFactory, project=factory.SelfAttribute("..project"))
    created_by = factory.SubFactory(UserFactory)


class ComparisonFactory(DjangoModelFactory):
    """A requested comparison of two versions of one model in the benchmark's project."""

    class Meta:
        model = Comparison

    benchmark = factory.SubFactory(BenchmarkFactory)
    baseline = factory.SubFactory(
        ModelVersionFactory, model__project=factory.SelfAttribute("...benchmark.project")
    )
    candidate = factory.SubFactory(
        ModelVersionFactory,
        model=factory.SelfAttribute("..baseline.model"),
        parent=factory.SelfAttribute("..baseline"),
    )
    baseline_digest = factory.SelfAttribute("baseline.tree_digest")
    candidate_digest = factory.SelfAttribute("candidate.tree_digest")
    attempt = 1
    requested_by = factory.SubFactory(UserFactory)


class TrainingFactory(DjangoModelFactory):
    """A training that waits for its worker."""

    class Meta:
        model = Training

    project = factory.SelfAttribute("model.project")
    model = factory.SubFactory(ModelFactory)
    benchmark = factory.SubFactory(BenchmarkFactory, project=factory.SelfAttribute("..project"))
    baseline = factory.SubFactory(ModelVersionFactory, model=factory.SelfAttribute("..model"))
    recipe = "scikit-learn"
    parameters = factory.LazyFunction(dict)
    seeds = factory.LazyFunction(lambda: [1, 2, 3])
    requested_by = factory.SubFactory(UserFactory)


class EvaluationFactory(DjangoModelFactory):
    class Meta:
        model = Evaluation

    comparison = factory.SubFactory(ComparisonFactory)
    version = factory.SelfAttribute("comparison.candidate")
    role = EvaluationRole.CANDIDATE
    row_count = 100
    scores = factory.LazyFunction(lambda: {"accuracy": 910_000})
    outcomes_digest = factory.Sequence(lambda n: digest(f"outcomes {n}"))
    isolation_tier = "B"
    duration_ms = 20


class TrackedExperimentFactory(DjangoModelFactory):
    """An experiment of the tracking server, mapped to a project."""

    class Meta:
        model = TrackedExperiment

    experiment_id = factory.Sequence(str)
    name = factory.Sequence("tracked-{}".format)
    project = factory.SubFactory(ProjectFactory)


class TrackedModelFactory(DjangoModelFactory):
    class Meta:
        model = TrackedModel

    name = factory.Sequence("tracked-model-{}".format)


class TrackedVersionFactory(DjangoModelFactory):
    """A version of the tracking server, in the inbox."""

    class Meta:
        model = TrackedVersion

    name = factory.Sequence("churn-{}".format)
    number = 1
    created_at = factory.LazyFunction(timezone.now)
    source = "models:/m-0123456789abcdef0123456789abcdef"


class SyncConflictFactory(DjangoModelFactory):
    class Meta:
        model = SyncConflict

    version = factory.SubFactory(ModelVersionFactory)
    field = "description"
    values = factory.LazyFunction(lambda: {"base": "a", "ours": "b", "theirs": "c"})


class SyncPassFactory(DjangoModelFactory):
    class Meta:
        model = SyncPass

    kind = "full"
    complete = True
    finished_at = factory.LazyFunction(timezone.now)


class TrackingImportFactory(DjangoModelFactory):
    class Meta:
        model = TrackingImport

    server = "default"
    requested_by = factory.SubFactory(SuperuserFactory)


class RunFactory(DjangoModelFactory):
    class Meta:
        model = Run

    experiment = factory.SubFactory(TrackedExperimentFactory)
    run_id = factory.LazyFunction(lambda: secrets.token_hex(16))
    name = factory.Sequence("try {}".format)
    status = "finished"
    user = "ann"
    started_at = factory.LazyFunction(timezone.now)
    metrics = factory.LazyFunction(lambda: {"accuracy": 0.9})
    parameters = factory.LazyFunction(lambda: {"C": "0.5"})
    digest = factory.LazyAttribute(lambda run: digest(run.run_id))


class RunHistoryFactory(DjangoModelFactory):
    class Meta:
        model = RunHistory

    run = factory.SubFactory(RunFactory)
    metric = "accuracy"
    points = factory.LazyFunction(
        lambda: [[0, 1_795_163_845_000, 0.5], [1, 1_795_163_846_000, 0.9]]
    )
    total = 2


class ContributorFactory(DjangoModelFactory):
    class Meta:
        model = Contributor

    name = factory.Sequence("Contributor {}".format)


class WalletFactory(DjangoModelFactory):
    class Meta:
        model = Wallet

    contributor = factory.SubFactory(ContributorFactory)
    address = factory.LazyFunction(wallet_address)


class ContributionFactory(DjangoModelFactory):
    """A contribution as received, on a table of its own in its model's project."""

    class Meta:
        model = Contribution

    model = factory.SubFactory(ModelFactory)
    project = factory.SelfAttribute("model.project")
    wallet = factory.SubFactory(WalletFactory)
    dataset_version = factory.SubFactory(
        DatasetVersionFactory, dataset__project=factory.SelfAttribute("...project")
    )
    licence = Licence.CC0
    submitted_by = factory.SubFactory(UserFactory)


class ImprovementFactory(DjangoModelFactory):
    """An improvement over the baseline of an accepted comparison."""

    class Meta:
        model = Improvement

    comparison = factory.SubFactory(
        ComparisonFactory, status="accepted", delta_ppm=50_000, decided_at=timezone.now()
    )
    model = factory.SelfAttribute("comparison.candidate.model")
    baseline = factory.SelfAttribute("comparison.baseline")
    candidate = factory.SelfAttribute("comparison.candidate")
    delta_ppm = 50_000
    payable_ppm = factory.SelfAttribute("delta_ppm")
    method = "by rows"


class ConfirmationFactory(DjangoModelFactory):
    """What the kept rows said of an accepted comparison."""

    class Meta:
        model = Confirmation

    comparison = factory.SubFactory(ComparisonFactory, status="accepted", delta_ppm=50_000)
    status = "confirmed"
    delta_ppm = 40_000


class AttributionFactory(DjangoModelFactory):
    """An attribution that a worker has still to make."""

    class Meta:
        model = Attribution

    improvement = factory.SubFactory(ImprovementFactory)
    method = "shapley-exact/1"


class ShareFactory(DjangoModelFactory):
    class Meta:
        model = Share

    improvement = factory.SubFactory(ImprovementFactory)
    contribution = factory.SubFactory(
        ContributionFactory, model=factory.SelfAttribute("..improvement.model")
    )
    basis_points = 10_000


class AttestationFactory(DjangoModelFactory):
    """A signed attestation; its signature is the signer's to check, not this row's."""

    class Meta:
        model = Attestation

    improvement = factory.SubFactory(ImprovementFactory)
    status = AttestationStatus.SIGNED
    statement = factory.Sequence('{{"n":{}}}'.format)
    statement_id = factory.LazyAttribute(lambda row: digest(row.statement))
    envelope = factory.LazyFunction(
        lambda: {"payloadType": "application/vnd.in-toto+json", "payload": "", "signatures": []}
    )
    key_id = factory.LazyFunction(lambda: digest("signing key"))
    signed_at = factory.LazyFunction(timezone.now)


class RevocationFactory(DjangoModelFactory):
    """A revocation that waits for the signer."""

    class Meta:
        model = Revocation

    attestation = factory.SubFactory(AttestationFactory)
    reason = "Measured on rows of another set."
    requested_by = factory.SubFactory(UserFactory)


class SigningKeyFactory(DjangoModelFactory):
    class Meta:
        model = SigningKey

    key_id = factory.Sequence(lambda n: digest(f"signing key {n}"))
    public_pem = "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"


class SigningPolicyFactory(DjangoModelFactory):
    class Meta:
        model = SigningPolicy

    project = factory.SubFactory(ProjectFactory)
    key_ids = factory.LazyFunction(lambda: [digest("signing key")])
    changed_by = factory.SubFactory(UserFactory)


class ImpactTotalFactory(DjangoModelFactory):
    """Credit in one project; the person has a wallet."""

    class Meta:
        model = ImpactTotal

    contributor = factory.LazyFunction(lambda: WalletFactory().contributor)
    project = factory.SubFactory(ProjectFactory)
    metric = "accuracy"
    gain_e10 = 10**8
    shares = 1


class LogRecordFactory(DjangoModelFactory):
    """A record that waits for its place in the log."""

    class Meta:
        model = LogRecord

    kind = "attempt"
    subject = factory.Sequence("cmp_{:032x}".format)
    statement = factory.Sequence('{{"n":{}}}'.format)
    digest = factory.LazyAttribute(lambda record: digest(record.statement))


class CheckpointFactory(DjangoModelFactory):
    """A checkpoint of one leaf; its signature is the signer's to check, not this row's."""

    class Meta:
        model = Checkpoint

    size = 1
    root = factory.LazyFunction(lambda: digest("root"))
    note = "local/test/log\n1\n\n"
    key_id = factory.LazyFunction(lambda: digest("log key"))


class DeploymentFactory(DjangoModelFactory):
    class Meta:
        model = Deployment

    model = factory.SubFactory(ModelFactory)
    slug = "production"
    provider = "local"
    created_by = factory.SubFactory(UserFactory)


class RevisionFactory(DjangoModelFactory):
    class Meta:
        model = Revision

    deployment = factory.SubFactory(DeploymentFactory)
    number = factory.LazyAttribute(lambda revision: revision.deployment.revisions.count() + 1)
    version = factory.SubFactory(
        ModelVersionFactory, model=factory.SelfAttribute("..deployment.model")
    )
    digest = factory.SelfAttribute("version.tree_digest")
    created_by = factory.SubFactory(UserFactory)


class PredictionFactory(DjangoModelFactory):
    class Meta:
        model = PredictionLog

    class Params:
        of = factory.SubFactory(RevisionFactory)

    at = factory.LazyFunction(timezone.now)
    id = factory.LazyAttributeSequence(lambda row, n: int(row.at.timestamp()) * 10**8 + n)
    project_id = factory.LazyAttribute(lambda row: row.of.project.pk)
    deployment_id = factory.LazyAttribute(lambda row: row.of.deployment_id)
    revision_id = factory.LazyAttribute(lambda row: row.of.pk)
    request_id = factory.LazyFunction(partial(new_id, "req"))
    key_id = "key_one"
    status = 200
    code = ""
    rows = 1
    total_ms = 2.0
    model_ms = 1.0
    cached = False
    weight = 1.0
    content_type = "application/json"
    input_bytes = 20
    output_bytes = 20
    input_digest = "00"
    input = {"rows": [{"a": 1.0}]}
    output = [{"prediction": 1.0}]


class PredictionExportFactory(DjangoModelFactory):
    class Meta:
        model = PredictionExport

    deployment = factory.SubFactory(DeploymentFactory)
    until = factory.LazyFunction(timezone.now)
    since = factory.LazyAttribute(lambda export: export.until - timedelta(days=1))
    created_by = factory.SubFactory(UserFactory)


class BatchPredictionFactory(DjangoModelFactory):
    """A batch that waits for a worker."""

    class Meta:
        model = BatchPrediction

    version = factory.SubFactory(ModelVersionFactory)
    digest = factory.SelfAttribute("version.tree_digest")
    dataset_version = factory.SubFactory(
        DatasetVersionFactory, dataset__project=factory.SelfAttribute("...version.project")
    )
    file_format = "csv"
    file_digest = factory.SelfAttribute("dataset_version.file_digest")
    size_bytes = 100
    chunk_rows = 1000
    created_by = factory.SubFactory(UserFactory)


class BatchChunkFactory(DjangoModelFactory):
    class Meta:
        model = BatchChunk

    batch = factory.SubFactory(BatchPredictionFactory)
    position = factory.LazyAttribute(lambda chunk: chunk.batch.chunks.count())
    first_row = factory.LazyAttribute(lambda chunk: 1000 * chunk.position)
    rows = 1000


def member(project: Project, role: Role | str = Role.ENGINEER, **person: Any) -> User:
    """A new person with a role in a project."""
    user: User = UserFactory(**person)
    MembershipFactory(project=project, user=user, role=role)
    return user


class ReceiptFactory(DjangoModelFactory):
    class Meta:
        model = PredictionReceipt

    project = factory.SubFactory(ProjectFactory)
    deployment = factory.LazyFunction(partial(new_id, "dep"))
    revision = factory.LazyFunction(partial(new_id, "rev"))
    model_id = "tides.forecast"
    version = 1
    digest = "d" * 64
    request_id = factory.LazyFunction(partial(new_id, "req"))
    principal = factory.LazyFunction(partial(new_id, "key"))
    input_digest = f"rows-jcs:{'1' * 64}"
    output_digest = f"outputs-jcs:{'2' * 64}"


def api_key(project: Project, *scopes: str, **fields: Any) -> tuple[ApiKey, str]:
    """A key of a new engineer of the project, and the secret that opens it."""
    secret = keys.new_secret()
    chosen = list(scopes) or [Scope.READ.value, Scope.WRITE.value]
    return ApiKeyFactory(project=project, secret=secret, scopes=chosen, **fields), secret


def client_of(user: User) -> APIClient:
    """A client of the API that is logged in as a person."""
    client = APIClient()
    client.force_authenticate(user)
    return client


def client_as(project: Project, role: Role | str = Role.ENGINEER) -> APIClient:
    """A client of the API for a new member of a project."""
    return client_of(member(project, role))
