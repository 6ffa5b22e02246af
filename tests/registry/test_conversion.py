"""A version's ONNX serves only where it answers the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings
from sklearn.ensemble import RandomForestClassifier

from hokusai.core import jobs
from hokusai.core.models import Event, Job
from hokusai.runner.client import RunnerClient
from hokusai.runner.outputs import Outputs
from hokusai.storage import stores
from registry.content import RegistryContent
from registry.conversion import conversion_failed, largest_difference
from registry.models import ModelVersion, OnnxConversion
from registry.services import exact_onnx
from tests.factories import ModelVersionFactory
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.conftest import Store, running

pytestmark = pytest.mark.django_db
EXAMPLE = {"columns": list(artifacts.COLUMNS), "data": [list(artifacts.ROW.values())]}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunnerClient, Path]]:
    root = tmp_path_factory.mktemp("store")
    with running(tmp_path_factory.mktemp("runner"), Store(root)) as (client, _):
        yield client, root


@pytest.fixture
def served(runner: tuple[RunnerClient, Path], settings: Settings) -> RunnerClient:
    """A runner that reads the platform's store."""
    client, root = runner
    local = {"BACKEND": "hokusai.storage.local.LocalStore", "OPTIONS": {"root": str(root)}}
    settings.CONTENT_STORES = {"default": local}
    settings.RUNNER_SOCKET = client.socket_path
    # The heartbeat, on a connection of its own, sees nothing of this transaction.
    settings.LEASE_S = 3600
    stores.forget()
    return client


def converted(version: ModelVersion) -> OnnxConversion:
    job = jobs.enqueue("onnx_conversion", subject=version.public_id, project_id=version.project_id)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == "succeeded", job.log
    return OnnxConversion.objects.get(version=version)


def version_of(files: dict[str, bytes], **fields: Any) -> ModelVersion:
    stated = {"tree_digest": stores["default"].put_files(files), "input_example": EXAMPLE}
    made: ModelVersion = ModelVersionFactory(**(stated | fields))
    return made


def test_a_linear_model_is_served_as_onnx(served: RunnerClient) -> None:
    version = version_of(artifacts.skops_classifier())
    found = converted(version)
    assert (found.verdict, found.reason, found.rows) == ("exact", "", 257)
    assert found.max_difference < 1e-12
    assert exact_onnx(version) == found.tree_digest != version.tree_digest
    outputs = served.predict_once(
        project=version.project.slug, tree_digest=found.tree_digest, rows=[artifacts.ROW]
    )
    assert outputs.format == "onnx"
    event = Event.objects.get(tag="version:converted")
    assert event.after["verdict"] == "exact"
    assert ("tree", found.tree_digest) in set(RegistryContent().digests())


def test_what_cannot_be_converted_is_served_as_it_is(served: RunnerClient) -> None:
    forest = RandomForestClassifier(3).fit(*artifacts.table())
    version = version_of(artifacts.skops_model(forest))
    found = converted(version)
    assert (found.verdict, found.tree_digest) == ("unsuitable", "")
    assert "single precision" in found.reason
    assert exact_onnx(version) == ""


@pytest.mark.parametrize("example", [None, {"columns": ["a"], "data": [["text"]]}])
def test_without_an_example_nothing_is_compared_and_nothing_used(example: object) -> None:
    found = converted(ModelVersionFactory(input_example=example))
    assert found.verdict == "unsuitable"
    assert "no input example" in found.reason


def test_repeating_the_job_changes_nothing() -> None:
    version = ModelVersionFactory(input_example=None)
    assert converted(version) == converted(version)


def test_a_job_that_was_given_up_is_told_on_the_version(settings: Settings) -> None:
    version = ModelVersionFactory(input_example=EXAMPLE)
    conversion_failed(Job(subject=version.public_id), "Given up.")
    found = OnnxConversion.objects.get(version=version)
    assert (found.verdict, found.reason) == ("unsuitable", "Given up.")


def outputs(values: list[list[float]], **stated: Any) -> Outputs:
    of = {
        "task": "classification",
        "columns": ("prediction", "probability.a", "probability.b"),
        "classes": ("a", "b"),
        "tier": "A",
        "format": "onnx",
    }
    flat = memoryview(np.array(values).tobytes()).cast("d", (len(values), len(values[0])))
    return Outputs(**(of | stated), values=flat)


def test_labels_must_be_the_same_and_numbers_are_measured() -> None:
    first = outputs([[0, 0.9, 0.1], [1, 0.4, 0.6]])
    assert largest_difference(first, first) == 0.0
    near = outputs([[0, 0.9, 0.1], [1, 0.4, 0.6000001]])
    assert largest_difference(first, near) == pytest.approx(1e-7)
    assert largest_difference(first, outputs([[0, 0.9, 0.1], [0, 0.4, 0.6]])) is None
    assert largest_difference(first, outputs([[0, 0.9, 0.1]], classes=("b", "a"))) is None


def test_large_values_are_compared_relatively() -> None:
    of = {"task": "regression", "columns": ("prediction",), "classes": ()}
    found = largest_difference(outputs([[1e6]], **of), outputs([[1e6 + 1]], **of))
    assert found == pytest.approx(1e-6)
