"""What the files of a version say of it; parsed here, loaded only by the runner."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from hokusai.storage.trees import check_folder
from registry.algorithms import cards
from registry.algorithms.identity import IdentityRefused, identity_of
from registry.algorithms.mlmodel import ModelDescription, describe
from registry.algorithms.requirements import read_requirements
from registry.algorithms.scanning import ScanReport, scan
from registry.exceptions import ArtifactRefused

MLMODEL = "MLmodel"
CARD = "README.md"
# Files by which a format is known where no MLmodel states it, best first.
BY_FILE = (
    ("*.onnx", "onnx"),
    ("*.skops", "skops"),
    ("config.json", "transformers"),
    ("*.safetensors", "safetensors"),
)
MAX_MLMODEL_BYTES = 1024 * 1024
MAX_EXAMPLE_BYTES = 64 * 1024
MAX_CARD_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that is known of an artifact without loading it."""

    description: ModelDescription
    identity: str
    requirements: list[dict[str, str]]
    input_example: Any
    card: str
    scan: ScanReport


def inspect(files: Path) -> Inspection:
    """Read a folder of files. Raises ArtifactRefused, or TreeRefused for links and paths."""
    check_folder(files)
    return Inspection(
        description=_describe(files),
        identity=_identity(files),
        requirements=read_requirements(files).as_list(),
        input_example=_example(files),
        card=_card(files),
        scan=scan(files),
    )


def _identity(files: Path) -> str:
    try:
        return identity_of(files)
    except IdentityRefused as error:
        raise ArtifactRefused(str(error)) from error


def _describe(files: Path) -> ModelDescription:
    if not (files / MLMODEL).exists():
        return ModelDescription(flavor=_flavor_by_file(files))
    try:
        return describe(yaml.safe_load(_read(files / MLMODEL)))
    except (IsADirectoryError, NotADirectoryError) as error:
        raise ArtifactRefused("MLmodel is no file.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ArtifactRefused(f"The MLmodel file cannot be read: {error}") from error


def _flavor_by_file(files: Path) -> str:
    for pattern, flavor in BY_FILE:
        if next(files.glob(pattern), None) is not None:
            return flavor
    raise ArtifactRefused(
        "The artifact holds no MLmodel file, and none by which its format is known "
        "(*.onnx, *.skops, config.json, *.safetensors); log it with MLflow."
    )


def _read(path: Path) -> str:
    if path.stat().st_size > MAX_MLMODEL_BYTES:
        raise ArtifactRefused(f"The MLmodel file is larger than {MAX_MLMODEL_BYTES} bytes.")
    return path.read_text(encoding="utf-8")


def _example(files: Path) -> Any:
    """The input example as MLflow writes it; None where there is none that can be shown."""
    for name in ("input_example.json", "serving_input_example.json"):
        path = files / name
        if path.is_file() and path.stat().st_size <= MAX_EXAMPLE_BYTES:
            try:
                return orjson.loads(path.read_bytes().replace(b"\\u0000", b""))
            except orjson.JSONDecodeError:
                return None
    return None


def _card(files: Path) -> str:
    """The card that lies beside the model, as on the Hub; empty where none can be read."""
    path = files / CARD
    if not path.is_file() or path.stat().st_size > MAX_CARD_BYTES:
        return ""
    try:
        text = path.read_text(encoding="utf-8")
        cards.parse(text)
    except ValueError:
        return ""
    return text
