"""The whole platform, started as `make demo` starts it: the story, the drills, a browser."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from hokusai.demo.client import Api
from hokusai.demo.story import MODEL_ID
from tests.story.browser import Browser, open_browser
from tests.story.models import log_copies, log_sleeper
from tests.story.stack import ROOT, Running, running_stack

pytestmark = [pytest.mark.drill, pytest.mark.timeout(600)]

# The story's candidate from honest rows; before it came a control and the other training's arms.
PROMOTED = 5
KEY = """
import json
from hokusai.accounts.models import Project
from hokusai.demo.people import fresh_key, password
key = fresh_key(Project.objects.get(slug="digits"), "ada")
print(json.dumps({"key": key, "password": password()}))
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("stack")
    folder.chmod(0o700)
    changed = {"LEASE_S": "8", "SWEEP_S": "2", "RETRY_BASE_S": "1"}
    kept = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        with running_stack(folder / "data") as stack:
            yield stack
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def told(running: Running) -> str:
    """What the story printed."""
    done = running.manage("demo", measured=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def access(running: Running, told: str) -> dict[str, str]:
    """The engineer's key and everybody's password."""
    found: dict[str, str] = running.python(KEY)
    return found


@pytest.fixture(scope="module")
def ada(running: Running, access: dict[str, str]) -> Api:
    return Api(running.base_url, access["key"])


def test_the_story_holds_and_shows_what_was_measured(told: str) -> None:
    assert re.search(r"honest: delta \+\d+\.\d\d percentage points, interval \[\+", told)
    assert re.search(r"honest: .* accepted", told)
    assert re.search(r"shifted: delta -\d+\.\d\d .* refused", told)
    assert "the shares sum to 10,000" in told
    assert re.search(r"untouched rows confirm \+\d+\.\d\d percentage points", told)
    assert re.search(r"VALID +attestation", told)
    assert re.search(r"one flipped byte: INVALID", told)
    assert "one given row is shown to be in the training set" in told
    assert "predicted as" in told
    assert "a malformed row: 400" in told
    assert "gets 404 for all of the first" in told
    assert "Every step held" in told


def test_a_second_telling_takes_over_what_is_there(running: Running, told: str) -> None:
    counts = (
        "SELECT (SELECT count(*) FROM registry_modelversion), "
        "(SELECT count(*) FROM contributions_contribution), "
        "(SELECT count(*) FROM contributions_attestation)"
    )
    before = running.rows(counts)
    again = running.manage("demo")
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-2000:]
    assert running.rows(counts) == before


