"""Everything beyond the database: tracking server, stores, hubs, runner, keys."""

from pathlib import Path

from hokusai.runner.recipes import allowed as recipes
from hokusai.settings.environment import BASE_DIR, DATA_DIR, env

MLFLOW_TRACKING_URI = env.str("MLFLOW_TRACKING_URI", default="http://127.0.0.1:5000")
TRACKING = {
    "default": {
        "BACKEND": "hokusai.tracking.mlflow.MlflowTracking",
        "OPTIONS": {"uri": MLFLOW_TRACKING_URI, "timeout_s": 10.0},
    }
}
# How long a worker waits while another brings the same model in step with the tracking server.
SYNC_TURN_S = env.float("SYNC_TURN_S", default=20.0)
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
# Tables that batches are read from, while they are worked on; on the disk of the workers.
BATCH_FOLDER = Path(env.str("BATCH_FOLDER", default=str(DATA_DIR / "batches")))
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
# What may train, as name=package.Class,…; the runner reads the same variable and refuses the rest.
TRAINING_RECIPES = recipes.parse(env.str("TRAINING_RECIPES", default="")) or recipes.DEFAULT
# How long one child may fit coalitions, in seconds, and the memory it may hold, in bytes.
TRAINING_DEADLINE_S = env.float("TRAINING_DEADLINE_S", default=600.0)
TRAINING_MEMORY_BYTES = env.int("TRAINING_MEMORY_BYTES", default=2 * 1024**3)
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

# Where bearer tokens that are not ours are asked about (RFC 7662); empty: they are refused.
AUTH_SERVICE_URL = env.str("AUTH_SERVICE_URL", default="")
# What the platform itself is known by there, sent as a bearer token.
AUTH_SERVICE_TOKEN = env.str("AUTH_SERVICE_TOKEN", default="")
AUTH_SERVICE_TIMEOUT_S = env.float("AUTH_SERVICE_TIMEOUT_S", default=0.3)
# How long an answer holds, at most 60 s; and how much longer while the service is silent, at most
# 300 s, for reading and predicting alone.
AUTH_SERVICE_CACHE_S = env.float("AUTH_SERVICE_CACHE_S", default=60.0)
AUTH_SERVICE_STALE_S = env.float("AUTH_SERVICE_STALE_S", default=300.0)
# How many valid tokens a process keeps, and apart from them, how many that are not.
AUTH_SERVICE_CACHE_MAX = env.int("AUTH_SERVICE_CACHE_MAX", default=10_000)
AUTH_SERVICE_DENIED_MAX = env.int("AUTH_SERVICE_DENIED_MAX", default=10_000)
# Tokens that nobody knows which one address may bring per minute.
AUTH_SERVICE_ASKS_PER_MINUTE = env.int("AUTH_SERVICE_ASKS_PER_MINUTE", default=120)
# Requests per minute of whoever a token stands for.
AUTH_SERVICE_RATE_PER_MINUTE = env.int("AUTH_SERVICE_RATE_PER_MINUTE", default=6000)
# Secrets that its messages to hooks/auth are signed with; while one replaces another, both.
AUTH_SERVICE_HOOK_SECRETS = env.list("AUTH_SERVICE_HOOK_SECRETS", default=[])
