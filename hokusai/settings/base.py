"""Settings shared by every environment; what differs between machines comes from outside."""

from datetime import timedelta

import structlog

from hokusai.settings.console import (  # noqa: F401
    CONSOLE_PAGES,
    CONSOLE_PANELS,
    MODEL_ACTIONS,
    MODEL_PANELS,
    UNFOLD,
    VERSION_ACTIONS,
    VERSION_PANELS,
)
from hokusai.settings.environment import BASE_DIR, REDIS_URL, env
from hokusai.settings.outside import *  # noqa: F403
from hokusai.settings.rules import *  # noqa: F403
from hokusai.settings.signers import *  # noqa: F403
from hokusai.settings.transparency import *  # noqa: F403
from hokusai.settings.work import *  # noqa: F403

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
    "hokusai.signers",
    "hokusai.transparency",
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
APPEND_ONLY_TABLES = [
    "core_event",
    "registry_stagechange",
    "registry_promotionapproval",
    "experiments_attempt",
    "transparency_logrecord",
    "transparency_logleaf",
    "transparency_lognode",
    "transparency_eventbatch",
    "transparency_sealedevent",
    "transparency_checkpoint",
    "transparency_cosignature",
    "deployments_predictionlog",
]
# What the runtime role may let the owner of the tables do for it.
RUNTIME_FUNCTIONS = ["deployments_keep_predictionlog(integer, integer)"]
# Whose rows change and are never deleted.
KEPT_TABLES = ["signers_signingkey", "deployments_predictionreceipt"]

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
        "hokusai.web.authentication.ExternalAuthentication",
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
