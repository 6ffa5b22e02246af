"""ONNX made of a version when its files are there, kept for serving where it answers the same.

The version's digest goes on naming what was registered; the files made have a digest of their own.
"""

from typing import Any, Final

import numpy as np
from django.conf import settings

from hokusai.core.errors import NotFound, OutsideUnavailable
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import RunnerError, RunnerUnavailable
from hokusai.runner.outputs import Outputs
from hokusai.storage import stores
from registry.algorithms.check_rows import Floats, check_rows, example_table
from registry.choices import ConversionVerdict
from registry.models import ModelVersion, OnnxConversion

CONVERTED_FLAVOR: Final = "sklearn"
# Both compute in float64: what differs more than the last bits is another function.
TOLERANCE: Final = 1e-9
NO_EXAMPLE = "The version has no input example of numbers under column names to be compared on."


def convert_version(work: Work) -> None:
    """Make ONNX of a version and compare the answers. Safe to repeat, and to be killed.

    Raises an OutsideUnavailable where a later try may work.
    """
    version = _version(work.job)
    if OnnxConversion.objects.filter(version=version).exists():
        return
    found = example_table(version.input_example)
    if found is None:
        _keep(work, version, verdict=ConversionVerdict.UNSUITABLE, reason=NO_EXAMPLE)
        return
    try:
        _compare(work, version, *found)
    except RunnerUnavailable as error:
        raise OutsideUnavailable(error.message) from error
    except RunnerError as error:
        _keep(work, version, verdict=ConversionVerdict.UNSUITABLE, reason=error.message)


def conversion_failed(job: Job, reason: str) -> None:
    """Say on the version why it has no ONNX; it is served as it was registered."""
    version = _version(job)
    OnnxConversion.objects.get_or_create(
        version=version,
        defaults={"verdict": ConversionVerdict.UNSUITABLE, "reason": reason},
    )


def _compare(work: Work, version: ModelVersion, columns: tuple[str, ...], given: Floats) -> None:
    client = RunnerClient(settings.RUNNER_SOCKET)
    store = stores["default"]
    store.materialise(version.tree_digest)
    work.progress(20, "converting to ONNX")
    files = client.convert(project=version.project.slug, tree_digest=version.tree_digest)
    converted = store.put_files(files)
    store.materialise(converted)
    rows = check_rows(given, _types(version, columns))
    work.progress(60, f"comparing the answers for {len(rows)} rows")
    answers = [
        client.predict_once(
            project=version.project.slug,
            tree_digest=digest,
            columns=columns,
            matrix=np.ascontiguousarray(rows),
            deadline_s=settings.EVALUATION_DEADLINE_S,
            memory_bytes=settings.EVALUATION_MEMORY_BYTES,
        )
        for digest in (version.tree_digest, converted)
    ]
    difference = largest_difference(*answers)
    exact = difference is not None and difference <= TOLERANCE
    _keep(
        work,
        version,
        verdict=ConversionVerdict.EXACT if exact else ConversionVerdict.DIFFERS,
        reason="" if exact else _told(difference),
        tree_digest=converted,
        rows=len(rows),
        max_difference=difference,
    )


def largest_difference(original: Outputs, converted: Outputs) -> float | None:
    """Between the numbers of two answers, relative above 1; None where a label or form differs."""
    stated = [(one.task, one.columns, one.classes) for one in (original, converted)]
    if stated[0] != stated[1]:
        return None
    first, second = np.asarray(original.values), np.asarray(converted.values)
    if original.task == "classification":
        if not np.array_equal(first[:, 0], second[:, 0]):
            return None
        first, second = first[:, 1:], second[:, 1:]
    if not first.size:
        return 0.0
    return float((np.abs(first - second) / np.maximum(1.0, np.abs(first))).max())


def _told(difference: float | None) -> str:
    if difference is None:
        return "Its labels differ on some of the rows."
    return f"Its numbers differ by up to {difference:.2g}, more than {TOLERANCE:g}."


def _types(version: ModelVersion, columns: tuple[str, ...]) -> list[str]:
    stated = (version.signature or {}).get("inputs") or []
    by_name = {one.get("name"): str(one.get("type")) for one in stated if isinstance(one, dict)}
    return [by_name.get(name, "double") for name in columns]


def _version(job: Job) -> ModelVersion:
    found = ModelVersion.objects.with_names().filter(public_id=job.subject).first()
    if found is None:
        raise NotFound("The version of this job is gone.")
    return found


def _keep(work: Work, version: ModelVersion, **found: Any) -> None:
    with work.result():
        conversion = OnnxConversion.objects.create(version=version, **found)
        record(
            "version:converted",
            subject=version.public_id,
            actor=SYSTEM,
            project_id=version.project.pk,
            label=str(version),
            after={
                "verdict": conversion.verdict,
                "tree_digest": conversion.tree_digest,
                "rows": conversion.rows,
                "reason": conversion.reason,
            },
        )