def test_every_call_of_the_api_page_works(running: Running, told: str) -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) >= 6
    script = (
        "\n".join(blocks)
        .replace("http://127.0.0.1:8000", running.base_url)
        .replace(".hokusai/", f"{running.stack.folder.root}/")
        .replace(".venv/bin/python", sys.executable)
        .replace("curl -sS", "curl -sS --fail-with-body --noproxy 127.0.0.1")
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert '"prediction"' in done.stdout


def test_twenty_versions_arrive_in_mlflow_once_although_it_was_down(
    running: Running, ada: Api, tmp_path: Path
) -> None:
    sources = log_copies(running.tracking_uri, tmp_path, count=20)
    running.stack.servers.stop("mlflow")
    for number, source in enumerate(sources):
        body = {"project": "digits", "model": "drill", "source": source, "tags": {"n": str(number)}}
        made = ada.post("models/register", body)
        assert (made["artifact_state"], made["sync_state"]) == ("pending", "pending")
    running.stack.servers.start("mlflow")
    running.watch(lambda: synced(running) >= 3, "the first versions reach MLflow")
    running.kill("worker")
    running.watch(lambda: synced(running) == 20, "all versions reach MLflow", seconds=180)
    client = MlflowClient(tracking_uri=running.tracking_uri)
    found = client.search_model_versions("name='digits.drill'")
    assert len(found) == 20
    assert len({row.tags["hokusai.op"] for row in found}) == 20
    aliases = client.get_registered_model("digits.drill").aliases
    assert {f"hokusai-{n}" for n in range(1, 21)} <= set(aliases)


def synced(running: Running) -> int:
    query = (
        "SELECT count(*) FROM registry_modelversion v JOIN registry_model m ON m.id = v.model_id "
        "WHERE m.model_id = 'digits.drill' AND v.sync_state = 'synced'"
    )
    return int(running.rows(query)[0][0])


def test_a_worker_killed_during_an_evaluation_loses_nothing_and_records_one_result(
    running: Running, ada: Api
) -> None:
    comparison = compare_sleeper(running, ada)
    running.watch(lambda: job_of(running, comparison)[0] == "running", "the evaluation starts")
    time.sleep(1)
    running.kill("worker")
    running.watch(
        lambda: job_of(running, comparison)[0] in ("succeeded", "failed"), "the job is taken up"
    )
    status, attempt = job_of(running, comparison)
    assert status == "succeeded", ada.get(f"comparisons/{comparison}")["result"]
    assert attempt >= 2
    assert ada.get(f"comparisons/{comparison}")["status"] in ("accepted", "refused")
    halves = running.rows(
        "SELECT e.role FROM experiments_evaluation e JOIN experiments_comparison c "
        "ON c.id = e.comparison_id WHERE c.public_id = %s ORDER BY 1",
        comparison,
    )
    assert halves == [("baseline",), ("candidate",)]
    told = running.rows(
        "SELECT count(*) FROM core_event WHERE subject = %s AND tag IN "
        "('comparison:accepted', 'comparison:refused')",
        comparison,
    )
    assert told == [(1,)]


def compare_sleeper(running: Running, ada: Api) -> str:
    """The id of a comparison whose candidate takes its time."""
    source = log_sleeper(running.tracking_uri)
    made = ada.post("models/register", {"project": "digits", "model": "sleeper", "source": source})
    path = f"models/digits.sleeper/versions/{made['number']}"
    ready = ada.wait(path, lambda row: row["artifact_state"] in ("ready", "failed"), "copied")
    assert ready["artifact_state"] == "ready", ready["artifact_error"]
    body = {
        "benchmark": ada.first("benchmarks", project="digits")["id"],
        "baseline": ada.get(f"models/{MODEL_ID}/versions/1")["id"],
        "candidate": ready["id"],
    }
    return str(ada.post("comparisons", body)["id"])


def job_of(running: Running, comparison: str) -> tuple[Any, ...]:
    query = "SELECT status, attempt FROM core_job WHERE subject = %s AND kind = 'comparison'"
    return running.rows(query, comparison)[0]


@pytest.mark.browser
def test_promoting_and_deploying_in_the_browser(running: Running, access: dict[str, str]) -> None:
    with open_browser() as chromium:
        ada = Browser(chromium, running.base_url, "ada", access["password"])
        ada.open("/admin/")
        ada.sees("Improvements")
        ada.open_version(MODEL_ID, 1)
        ada.act("promote", target="production", comment="The first one again.")
        rosa = Browser(chromium, running.base_url, "rosa", access["password"])
        rosa.open_promotion(MODEL_ID, 1)
        rosa.act("approve", comment="Agreed.")
        assert stage_of(running, 1) == "production"
        assert stage_of(running, PROMOTED) == "archived"
        ada.open_version(MODEL_ID, 1)
        ada.act("deploy")
        running.watch(lambda: live_version(running) == 1, "version 1 is live")
        assert ada.errors == []
        assert rosa.errors == []


@pytest.mark.browser
def test_a_folder_chosen_in_the_browser_becomes_a_version(
    running: Running, access: dict[str, str], tmp_path: Path
) -> None:
    [tree] = running.rows(
        "SELECT v.tree_digest FROM registry_modelversion v JOIN registry_model m "
        "ON m.id = v.model_id WHERE m.model_id = %s AND v.number = 1",
        MODEL_ID,
    )
    folder = tmp_path / "model"
    shutil.copytree(running.stack.folder.root / "store" / "trees" / tree[0] / "files", folder)
    store = running.stack.addresses.store_url
    with open_browser() as chromium:
        ada = Browser(chromium, running.base_url, "ada", access["password"], store)
        ada.open("/admin/registry/modelversion/add/")
        ada.page.select_option("[name=project]", "digits")
        ada.page.fill("[name=model]", "sent-by-hand")
        ada.page.set_input_files("[name=folder]", folder)
        with ada.page.expect_navigation(url="**/change/", timeout=60_000):
            ada.page.click(".hk-form button[type=submit]")
        ada.sees("digits.sent-by-hand v1")
        assert ada.errors == []
    ready = (
        "SELECT v.tree_digest FROM registry_modelversion v JOIN registry_model m "
        "ON m.id = v.model_id WHERE m.slug = 'sent-by-hand' AND v.artifact_state = 'ready'"
    )
    running.watch(lambda: running.rows(ready) == [tree], "what was sent is what is kept")


def stage_of(running: Running, number: int) -> str:
    query = (
        "SELECT v.stage FROM registry_modelversion v JOIN registry_model m ON m.id = v.model_id "
        "WHERE m.model_id = %s AND v.number = %s"
    )
    return str(running.rows(query, MODEL_ID, number)[0][0])


def live_version(running: Running) -> int:
    query = (
        "SELECT v.number FROM deployments_revision r JOIN registry_modelversion v "
        "ON v.id = r.version_id JOIN registry_model m ON m.id = v.model_id "
        "WHERE m.model_id = %s AND r.status = 'live'"
    )
    found = running.rows(query, MODEL_ID)
    return int(found[0][0]) if found else 0
