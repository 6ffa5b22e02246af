"""Production: nothing is guessed. What is missing is named, all of it at once, at start."""

from django.core.exceptions import ImproperlyConfigured

from hokusai.settings.base import *  # noqa: F403

_REQUIRED = (
    "SECRET_KEY",
    "API_KEY_PEPPER",
    "DATABASE_URL",
    "REDIS_URL",
    "MLFLOW_TRACKING_URI",
    "ALLOWED_HOSTS",
    "HOKUSAI_BASE_URL",
    "HOKUSAI_INSTANCE",
    "CONTENT_STORE_ROOT",
    "RUNNER_SOCKET",
)
_missing = [name for name in _REQUIRED if not env.str(name, default="")]  # noqa: F405
if _missing:
    raise ImproperlyConfigured(f"Set these in the environment: {', '.join(_missing)}.")

ENVIRONMENT_NAME = env.str("HOKUSAI_ENVIRONMENT", default="production")  # noqa: F405
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)  # noqa: F405
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/", r"^api/v1/metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)  # noqa: F405
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
WHITENOISE_USE_FINDERS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
