"""Settings shared by every environment; what differs between machines comes from outside."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
import structlog

from hokusai.settings.console import (  # noqa: F401
    CONSOLE_PAGES,
    CONSOLE_PANELS,
    MODEL_PANELS,
    UNFOLD,
    VERSION_ACTIONS,
    VERSION_PANELS,
)

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")

SECRET_KEY = env.str("SECRET_KEY", default="")
API_KEY_PEPPER = env.str("API_KEY_PEPPER", default="")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
BASE_URL = env.str("HOKUSAI_BASE_URL", default="http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "hokusai.console.apps.ConsoleConfig",
    "hokusai.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_structlog",
    "django_prometheus",
    "django_celery_beat",
    "hokusai.core",
    "hokusai.accounts",
    "hokusai.notify",
    "hokusai.web",
    "registry",
    "experiments",
    "contributions",
    "deployments",
    "hokusai.demo",
]
MIDDLEWARE = [
    "hokusai.web.hot.HotPathMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "hokusai.web.request_ids.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "hokusai.urls"
WSGI_APPLICATION = "hokusai.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": env.db_url("DATABASE_URL", default="postgres://hokusai_app@127.0.0.1:54329/hokusai")
}
DATABASES["default"].update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=False)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Whose rows are history: the runtime role may insert and read them, nothing else.
APPEND_ONLY_TABLES = ["core_event", "registry_stagechange", "registry_promotionapproval"]

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:63799/0")
REDIS_TIMEOUT_S = 0.1
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "socket_timeout": REDIS_TIMEOUT_S,
            "socket_connect_timeout": REDIS_TIMEOUT_S,
        },
        "KEY_PREFIX": "hokusai",
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "hokusai.accounts.permissions.ProjectBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/contribute/"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
# A table of 100,000 rows of 64 numbers; larger ones come by presigned upload.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
MAX_TABLE_BYTES = 64 * 1024 * 1024
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "hokusai.web.authentication.ApiKeyAuthentication",
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["hokusai.web.permissions.DenyAll"],
    "DEFAULT_RENDERER_CLASSES": ["hokusai.web.renderers.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "hokusai.web.parsers.OrjsonParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "hokusai.web.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "hokusai.api.errors.exception_handler",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hokusai",
    "DESCRIPTION": "Models that get better in the open: registry, benchmarks, credit, serving.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "USER_ID_FIELD": "public_id",
}
# Requests per minute, per key or person, for ordinary endpoints; keys carry their own for hot ones.
RATE_LIMIT = env.str("RATE_LIMIT", default="1200/m")
RATE_LIMIT_ANONYMOUS = env.str("RATE_LIMIT_ANONYMOUS", default="120/m")
RATE_LIMIT_LOGIN = env.str("RATE_LIMIT_LOGIN", default="20/m")
# Whoever scrapes metrics sends it as a bearer; empty means that only staff may read them.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
RATELIMIT_USE_CACHE = "default"
RATELIMIT_FAIL_OPEN = True
# The checks cannot see that the cache is Redis, whose counters are shared and atomic.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001"]

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
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "core.sweep", "schedule": SWEEP_S, "options": {"expires": SWEEP_S}},
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
    "watch-revisions": {
        "task": "deployments.watch_revisions",
        "schedule": 30.0,
        "options": {"expires": 30.0},
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
    "run_sweep": {"handler": "experiments.runs.sweep"},
    "run_history": {"handler": "experiments.histories.fetch"},
    "attestation": {
        "handler": "contributions.signing.attest",
        "queue": "signing",
    },
    "rollout": {
        "handler": "deployments.rollout.roll_out",
        "on_failure": "deployments.rollout.rollout_failed",
    },
}
EVENT_SUBSCRIBERS = [
    "registry.receivers.MlflowPush",
    "contributions.receivers.CheckContribution",
    "contributions.receivers.MarkUsed",
    "contributions.receivers.CreditImprovement",
    "hokusai.web.receivers.ForgetRevokedKeys",
    "hokusai.notify.receivers.TellMembers",
]
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
PROMOTION_PARTIES = ["contributions.parties.Shareholders"]
# Who refers to what in the content store; the rest is swept.
CONTENT_REFERENCES = ["registry.content.RegistryContent", "experiments.content.OutcomeContent"]
DEPLOY_CHECKS = ["deployments.checks.ArtifactReady"]
DEPLOYMENT_PROVIDERS = {
    "local": {"BACKEND": "deployments.providers.local.LocalProvider"},
}
PREDICT_TIMEOUT_S = env.float("PREDICT_TIMEOUT_S", default=10.0)
SERVE_TIMEOUT_S = env.float("SERVE_TIMEOUT_S", default=120.0)
SERVING_MEMORY_BYTES = env.int("SERVING_MEMORY_BYTES", default=1024**3)
# Answered before any other middleware when called with an API key.
HOT_ROUTES = [
    "registry.api.hot.VersionRoute",
    "registry.api.hot.SearchRoute",
    "registry.api.hot.ModelVersionsRoute",
    "registry.api.hot_registration.RegisterRoute",
    "deployments.api.hot.PredictRoute",
]
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

MLFLOW_TRACKING_URI = env.str("MLFLOW_TRACKING_URI", default="http://127.0.0.1:5000")
TRACKING = {
    "default": {
        "BACKEND": "hokusai.tracking.mlflow.MlflowTracking",
        "OPTIONS": {"uri": MLFLOW_TRACKING_URI, "timeout_s": 10.0},
    }
}
# How long a worker waits while another brings the same model in step with the tracking server.
SYNC_TURN_S = env.float("SYNC_TURN_S", default=20.0)
DATA_DIR = Path(env.str("HOKUSAI_DATA_DIR", default=str(BASE_DIR / ".hokusai")))
CONTENT_STORE_ROOT = env.str("CONTENT_STORE_ROOT", default=str(DATA_DIR / "store"))
# Where links to a local store lead: the store process, which knows the same secret.
STORE_URL = env.str("STORE_URL", default="")
STORE_URL_SECRET = env.str("STORE_URL_SECRET", default="")
_LINKED = {"root": CONTENT_STORE_ROOT, "url": STORE_URL, "secret": STORE_URL_SECRET}
CONTENT_STORES = {
    "default": {"BACKEND": "hokusai.storage.local.LocalStore", "OPTIONS": _LINKED},
}
UPLOAD_STORES = {
    "default": {"BACKEND": "hokusai.storage.multipart.local.LocalUploads", "OPTIONS": _LINKED},
}
_BUCKET = {
    "name": env.str("CONTENT_STORE_BUCKET", default=""),
    "endpoint_url": env.str("CONTENT_STORE_ENDPOINT_URL", default=""),
    "public_url": env.str("CONTENT_STORE_PUBLIC_URL", default=""),
    "region": env.str("CONTENT_STORE_REGION", default=""),
    "access_key": env.str("CONTENT_STORE_ACCESS_KEY", default=""),
    "secret_key": env.str("CONTENT_STORE_SECRET_KEY", default=""),
    "timeout_s": env.float("CONTENT_STORE_TIMEOUT_S", default=10.0),
}
if _BUCKET["name"]:
    CONTENT_STORES["default"] = {
        "BACKEND": "hokusai.storage.s3.S3Store",
        "OPTIONS": {"root": CONTENT_STORE_ROOT, **_BUCKET},
    }
    UPLOAD_STORES["default"] = {
        "BACKEND": "hokusai.storage.multipart.s3.S3Uploads",
        "OPTIONS": _BUCKET,
    }
# A copy continues here after a worker died; on the disk of the workers.
ARTIFACT_STAGING = Path(env.str("ARTIFACT_STAGING", default=str(DATA_DIR / "staging")))
MAX_ARTIFACT_BYTES = env.int("MAX_ARTIFACT_BYTES", default=50 * 1024**3)
UPLOAD_LIFETIME_H = env.int("UPLOAD_LIFETIME_H", default=24)
# How long a link for sending a part works, and one to a stored file.
UPLOAD_LINK_S = env.int("UPLOAD_LINK_S", default=3600)
DOWNLOAD_LINK_S = env.int("DOWNLOAD_LINK_S", default=900)
MODEL_HUBS = {
    "default": {
        "BACKEND": "registry.providers.huggingface.HuggingFaceHub",
        "OPTIONS": {
            "endpoint": env.str("HF_ENDPOINT", default="https://huggingface.co"),
            "token": env.str("HF_TOKEN", default=""),
        },
    }
}
RUNNER_SOCKET = env.str("RUNNER_SOCKET", default=str(DATA_DIR / "run/runner/runner.sock"))
EVALUATION_DEADLINE_S = env.float("EVALUATION_DEADLINE_S", default=120.0)
EVALUATION_MEMORY_BYTES = env.int("EVALUATION_MEMORY_BYTES", default=1024**3)
# Only the signer's environment names the key; web and the other workers run without it.
SIGNING_KEY_FILE = env.str("SIGNING_KEY_FILE", default="")
# Models are signed with a key of their own, on P-256: OpenSSF model signing knows no Ed25519.
MODEL_SIGNING_KEY_FILE = env.str("MODEL_SIGNING_KEY_FILE", default="")
# Its public half, which everybody may know; former ones may follow in the same file.
MODEL_SIGNING_PUBLIC_KEY_FILE = env.str("MODEL_SIGNING_PUBLIC_KEY_FILE", default="")
# Whose signatures count beside the platform's: {"name": "public key as PEM"}.
MODEL_SIGNING_TRUSTED_KEYS = env.json("MODEL_SIGNING_TRUSTED_KEYS", default={})
INSTANCE_NAME = env.str("HOKUSAI_INSTANCE", default="local")
ENVIRONMENT_NAME = env.str("HOKUSAI_ENVIRONMENT", default="development")
CODE_REVISION = env.str("HOKUSAI_REVISION", default="")
LOCK_FILE = BASE_DIR / "requirements" / "ml.txt"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
