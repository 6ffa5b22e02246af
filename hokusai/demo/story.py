"""The improvement loop on real data, told through the REST API and plain MLflow.

Every step first looks whether an earlier run did it, so a second telling takes over what is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hokusai.accounts.choices import Role
from hokusai.demo import data
from hokusai.demo.client import Api
from hokusai.demo.people import Person, ensure_project, ensure_user, fresh_key, password
from hokusai.demo.telling import Teller
from hokusai.demo.training import train_and_log

DIGITS, CANCER, MODEL = "digits", "breast-cancer", "classifier"
MODEL_ID, CANCER_ID = f"{DIGITS}.{MODEL}", f"{CANCER}.{MODEL}"
LICENCE = "CC-BY-4.0"
CONFIRMATION_PPM = 300_000
RECIPE = "scikit-learn"
DIGITS_PEOPLE = [
    Person("ada", Role.OWNER),
    Person("rosa", Role.REVIEWER),
    Person("sam", Role.REVIEWER),
    Person("chidi", Role.CONTRIBUTOR, staff=False),
]
CANCER_PEOPLE = [Person("mira", Role.OWNER)]
# Addresses of the examples in EIP-55; nobody is paid.
HONEST_ONE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
HONEST_TWO = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
SHIFTED = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"
COPIED = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
GIVERS = {HONEST_ONE: "Ines", HONEST_TWO: "Noor", SHIFTED: "Otto", COPIED: "Vik"}


@dataclass(slots=True)
class Story:
    """What the steps hand to each other.

    `apis` holds each person's program, which calls with a key; `people` those who decide.
    """

    base_url: str
    tracking_uri: str
    teller: Teller
    rows: data.Digits
    apis: dict[str, Api] = field(default_factory=dict)
    people: dict[str, Api] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def ada(self) -> Api:
        """The engineer."""
        return self.apis["ada"]


def people_and_keys(story: Story) -> None:
    """Step 1: two projects, their members, a key for each."""
    ensure_user("admin", staff=True, administrator=True)
    digits = ensure_project(
        DIGITS, "Digits", "Handwritten digits, better with every contribution.", DIGITS_PEOPLE
    )
    cancer = ensure_project(CANCER, "Breast cancer", "A second team.", CANCER_PEOPLE)
    for project, people in ((digits, DIGITS_PEOPLE), (cancer, CANCER_PEOPLE)):
        for person in people:
            key = fresh_key(project, person.username)
            name = person.username
            story.apis[name] = Api(story.base_url, key)
            story.people[name] = Api.logged_in(story.base_url, name, password())
            story.teller.seen(f"{person.username} is {person.role} of {project.slug}")
    me = story.ada.get("me")
    story.teller.holds(me["username"] == "ada", "the API knows ada by her key")


def benchmark(story: Story) -> None:
    """Step 2: held-out rows, three tenths of them kept to confirm; approved by another person."""
    sam, rosa = story.people["sam"], story.people["rosa"]
    row = sam.first("benchmarks", project=DIGITS)
    if row is None:
        version = dataset(story, sam, "held-out", "Held-out digits", story.rows.benchmark)
        body = {
            "project": DIGITS,
            "slug": "held-out-accuracy",
            "name": "Accuracy on held-out digits",
            "dataset_version": version["id"],
            "label_column": data.LABEL,
            "metric": "accuracy",
            "guardrails": [{"metric": "log_loss", "margin_ppm": 0}],
            "confirmation_ppm": CONFIRMATION_PPM,
        }
        row = sam.post("benchmarks", body)
    if row["status"] == "draft":
        own = sam.call("POST", f"benchmarks/{row['id']}/approve")
        story.teller.holds(own.status_code == 403, "its maker cannot approve it")  # noqa: PLR2004
        row = rosa.post(f"benchmarks/{row['id']}/approve")
    story.teller.holds(row["approved_by"] == "rosa", "made by sam, approved by rosa")
    story.found["benchmark"] = row


def dataset(story: Story, api: Api, slug: str, name: str, table: Any) -> Any:
    """A usable dataset version with these rows, made where it is absent."""
    line = api.first("datasets", project=DIGITS, slug=slug) or api.post(
        "datasets", {"project": DIGITS, "slug": slug, "name": name}
    )
    path = f"datasets/{line['id']}/versions"
    version = api.first(path) or api.upload(
        path,
        data.as_parquet(table),
        f"{slug}.parquet",
        file_format="parquet",
        label_column=data.LABEL,
    )
    usable = api.wait(
        f"{path}/{version['number']}", lambda row: row["state"] != "received", f"{name} read"
    )
    story.teller.holds(usable["state"] == "usable", f"{name}: {usable['row_count']} rows digested")
    return usable


def baseline(story: Story) -> None:
    """Step 3: train on 100 rows, log with MLflow, register."""
    rows = dataset(story, story.ada, "training", "Baseline rows", story.rows.baseline)
    story.found["baseline"] = version(
        story, "baseline", story.rows.baseline, training_data=[rows["id"]]
    )


def version(story: Story, arm: str, table: Any, **registration: Any) -> Any:
    """A ready version of one arm of the story, trained and registered where it is absent."""
    row = story.ada.call("GET", f"models/{MODEL_ID}/versions", params={"tag": f"arm={arm}"})
    rows = row.json()["results"] if row.ok else []
    if rows:
        made = rows[0]
    else:
        logged = train_and_log(
            tracking_uri=story.tracking_uri, experiment=MODEL_ID, name=arm, table=table
        )
        body = {"project": DIGITS, "model": MODEL, "name": "Digit classifier", "tags": {"arm": arm}}
        made = story.ada.post(
            "models/register",
            {**body, "source": logged.source, "run_id": logged.run_id, **registration},
        )
    ready = ready_version(story, story.ada, made)
    digest = ready["tree_digest"][:12]
    story.teller.holds(True, f"{arm}: v{ready['number']} on {len(table)} rows, digest {digest}…")
    return ready


def ready_version(story: Story, api: Api, made: Any) -> Any:
    """Wait until a version's bytes are in the store."""
    return api.wait(
        f"models/{made['model_id']}/versions/{made['number']}",
        lambda row: row["artifact_state"] in ("ready", "failed"),
        f"v{made['number']} copied",
    )


