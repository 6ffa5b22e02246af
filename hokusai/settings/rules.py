"""What the apps ask of each other through hooks, and what a stage asks of a version."""

from typing import Any

from hokusai.settings.environment import env

# What comes along when a tracking server is taken over.
IMPORT_STEPS: list[str] = []
# Secrets that MLflow's webhooks are signed with; while one replaces another, both.
MLFLOW_WEBHOOK_SECRETS = env.list("MLFLOW_WEBHOOK_SECRETS", default=[])
TRAINING_SOURCES = ["contributions.sources.ContributionSource"]
PROMOTION_CHECKS = [
    "registry.checks.ArtifactVerified",
    "registry.checks.ScanReviewed",
    "registry.checks.CardComplete",
    "experiments.checks.BenchmarkPassed",
    "contributions.checks.Attested",
    "registry.checks.DependenciesResolvable",
    "registry.checks.LicenceAllowed",
    "registry.checks.SecurityLevelAllowed",
]
# What is asked before a version enters a stage, where its project states nothing else.
_DECIDERS = ["reviewer", "owner"]
PROMOTION_DEFAULTS: dict[str, dict[str, Any]] = {
    "development": {
        "blocking": [],
        "approvals": 1,
        "roles": _DECIDERS,
        "expires_after_h": None,
    },
    "staging": {
        "blocking": [
            "artifact_verified",
            "scan_reviewed",
            "benchmark_passed",
            "dependencies_resolvable",
        ],
        "approvals": 1,
        "roles": _DECIDERS,
        "expires_after_h": None,
    },
    "production": {
        "blocking": [
            "artifact_verified",
            "scan_reviewed",
            "card_complete",
            "benchmark_passed",
            "attested",
            "dependencies_resolvable",
            "licence_allowed",
            "security_level_allowed",
        ],
        "approvals": 1,
        "roles": _DECIDERS,
        "expires_after_h": None,
    },
    "archived": {"blocking": [], "approvals": 1, "roles": _DECIDERS, "expires_after_h": None},
}
# Artifacts up to this size are read while whoever promotes waits; larger ones by a worker, whose
# reading holds for so many hours.
PROMOTION_READ_BYTES = env.int("PROMOTION_READ_BYTES", default=256 * 1024 * 1024)
PROMOTION_READING_HOLDS_H = env.int("PROMOTION_READING_HOLDS_H", default=24)
# SPDX ids of licences under which a version may enter production.
ALLOWED_LICENCES = env.list(
    "ALLOWED_LICENCES",
    default=[
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MPL-2.0",
        "Unlicense",
    ],
)
# Days after which an attestation no longer counts and the measurement has to be made anew.
ATTESTATION_VALID_DAYS = env.int("ATTESTATION_VALID_DAYS", default=730)
PROMOTION_PARTIES = ["contributions.parties.Shareholders"]
# Metrics of benchmarks beside the shipped ones, by name: dotted paths of their classes.
BENCHMARK_METRICS: dict[str, str] = {}
# Who refers to what in the content store; the rest is swept.
CONTENT_REFERENCES = [
    "registry.content.RegistryContent",
    "experiments.content.OutcomeContent",
    "contributions.content.CreditContent",
    "deployments.batches.content.BatchContent",
    "deployments.prediction_log.exporting.ExportContent",
]
# How gains are attributed instead of by retraining, where that is too dear: knn-shapley/1 or
# row-weights/1, of which nothing is payable; empty: by retraining wherever the platform trained.
ATTRIBUTION_METHOD = env.str("ATTRIBUTION_METHOD", default="")
# Above ten persons: the most orders of joining, each with its mirror image, that are walked.
ATTRIBUTION_MAX_PAIRS = env.int("ATTRIBUTION_MAX_PAIRS", default=32)
DEPLOY_CHECKS = [
    "deployments.checks.ArtifactReady",
    "deployments.checks.StageReached",
    "deployments.checks.DigestStated",
]
DEPLOYMENT_PROVIDERS = {
    "local": {"BACKEND": "deployments.providers.local.LocalProvider"},
}
PREDICT_TIMEOUT_S = env.float("PREDICT_TIMEOUT_S", default=10.0)
# What one prediction may ask for at once; larger inputs are for batches.
PREDICT_MAX_ROWS = env.int("PREDICT_MAX_ROWS", default=100_000)
PREDICT_MAX_CELLS = env.int("PREDICT_MAX_CELLS", default=4_000_000)
SERVE_TIMEOUT_S = env.float("SERVE_TIMEOUT_S", default=120.0)
# What the process of a new deployment's model may hold, and the most that one may be given.
SERVING_MEMORY_BYTES = env.int("SERVING_MEMORY_BYTES", default=1024**3)
SERVING_MEMORY_MAX_BYTES = env.int("SERVING_MEMORY_MAX_BYTES", default=16 * 1024**3)
# Predictions for whole tables: rows of a part, parts of one batch that are worked on at a time,
# the largest table, how long its outputs are kept.
BATCH_CHUNK_ROWS = env.int("BATCH_CHUNK_ROWS", default=262_144)
BATCH_PARALLEL = env.int("BATCH_PARALLEL", default=4)
BATCH_MAX_ROWS = env.int("BATCH_MAX_ROWS", default=20_000_000)
BATCH_MAX_CELLS = env.int("BATCH_MAX_CELLS", default=100_000_000)
BATCH_READ_BYTES = env.int("BATCH_READ_BYTES", default=2 * 1024**3)
BATCH_DEADLINE_S = env.float("BATCH_DEADLINE_S", default=120.0)
BATCH_KEPT_DAYS = env.int("BATCH_KEPT_DAYS", default=30)
# Answered before any other middleware when called with an API key.
HOT_ROUTES = [
    "registry.api.hot.VersionRoute",
    "registry.api.hot.SearchRoute",
    "registry.api.hot.ModelVersionsRoute",
    "registry.api.hot_registration.RegisterRoute",
    "deployments.api.hot.PredictRoute",
    "deployments.api.hot.DeploymentPredictRoute",
]
# Who knows which models a project has, for keys that are made for some of them alone.
MODEL_NAMES = "registry.model_names.RegisteredModels"
HOT_LOG_SAMPLE = env.float("HOT_LOG_SAMPLE", default=0.01)

# Where mail is handed over, as smtp+tls://user:password@host:587; without it nothing is mailed.
_MAIL = env.email_url("EMAIL_URL", default="dummymail://")
EMAIL_BACKEND = _MAIL["EMAIL_BACKEND"]
EMAIL_HOST = _MAIL["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _MAIL["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _MAIL["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _MAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _MAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _MAIL["EMAIL_FILE_PATH"] or None
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Hokusai <hokusai@localhost>")
# Whether webhooks may lead to this machine and to private networks; link-local never.
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=False)
WEBHOOK_TIMEOUT_S = env.float("WEBHOOK_TIMEOUT_S", default=10.0)
# A webhook at which nothing arrived for so long is switched off.
WEBHOOK_GIVE_UP_DAYS = env.float("WEBHOOK_GIVE_UP_DAYS", default=5.0)
