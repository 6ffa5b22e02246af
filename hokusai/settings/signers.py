"""Where the signer's private keys are kept; in every other process all of this is empty."""

from typing import Any

from hokusai.settings.environment import env

SIGNING_KEY_FILE = env.str("SIGNING_KEY_FILE", default="")
LOG_KEY_FILE = env.str("LOG_KEY_FILE", default="")
CHAIN_KEY_FILE = env.str("CHAIN_KEY_FILE", default="")
_KMS = {
    "region": env.str("KMS_REGION", default=""),
    "endpoint_url": env.str("KMS_ENDPOINT_URL", default=""),
    "timeout_s": env.float("KMS_TIMEOUT_S", default=10.0),
}


def _keeper(file: str, variable: str, pem: str, kms_key: str) -> dict[str, Any]:
    """A key service before a variable before a file; {} where none is named."""
    if kms_key:
        options = {"key": kms_key, **_KMS}
        return {"BACKEND": "hokusai.signers.backends.kms.KmsKey", "OPTIONS": options}
    if pem:
        # The name alone: settings are shown on pages and in logs, variables are not.
        options = {"variable": variable}
        return {"BACKEND": "hokusai.signers.backends.pem.EnvironmentKey", "OPTIONS": options}
    if file:
        return {"BACKEND": "hokusai.signers.backends.pem.FileKey", "OPTIONS": {"path": file}}
    return {}


_STATED = {
    "attestation": _keeper(
        SIGNING_KEY_FILE,
        "SIGNING_KEY_PEM",
        env.str("SIGNING_KEY_PEM", default=""),
        env.str("SIGNING_KEY_KMS", default=""),
    ),
    "log": _keeper(
        LOG_KEY_FILE,
        "LOG_KEY_PEM",
        env.str("LOG_KEY_PEM", default=""),
        env.str("LOG_KEY_KMS", default=""),
    ),
    "chain": _keeper(
        CHAIN_KEY_FILE,
        "CHAIN_KEY_PEM",
        env.str("CHAIN_KEY_PEM", default=""),
        env.str("CHAIN_KEY_KMS", default=""),
    ),
    # Further keys of a purpose: {"attestation:second": {"BACKEND": …, "OPTIONS": {…}}}.
    **env.json("MORE_SIGNERS", default={}),
}
SIGNERS: dict[str, dict[str, Any]] = {name: given for name, given in _STATED.items() if given}
# How long a key and the one that replaces it are both valid.
KEY_OVERLAP_H = env.float("KEY_OVERLAP_H", default=168.0)
# Who knows what keys signed, and where in the log it is.
SIGNATURE_LOG = "hokusai.transparency.signed.SignedRecords"
# The chain that signatures are for, and the contract that reads them; without one they carry a
# salt of this instance and prove nothing elsewhere.
CHAIN_ID = env.int("CHAIN_ID", default=1)
CHAIN_CONTRACT = env.str("CHAIN_CONTRACT", default="")