def contributions(story: Story) -> None:
    """Step 4: two honest, one with shifted labels, one that copies the benchmark."""
    rows = story.rows
    given = {
        HONEST_ONE: data.as_parquet(rows.honest[0]),
        HONEST_TWO: data.as_csv(rows.honest[1]),
        SHIFTED: data.as_parquet(rows.shifted),
        COPIED: data.as_csv(rows.copied),
    }
    for address, content in given.items():
        story.found[address] = contribution(story, address, content)
    for address in (HONEST_ONE, HONEST_TWO, SHIFTED):
        row = story.found[address]
        story.teller.holds(
            row["status"] in ("accepted", "used"), f"{address[:10]}… gave {row['row_count']} rows"
        )
    copied = story.found[COPIED]
    story.teller.holds(
        copied["status"] == "refused", f"{COPIED[:10]}… refused: {copied['reasons'][0]['message']}"
    )


def contribution(story: Story, address: str, content: bytes) -> Any:
    """A decided contribution of one address, given where it is absent."""
    chidi = story.apis["chidi"]
    row = chidi.first("contributions", model_id=MODEL_ID, address=address)
    if row is None:
        kind = "parquet" if content[:4] == b"PAR1" else "csv"
        row = chidi.upload(
            "contributions",
            content,
            f"rows.{kind}",
            model_id=MODEL_ID,
            address=address,
            licence=LICENCE,
            label_column=data.LABEL,
            contributor_name=GIVERS[address],
        )
    return chidi.wait(
        f"contributions/{row['id']}", lambda body: body["status"] != "received", "rows checked"
    )


def candidates(story: Story) -> None:
    """Step 5: the platform trains by one recipe: from mislabelled rows, then from honest ones.

    Each training has two arms, with the contributions and without; nobody writes code for it.
    """
    for arm, addresses in {"shifted": [SHIFTED], "honest": [HONEST_ONE, HONEST_TWO]}.items():
        given = [story.found[address] for address in addresses]
        row = trained(story, given)
        story.teller.holds(row["status"] == "trained", f"{arm}: {row['explanation'] or RECIPE}")
        found = story.ada.get(f"models/{MODEL_ID}/versions")["results"]
        by_id = {version["id"]: version for version in found}
        story.found[arm], control = by_id[row["candidate"]], by_id[row["control"]]
        story.found[f"{arm}-comparison"] = row["comparison"]
        story.teller.seen(
            f"{arm}: v{story.found[arm]['number']} with "
            f"{sum(one['row_count'] for one in given)} given rows, "
            f"v{control['number']} without, seeds {row['seeds']}"
        )


def trained(story: Story, given: list[Any]) -> Any:
    """The ended training of these contributions, asked for where it is absent."""
    added = {one["dataset_version"] for one in given}
    rows = story.ada.get("trainings", model_id=MODEL_ID)["results"]
    row = next((row for row in rows if set(row["added"]) == added), None)
    if row is None:
        body = {
            "benchmark": story.found["benchmark"]["id"],
            "recipe": RECIPE,
            "contributions": [one["id"] for one in given],
        }
        row = story.ada.post(f"models/{MODEL_ID}/candidates", body)
    return story.ada.wait(
        f"trainings/{row['id']}",
        lambda body: body["status"] == "failed" or body["comparison"],
        "both arms trained",
    )


def telling_order() -> list[tuple[str, Callable[[Story], None]]]:
    """The first half of the story; `hokusai.demo.proof` holds the second."""
    return [
        ("Two projects, their members and keys", people_and_keys),
        ("A benchmark, made by one person and approved by another", benchmark),
        ("A baseline on 100 real rows, logged with MLflow, registered over the API", baseline),
        ("Four contributions: two honest, one mislabelled, one copied", contributions),
        (
            "Two candidates from one recipe, each with its control",
            candidates,
        ),
    ]
