"""The transparency log: its name, where its checkpoints go, who cosigns them."""

from hokusai.settings.environment import env

# What checkpoints name the log by; empty: made from HOKUSAI_INSTANCE and HOKUSAI_ENVIRONMENT.
LOG_ORIGIN = env.str("LOG_ORIGIN", default="")
# A path, or s3://bucket/key; another account than the database's.
CHECKPOINT_PUBLISH = env.str("CHECKPOINT_PUBLISH", default="")
CHECKPOINT_BUCKET = {
    "endpoint_url": env.str("CHECKPOINT_ENDPOINT_URL", default=""),
    "region": env.str("CHECKPOINT_REGION", default=""),
    "access_key": env.str("CHECKPOINT_ACCESS_KEY", default=""),
    "secret_key": env.str("CHECKPOINT_SECRET_KEY", default=""),
    "timeout_s": env.float("CHECKPOINT_TIMEOUT_S", default=10.0),
}
# Who cosigns: objects with a `url` and a `key`, stated as name+hash+base64.
WITNESSES = env.json("WITNESSES", default=[])
# How many of them must have cosigned a checkpoint before it is relied on.
WITNESS_THRESHOLD = env.int("WITNESS_THRESHOLD", default=0)
WITNESS_TIMEOUT_S = env.float("WITNESS_TIMEOUT_S", default=5.0)
