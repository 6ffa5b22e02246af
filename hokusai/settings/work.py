"""What workers do: Celery, the schedule, kinds of jobs, who hears of which event."""

from hokusai.settings.environment import DATA_DIR, REDIS_URL, env

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 5,
    # A web request that rings waits for no broker: the sweep rings again.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
SWEEP_S = env.float("SWEEP_S", default=10.0)
# For how many days a prediction stays in the log.
PREDICTION_LOG_DAYS = env.int("PREDICTION_LOG_DAYS", default=30)
# Rows or outputs that are larger are logged by size and digest alone.
PREDICTION_LOG_PAYLOAD_BYTES = env.int("PREDICTION_LOG_PAYLOAD_BYTES", default=65_536)
# Where logged predictions wait on disk for PostgreSQL, where a deployment must lose none.
PREDICTION_SPOOL = env.str("PREDICTION_SPOOL", default=str(DATA_DIR / "predictions"))
# Whether processes that answer write the log: a test does it when it wants to.
PREDICTION_LOG_WRITER = True
SERVING_LOOK_S = env.float("SERVING_LOOK_S", default=5.0)
LOG_SEQUENCE_S = env.float("LOG_SEQUENCE_S", default=1.0)
CHECKPOINT_S = env.float("CHECKPOINT_S", default=10.0)
RECEIPT_S = env.float("RECEIPT_S", default=2.0)
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "core.sweep", "schedule": SWEEP_S, "options": {"expires": SWEEP_S}},
    # Seals events, and gives records their place in the transparency log.
    "sequence-log": {
        "task": "transparency.sequence",
        "schedule": LOG_SEQUENCE_S,
        "options": {"expires": 5.0},
    },
    # In the signer's process; where nothing grew it does nothing.
    "sign-checkpoint": {
        "task": "transparency.sign_checkpoint",
        "schedule": CHECKPOINT_S,
        "options": {"queue": "signing", "expires": CHECKPOINT_S},
    },
    # In the signer's process; where no receipt waits it does nothing.
    "sign-receipts": {
        "task": "deployments.sign_receipts",
        "schedule": RECEIPT_S,
        "options": {"queue": "signing", "expires": RECEIPT_S},
    },
    # Rung for by each checkpoint; this is for witnesses and stores that did not answer then.
    "publish-checkpoint": {
        "task": "transparency.publish",
        "schedule": 3 * CHECKPOINT_S,
        "options": {"expires": CHECKPOINT_S},
    },
    "sweep-messages": {
        "task": "notify.sweep",
        "schedule": SWEEP_S,
        "options": {"expires": SWEEP_S},
    },
    "abort-expired-uploads": {"task": "registry.abort_expired_uploads", "schedule": 3600.0},
    "forget-idempotency-keys": {"task": "web.forget_idempotency_keys", "schedule": 3600.0},
    "reconcile-tracking": {
        "task": "registry.reconcile_tracking",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "sweep-tracking": {
        "task": "registry.sweep_tracking",
        "schedule": 1800.0,
        "options": {"expires": 1800.0},
    },
    "forget-tracking": {"task": "registry.forget_tracking", "schedule": 3600.0},
    "pull-runs": {
        "task": "experiments.pull_runs",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "sweep-runs": {
        "task": "experiments.sweep_runs",
        "schedule": 1800.0,
        "options": {"expires": 1800.0},
    },
    "expire-promotions": {
        "task": "registry.expire_promotions",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "keep-prediction-log": {"task": "deployments.keep_prediction_log", "schedule": 3600.0},
    "watch-revisions": {
        "task": "deployments.watch_revisions",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    # What the pages of serving show of processes.
    "look-at-providers": {
        "task": "deployments.look_at_providers",
        "schedule": SERVING_LOOK_S,
        "options": {"expires": SERVING_LOOK_S},
    },
    "tend-batches": {
        "task": "deployments.tend_batches",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
}

LEASE_S = env.float("LEASE_S", default=60.0)
RETRY_BASE_S = env.float("RETRY_BASE_S", default=2.0)
JOBS = {
    "artifact_copy": {
        "handler": "registry.artifacts.copy_artifact",
        "on_failure": "registry.artifacts.copy_failed",
    },
    "artifact_verification": {"handler": "registry.verification.verify_artifact"},
    "onnx_conversion": {
        "handler": "registry.conversion.convert_version",
        "on_failure": "registry.conversion.conversion_failed",
    },
    "artifact_signature": {
        "handler": "registry.signing.sign_artifact",
        "queue": "signing",
    },
    "upload_removal": {
        "handler": "registry.removal.remove_upload",
    },
    "mlflow_reconcile": {"handler": "registry.pull.reconcile"},
    "mlflow_sweep": {"handler": "registry.pull.sweep"},
    "mlflow_refetch": {"handler": "registry.pull.refetch"},
    "mlflow_import": {
        "handler": "registry.tracking_import.take_over",
        "on_failure": "registry.tracking_import.import_failed",
    },
    "dataset_intake": {
        "handler": "registry.intake.take_in",
        "on_failure": "registry.intake.intake_failed",
    },
    "contribution_intake": {
        "handler": "contributions.intake.take_in",
        "on_failure": "contributions.intake.intake_failed",
    },
    "comparison": {
        "handler": "experiments.evaluation.compare",
        "on_failure": "experiments.evaluation.comparison_failed",
    },
    "confirmation": {
        "handler": "experiments.confirmation.confirm_acceptance",
        "on_failure": "experiments.confirmation.confirmation_failed",
    },
    "training": {
        "handler": "experiments.trainings.train",
        "on_failure": "experiments.trainings.training_failed",
    },
    "cumulative_gain": {"handler": "experiments.cumulative.measure_gain"},
    "run_sweep": {"handler": "experiments.runs.sweep"},
    "run_history": {"handler": "experiments.histories.fetch"},
    "attribution": {
        "handler": "contributions.attribution.attribute",
        "on_failure": "contributions.attribution.attribution_failed",
    },
    "coalitions": {
        "handler": "contributions.attribution.evaluate_coalitions",
        "on_failure": "contributions.attribution.coalitions_failed",
    },
    "attestation": {
        "handler": "contributions.signing.attest",
        "on_failure": "contributions.signing.attestation_refused",
        "queue": "signing",
    },
    "revocation": {
        "handler": "contributions.revocations.revoke",
        "on_failure": "contributions.revocations.revocation_refused",
        "queue": "signing",
    },
    "key_rotation": {
        "handler": "hokusai.signers.rotation.rotate",
        "queue": "signing",
    },
    "log_audit": {"handler": "hokusai.transparency.auditing.run_audit"},
    "batch_prediction": {
        "handler": "deployments.batches.planning.go_on",
        "on_failure": "deployments.batches.planning.batch_failed",
    },
    "batch_chunk": {
        "handler": "deployments.batches.predicting.predict_chunk",
        "on_failure": "deployments.batches.predicting.chunk_failed",
    },
    "prediction_export": {"handler": "deployments.prediction_log.exporting.export_predictions"},
    "rollout": {
        "handler": "deployments.rollout.roll_out",
        "on_failure": "deployments.rollout.rollout_failed",
    },
}
EVENT_SUBSCRIBERS = [
    "registry.receivers.MlflowPush",
    "experiments.receivers.CompareTrained",
    "experiments.receivers.MeasureCumulativeGain",
    "contributions.receivers.CheckContribution",
    "contributions.receivers.MarkUsed",
    "contributions.receivers.CreditImprovement",
    "contributions.receivers.IssueStatusList",
    "contributions.receivers.SumCredit",
    "hokusai.transparency.receivers.LogKeyEvents",
    "hokusai.web.receivers.ForgetRevokedKeys",
    "hokusai.web.receivers.ForgetRemovedMembers",
    "hokusai.notify.receivers.TellMembers",
]
