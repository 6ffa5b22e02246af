"""The environment of Hokusai's own processes: which parts come from outside, and who may know
what."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hokusai.embedded import keys
from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.folder import DataFolder
from hokusai.embedded.ports import LOOPBACK
from hokusai.embedded.programs import (
    PROJECT_ROOT,
    loopback_without_proxy,
    minimal_environment,
)

OUTSIDE = {"postgres": "DATABASE_URL", "redis": "REDIS_URL", "mlflow": "MLFLOW_TRACKING_URI"}
OWNER_URL = "DATABASE_OWNER_URL"
MODEL_SIGNING_KEY_FILE = "MODEL_SIGNING_KEY_FILE"
MODEL_SIGNING_PUBLIC_KEY_FILE = "MODEL_SIGNING_PUBLIC_KEY_FILE"
# Where the signer's keys are: each a file, or the key itself, or a key of AWS KMS.
SIGNER_KEYS = {
    "SIGNING_KEY": keys.signing_key,
    "LOG_KEY": keys.log_key,
    "CHAIN_KEY": keys.chain_key,
}
KEEPERS = ("FILE", "PEM", "KMS")
SIGNER_VARIABLES = {f"{name}_{keeper}" for name in SIGNER_KEYS for keeper in KEEPERS}
# Handed to single processes only, never inherited by all.
RESERVED = {OWNER_URL, MODEL_SIGNING_KEY_FILE, "MORE_SIGNERS", *SIGNER_VARIABLES}
SOCKET_PATH_MAX = 100


@dataclass(frozen=True)
class Addresses:
    """Where the parts of one stack are found."""

    database_url: str
    owner_url: str
    redis_url: str
    tracking_uri: str
    base_url: str
    # Empty: no store process, and a local store gives no links.
    store_url: str = ""


def outside_parts(environ: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    """Return the variables that name parts run by somebody else, from the environment or `.env`."""
    written = read_dotenv(dotenv)
    names = (*OUTSIDE.values(), OWNER_URL)
    found = {name: environ.get(name) or written.get(name, "") for name in names}
    return {name: value for name, value in found.items() if value}


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the `NAME=value` lines of a file; quotes around a value and `export` are dropped."""
    if not path.exists():
        return {}
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("\"'")
    return values


def training_recipes() -> str:
    """Return what may train, from the environment or `.env`; empty for the recipes that ship."""
    name = "TRAINING_RECIPES"
    return os.environ.get(name) or read_dotenv(PROJECT_ROOT / ".env").get(name, "")


def shared_environment(folder: DataFolder, addresses: Addresses) -> dict[str, str]:
    """Return what web, workers and schedule share: the caller's environment and the stack's own."""
    inherited = {name: value for name, value in os.environ.items() if name not in RESERVED}
    return {**inherited, **stack_variables(folder, addresses), "HOME": str(folder.root / "home")}


def stack_variables(folder: DataFolder, addresses: Addresses) -> dict[str, str]:
    """Return the variables of the stack alone; secrets that the caller sets win over ours."""
    given = {**read_dotenv(PROJECT_ROOT / ".env"), **os.environ}
    return {
        "DJANGO_SETTINGS_MODULE": "hokusai.settings.local",
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "MLFLOW_TRACKING_URI": addresses.tracking_uri,
        "SECRET_KEY": given.get("SECRET_KEY") or folder.secret("secret_key"),
        "API_KEY_PEPPER": given.get("API_KEY_PEPPER") or folder.secret("api_key_pepper"),
        "CONTENT_STORE_ROOT": str(folder.root / "store"),
        "STORE_URL": addresses.store_url,
        "STORE_URL_SECRET": given.get("STORE_URL_SECRET") or folder.secret("store_url_secret"),
        MODEL_SIGNING_PUBLIC_KEY_FILE: given.get(MODEL_SIGNING_PUBLIC_KEY_FILE)
        or str(keys.published(folder, model_signing_key(folder))),
        "RUNNER_SOCKET": runner_socket(folder),
        "HOKUSAI_DATA_DIR": str(folder.root),
        "HOKUSAI_BASE_URL": addresses.base_url,
        "PYTHONUNBUFFERED": "1",
        **loopback_without_proxy(os.environ),
    }


def store_environment(folder: DataFolder, addresses: Addresses) -> dict[str, str]:
    """Return the environment of the store process: its folder, its secret, and no other."""
    variables = stack_variables(folder, addresses)
    origins = {addresses.base_url, addresses.base_url.replace(LOOPBACK, "localhost")}
    return {
        **minimal_environment(folder.root / "home"),
        "STORE_ROOT": variables["CONTENT_STORE_ROOT"],
        "STORE_URL_SECRET": variables["STORE_URL_SECRET"],
        "STORE_ORIGINS": ",".join(sorted(origins)),
    }


def owner_environment(folder: DataFolder, addresses: Addresses) -> dict[str, str]:
    """Return the environment of migrations: the only one with the owner's role."""
    return {
        **shared_environment(folder, addresses),
        "DATABASE_URL": addresses.owner_url,
        OWNER_URL: addresses.owner_url,
    }


def signer_environment(folder: DataFolder, addresses: Addresses) -> dict[str, str]:
    """Return the environment of the signing worker: the only one that knows where the keys are."""
    return {
        **shared_environment(folder, addresses),
        **signer_keys(folder),
        MODEL_SIGNING_KEY_FILE: str(model_signing_key(folder)),
    }


def signer_keys(folder: DataFolder) -> dict[str, str]:
    """Return where the signer's keys are: as the caller says, else this instance's own files."""
    given = {
        name: value
        for name, value in os.environ.items()
        if name in SIGNER_VARIABLES | {"MORE_SIGNERS"} and value
    }
    for name, make in SIGNER_KEYS.items():
        if not any(f"{name}_{keeper}" in given for keeper in KEEPERS):
            given[f"{name}_FILE"] = str(make(folder))
    return given


def model_signing_key(folder: DataFolder) -> Path:
    """Return the path of the private key for models: the caller's, or this instance's own."""
    given = os.environ.get(MODEL_SIGNING_KEY_FILE)
    return Path(given) if given else keys.model_signing_key(folder)


def runner_socket(folder: DataFolder) -> str:
    """Return the runner's socket; relative to the project where the path would be too long.

    Raises:
        EmbeddedError: a folder elsewhere whose path leaves no room for a socket's name.
    """
    path = folder.root / "run" / "runner" / "runner.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
        return str(path)
    if path.is_relative_to(PROJECT_ROOT):
        return str(path.relative_to(PROJECT_ROOT))
    raise EmbeddedError(f"{folder.root} is too long for a socket; set HOKUSAI_DATA_DIR.")
