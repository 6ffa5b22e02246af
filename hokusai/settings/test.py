"""The suite: real PostgreSQL, Redis and MLflow, whose addresses come from tests/conftest.py."""

import os

from hokusai.settings.base import *  # noqa: F403

SECRET_KEY = "of-the-suite-alone-and-long-enough-for-jwt"  # noqa: S105
API_KEY_PEPPER = "of-the-suite-alone"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ.get("TEST_TEMPLATE")}  # noqa: F405
RATE_LIMIT = "100000/m"
RATE_LIMIT_ANONYMOUS = "100000/m"
TRACKING = {"default": {"BACKEND": "hokusai.tracking.memory.MemoryTracking"}}
CONTENT_STORES = {"default": {"BACKEND": "hokusai.storage.memory.MemoryStore"}}
UPLOAD_STORES = {"default": {"BACKEND": "hokusai.storage.multipart.memory.MemoryUploads"}}
DEPLOYMENT_PROVIDERS = {"local": {"BACKEND": "deployments.providers.memory.MemoryProvider"}}
WEBHOOK_ALLOW_PRIVATE = True
PREDICTION_LOG_WRITER = False
SYNC_TURN_S = 0.2
