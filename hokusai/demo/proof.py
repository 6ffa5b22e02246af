"""The story's second half: measuring, crediting, signing, promoting, serving."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from mlflow import MlflowClient

from hokusai.demo import data
from hokusai.demo.client import WAIT_S, StoryFailed
from hokusai.demo.story import (
    CANCER,
    CANCER_ID,
    COPIED,
    DIGITS,
    HONEST_ONE,
    HONEST_TWO,
    MODEL,
    MODEL_ID,
    SHIFTED,
    Story,
    ready_version,
)
from hokusai.demo.training import train_and_log

POINT = 10_000
WHOLE = 10_000
MODEL_LICENCE = "Apache-2.0"
BAD_REQUEST, FORBIDDEN, NOT_FOUND, CONFLICT = 400, 403, 404, 409
VERIFIER = settings.BASE_DIR / "docs" / "attestation" / "verify_hokusai.py"


def comparisons(story: Story) -> None:
    """Step 6: each candidate against the head; what was accepted is confirmed on other rows."""
    shifted, honest = compared(story, "shifted"), compared(story, "honest")
    story.teller.holds(shifted["status"] == "refused", "the mislabelled candidate is refused")
    story.teller.holds(honest["status"] == "accepted", "the honest candidate is accepted")
    story.found["comparison"] = honest
    confirmed(story, honest)


def compared(story: Story, arm: str) -> Any:
    """The decided comparison that a training asked for, and what it showed."""
    path = f"comparisons/{story.found[f'{arm}-comparison']}"
    decided = story.ada.wait(path, lambda b: b["status"] != "requested", f"{arm} compared")
    # A steward sees the whole measurement; the engineer of a refused try does not.
    tell_result(story, arm, story.people["rosa"].get(path))
    return decided


def confirmed(story: Story, comparison: Any) -> None:
    """What rows that no decision had touched say."""
    row = story.people["rosa"].wait(
        f"comparisons/{comparison['id']}",
        lambda b: (b["result"]["confirmation"] or {}).get("status", "requested") != "requested",
        "confirmed",
    )["result"]["confirmation"]
    low, delta = row["low_ppm"] / POINT, row["delta_ppm"] / POINT
    story.teller.holds(
        row["status"] == "confirmed",
        f"untouched rows confirm {delta:+.2f} percentage points, at least {low:+.2f}",
    )


def tell_result(story: Story, arm: str, row: Any) -> None:
    result = row["result"]
    low, high, delta = (result[name] / POINT for name in ("low_ppm", "high_ppm", "delta_ppm"))
    story.teller.seen(
        f"{arm}: delta {delta:+.2f} percentage points, interval [{low:+.2f}, {high:+.2f}], "
        f"mid-p {result['p_value']:.2g}, attempt {row['attempt']}: {row['status']}"
    )
    story.teller.seen(f"  {result['explanation']}")


def attestation(story: Story) -> None:
    """Step 7: shares that sum to 10,000, and a statement that anyone can check."""
    comparison = story.found["comparison"]["id"]

    def signed(body: Any) -> bool:
        return any(r["comparison"] == comparison and r["attestation"] for r in body["results"])

    listing = story.ada.wait(f"improvements?model_id={MODEL_ID}", signed, "attestation signed")
    improvement = next(r for r in listing["results"] if r["comparison"] == comparison)
    for share in improvement["shares"]:
        points = share["basis_points"]
        story.teller.seen(f"{share['address']}: {points} basis points by {improvement['method']}")
    total = sum(share["basis_points"] for share in improvement["shares"])
    story.teller.holds(total == WHOLE, "the shares sum to 10,000")
    payable = improvement["payable_ppm"] / POINT
    story.teller.holds(payable > 0, f"{payable:.2f} percentage points are payable")
    story.found["attestation"] = improvement["attestation"]
    verify(story, improvement["attestation"])


def verify(story: Story, statement_id: str) -> None:
    """Check the proof bundle offline, by the one file that anyone may keep; then flip one byte."""
    folder = Path(settings.DATA_DIR) / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    bundle, trust = folder / "bundle.json", folder / "trust.json"
    bundle.write_bytes(proof_bundle(story, statement_id))
    trust.write_bytes(story.ada.call("GET", "trust").content)
    done = _verifier("verify", bundle, "--trust", trust)
    for line in done.stdout.splitlines():
        story.teller.seen(line)
    story.teller.holds(done.returncode == 0, "the stand-alone file verifies it, offline")
    broken = bytearray(bundle.read_bytes())
    broken[len(broken) // 2] ^= 1
    tampered = folder / "tampered.json"
    tampered.write_bytes(bytes(broken))
    refused = _verifier("verify", tampered, "--trust", trust)
    story.teller.holds(refused.returncode == 1, f"one flipped byte: {refused.stdout.strip()}")
    disclosed(story, folder)


def proof_bundle(story: Story, statement_id: str) -> bytes:
    """The bundle, once a signed checkpoint of the log covers the attestation."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        answer = story.ada.call("GET", f"attestations/{statement_id}/bundle")
        if answer.ok:
            return bytes(answer.content)
        time.sleep(1)
    raise StoryFailed(f"No bundle: {answer.json()['message']}")


def disclosed(story: Story, folder: Path) -> None:
    """The giver of the first contribution shows one row of it, and nothing of the others."""
    given = story.found[HONEST_ONE]["id"]
    answer = story.apis["chidi"].call(
        "POST", f"contributions/{given}/disclosure", json={"index": 0}
    )
    shown = folder / "row.json"
    shown.write_bytes(answer.content)
    done = _verifier("disclosure", shown, folder / "bundle.json", "--trust", folder / "trust.json")
    story.teller.holds(done.returncode == 0, "one given row is shown to be in the training set")


def _verifier(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(VERIFIER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


def impact(story: Story) -> None:
    """Step 8: what each of the four is credited with, and why two are not."""
    for address in (HONEST_ONE, HONEST_TWO, SHIFTED, COPIED):
        row = story.ada.get(f"contributors/{address}/impact")
        credited = sum(line["credited_ppm"] for line in row["totals"]) / POINT
        why = "; ".join(
            reason["message"] for given in row["contributions"] for reason in given["reasons"]
        )
        story.teller.seen(f"{address}: {credited:.2f} points{': ' + why if why else ''}")
        honest = address in (HONEST_ONE, HONEST_TWO)
        story.teller.holds((credited > 0) == honest, "credited" if honest else "zero, and why")
        if not honest and not why:
            raise StoryFailed(f"The API does not say why {address} has no impact.")


def description(story: Story) -> None:
    """Step 8: licence and model card of both, and the scan as a reviewer left it."""
    for arm in ("baseline", "honest"):
        path = f"models/{MODEL_ID}/versions/{story.found[arm]['number']}"
        story.ada.send("PATCH", f"{path}/metadata", {"licence": MODEL_LICENCE})
        card = story.ada.send("PUT", f"{path}/card", {"card": data.MODEL_CARD})
        story.teller.holds(card["missing"] == [], f"{arm}: the model card says all that is asked")
        scan = story.ada.get(f"{path}/metadata")["scan"]
        if scan["verdict"] != "clean" and scan["reviewed_by"] is None:
            reason = "The findings belong to scikit-learn's own format."
            scan = story.people["rosa"].post(f"{path}/scan/review", {"comment": reason})
        story.teller.seen(f"{arm}: the scan says {scan['verdict']}")


def promotion(story: Story) -> None:
    """Step 8: asked for by the engineer, refused to her, approved by the reviewer."""
    number = story.found["honest"]["number"]
    path = f"models/{MODEL_ID}/versions/{number}/promotions"
    current = story.ada.get(f"models/{MODEL_ID}/versions/{number}")
    if current["stage"] != "production":
        asked = story.ada.first(path, status="requested") or story.ada.post(
            path,
            {
                "target": "production",
                "comment": "Better on held-out digits.",
                "evidence": f"Attestation {story.found['attestation']}",
            },
        )
        for check in asked["checks"]:
            story.teller.holds(check["passed"], f"{check['title']}: {check['message']}")
        own = story.people["ada"].call("POST", f"{path}/{asked['id']}/approve")
        refused = own.status_code == FORBIDDEN
        story.teller.holds(refused, f"ada cannot approve: {own.json()['message']}")
        story.people["rosa"].post(f"{path}/{asked['id']}/approve", {"comment": "Checks passed."})
        current = story.ada.get(f"models/{MODEL_ID}/versions/{number}")
    story.teller.holds(current["stage"] == "production", f"v{number} is in production")
    now = datetime.now(UTC).isoformat()
    at = story.ada.get(f"models/{MODEL_ID}/at", time=now)
    approved = at["version"] == number and "rosa" in at["production"]["decided"]["approved_by"]
    story.teller.holds(approved, "the history says which version, and that rosa approved it")
    tried = story.people["rosa"].first("events", tag="promotion:approval-refused")
    story.teller.holds(tried is not None, "the author's attempt is on record")


def serving(story: Story) -> None:
    """Step 8: deployed to the local provider, predicting over the API."""
    deployed(story, "ada", MODEL_ID, story.found["honest"]["number"])
    asks_for_bytes(story, "ada", MODEL_ID, story.found["honest"]["number"])
    sample = story.rows.benchmark.drop(columns=data.LABEL).head(3)
    path = f"models/{MODEL_ID}/predict"
    rows = sample.to_dict("records")
    answer = story.ada.post(path, {"rows": rows})
    labels = story.rows.benchmark[data.LABEL].head(3).tolist()
    given = [row["prediction"] for row in answer["outputs"]]
    story.teller.seen(f"three digits {labels} predicted as {given} by v{answer['version']}")
    bad = [{**rows[0], "pixel_3_3": "seven"}]
    refused = story.ada.call("POST", path, json={"rows": bad})
    named = refused.status_code == BAD_REQUEST and "pixel_3_3" in refused.text
    story.teller.holds(named, f"a malformed row: 400, {refused.json()['message']}")


def deployed(story: Story, who: str, model_id: str, number: int, place: str = "production") -> None:
    """Serve a version where it does not serve already, stating the digest of its bytes."""
    api = story.apis[who]
    row = api.first("deployments", model_id=model_id, slug=place)
    if row is None or not row["live"] or row["live"]["version"] != number:
        digest = api.get(f"models/{model_id}/versions/{number}")["tree_digest"]
        wanted = {"model_id": model_id, "version": number, "slug": place, "digest": digest}
        revision = api.post("deployments", wanted)
        row = api.wait(
            f"deployments/{revision['deployment']}",
            lambda body: body["live"] and body["live"]["version"] == number,
            f"{model_id} v{number} live",
        )
    story.teller.holds(bool(row["live"]), f"{model_id} v{number} is live")


def asks_for_bytes(story: Story, who: str, model_id: str, number: int) -> None:
    """A place of production takes no version whose digest is another than the one stated."""
    wanted = {"model_id": model_id, "version": number, "digest": "0" * 64}
    refused = story.apis[who].call("POST", "deployments", json=wanted)
    said = refused.json()["code"] if refused.status_code == CONFLICT else refused.status_code
    story.teller.holds(said == "digest_differs", "other bytes than those stated are not deployed")


def second_project(story: Story) -> None:
    """Another team registers and serves; its member finds nothing of the first project."""
    mira = story.apis["mira"]
    row = mira.call("GET", f"models/{CANCER_ID}/versions/1")
    if not row.ok:
        table = data.breast_cancer()
        logged = train_and_log(
            tracking_uri=story.tracking_uri, experiment=CANCER_ID, name="baseline", table=table
        )
        body = {"project": CANCER, "model": MODEL, "source": logged.source}
        mira.post("models/register", {**body, "name": "Tumour classifier"})
    made = ready_version(story, mira, {"model_id": CANCER_ID, "number": 1})
    deployed(story, "mira", CANCER_ID, made["number"], "trial")
    for path in hidden_paths(story):
        answer = mira.call("GET", path)
        if answer.status_code != NOT_FOUND:
            raise StoryFailed(f"mira is answered {answer.status_code} at {path}.")
    story.teller.holds(True, "a member of the second project gets 404 for all of the first")


def hidden_paths(story: Story) -> list[str]:
    number = story.found["honest"]["number"]
    return [
        f"projects/{DIGITS}",
        f"models/{MODEL_ID}",
        f"models/{MODEL_ID}/versions/{number}",
        f"models/{MODEL_ID}/versions/{number}/lineage",
        f"benchmarks/{story.found['benchmark']['id']}",
        f"comparisons/{story.found['comparison']['id']}",
        f"contributions/{story.found[HONEST_ONE]['id']}",
    ]


def mlflow_in_step(story: Story) -> None:
    """Step 9: runs, registered model, aliases and tags, read with MLflow's own client."""
    number = story.found["honest"]["number"]
    path = f"models/{MODEL_ID}/versions/{number}"
    client = MlflowClient(tracking_uri=story.tracking_uri)

    def shown(_: Any) -> bool:
        model = client.get_registered_model(MODEL_ID)
        if not {f"hokusai-{number}", "production"} <= set(model.aliases):
            return False
        row = client.get_model_version_by_alias(MODEL_ID, "production")
        return {"hokusai.stage", "hokusai.digest", "hokusai.attestation"} <= set(row.tags)

    story.ada.wait(path, lambda row: row["sync_state"] == "synced" and shown(row), "MLflow in step")
    row = client.get_model_version_by_alias(MODEL_ID, "production")
    right = row.tags["hokusai.attestation"] == story.found["attestation"]
    story.teller.holds(right, "MLflow shows the version with the attestation's id")
    story.teller.seen(f"tags: {', '.join(sorted(t for t in row.tags if t.startswith('hokusai.')))}")


def telling_order() -> list[tuple[str, Callable[[Story], None]]]:
    """The second half of the story."""
    return [
        ("Both candidates against the baseline, on the same rows; then on others", comparisons),
        ("Credit by Shapley values, a signed statement, a log, a proof", attestation),
        ("What each contributor is credited with", impact),
        ("Licence, model card and scan of what shall go to production", description),
        ("Promotion: asked for, refused to its author, approved by another", promotion),
        ("Serving: deployed locally, predicting over the API", serving),
        ("A second project on the same platform, which sees nothing of the first", second_project),
        ("Everything visible in MLflow", mlflow_in_step),
    ]
