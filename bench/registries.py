"""The registry against MLflow's, request by request."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from bench.load import Load
from bench.measuring import Asked, Measured, Result, Turns, ask, result
from bench.peer_fill import API
from bench.sides import Running, Sides
from bench.sizes import IN_PRODUCTION, PER_MODEL, TAG_SQL, searched

READERS = 16
WRITERS = 8
SEARCHERS = 4
PATIENCE_S = 5
PATHS = 5_000
PAGE = 50
SEARCHES = 500
FOUND = 200


@dataclass(frozen=True)
class Registries:
    """Both registries with the same rows in one PostgreSQL."""

    sides: Sides
    at: Running
    turns: Turns
    seconds: int
    readers: int = READERS

    @property
    def models(self) -> int:
        return self.sides.models

    @property
    def versions(self) -> int:
        return self.models * PER_MODEL

    def get_version(self) -> Result:
        """One of all versions, by model and number."""
        step = max(1, self.versions // PATHS)
        places = [divmod(i, PER_MODEL) for i in range(0, self.versions, step)]
        return self.compare(
            [f"/api/v1/models/bench.model-{m}/versions/{n + 1}" for m, n in places],
            [f"{API}/model-versions/get?name=model-{m}&version={n + 1}" for m, n in places],
            self._same_version,
            "one version by model and number",
        )

    def production_version(self) -> Result:
        """The version of a model that is in production; on MLflow the alias `production`."""
        names = range(0, self.models, max(1, self.models // PATHS))
        return self.compare(
            [f"/api/v1/models/bench.model-{m}/versions/production" for m in names],
            [f"{API}/registered-models/alias?name=model-{m}&alias=production" for m in names],
            self._same_production,
            "the version in production; on MLflow the one with the alias",
        )

    def search_versions(self) -> Result:
        """A page of 50 of the 200 versions that carry three tags."""
        wishes = [searched(n, self.versions) for n in range(SEARCHES)]
        # A search of MLflow's may take seconds: fewer at once, and time to end.
        patient = replace(self, seconds=max(self.seconds, PATIENCE_S), readers=SEARCHERS)
        return patient.compare(
            [f"/api/v1/versions?{_tags(wish)}" for wish in wishes],
            [f"{API}/model-versions/search?{_filter(wish)}" for wish in wishes],
            self._same_page,
            f"{PAGE} of {FOUND} versions that carry three tags",
        )

    def create_version(self) -> Result:
        """A new version with five tags, of one of all models in turn."""
        tags = {key: f"new {key}" for key in TAG_SQL}
        body = {
            "project": "bench",
            "model": "model-@m@",
            "source": "models:/m-0000000000000000@n@",
            "tags": tags,
        }
        ours = self._ours(["/api/v1/models/register"], body=body)
        peer = {
            "name": "model-@m@",
            "source": "s3://bench/new/@n@",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        asked = {"ours": ours} | {
            kind: self._mlflow(kind, [f"{API}/model-versions/create"], body=peer)
            for kind in self.at.mlflow_ports
        }
        return self._judged(asked, "a new version with five tags", WRITERS)

    def compare(
        self,
        ours: Sequence[str],
        theirs: Sequence[str],
        check: Callable[[Load, Load], None],
        what: str,
    ) -> Result:
        """Paths of both sides against each other, once `check` found the same answer in both."""
        asked = {"ours": self._ours(ours)} | {
            kind: self._mlflow(kind, theirs) for kind in self.at.mlflow_ports
        }
        check(asked["ours"].load, asked["gunicorn"].load)
        return self._judged(asked, what, self.readers)

    def _judged(self, asked: dict[str, Asked], what: str, connections: int) -> Result:
        measured = self.turns.measure(asked)
        kinds = list(self.at.mlflow_ports)
        best = max(kinds, key=lambda kind: measured[kind].per_second)
        ours, peer = measured["ours"], measured[best]
        frugal = max(measured[kind].per_cpu_s for kind in kinds)
        each = ", ".join(f"{kind} {_shown(measured[kind])}" for kind in kinds)
        return result(
            ours.per_second,
            peer.per_second,
            "requests/s",
            f"{what}; {self.versions} versions, {connections} connections, 2 workers each; "
            f"ours {_shown(ours)}; {each}; per CPU second with PostgreSQL "
            f"{ours.per_cpu_s:.0f} against {frugal:.0f}: {ours.per_cpu_s / frugal:.1f} times",
        )

    def _ours(self, paths: Sequence[str], body: object = None) -> Asked:
        headers = {"Authorization": f"Bearer {self.at.secret}"}
        load = self._load(self.at.web_port, paths, headers, body)
        return Asked(load, self.sides.pids_of_registry(), "web")

    def _mlflow(self, kind: str, paths: Sequence[str], body: object = None) -> Asked:
        load = self._load(self.at.mlflow_ports[kind], paths, {}, body)
        return Asked(load, self.sides.pids_of_mlflow()[kind], f"mlflow-{kind}")

    def _load(self, port: int, paths: Sequence[str], headers: dict[str, str], body: object) -> Load:
        url = f"http://127.0.0.1:{port}"
        if body is None:
            return Load(url, paths, headers, b"", self.readers, self.seconds)
        headers = {**headers, "Content-Type": "application/json"}
        text = json.dumps(body).encode()
        return Load(url, paths, headers, text, WRITERS, self.seconds, spread=self.models)

    def _same_version(self, ours: Load, theirs: Load) -> None:
        one, other = ask(ours), ask(theirs)["model_version"]
        _require(one["tags"] == _named(other["tags"]), "tags of a version")
        _require(one["source"] == other["source"], "source of a version")

    def _same_production(self, ours: Load, theirs: Load) -> None:
        one, other = ask(ours), ask(theirs)["model_version"]
        _require(one["number"] == int(other["version"]) == IN_PRODUCTION, "version in production")

    def _same_page(self, ours: Load, theirs: Load) -> None:
        one, other = ask(ours)["results"], ask(theirs)["model_versions"]
        _require(len(one) == len(other) == PAGE, "length of a page")
        wish = dict(searched(0, self.versions))
        for row in (*(row["tags"] for row in one), *(_named(row["tags"]) for row in other)):
            _require(wish.items() <= row.items(), "tags that were asked for")


def _shown(measured: Measured) -> str:
    uneven = "" if measured.even else ", workers unevenly used"
    return f"{measured.per_second:.0f}/s (p50 {measured.p50_ms:.1f} ms{uneven})"


def _named(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}


def _tags(wish: list[tuple[str, str]]) -> str:
    return urlencode([*(("tag", f"{key}={value}") for key, value in wish), ("page_size", PAGE)])


def _filter(wish: list[tuple[str, str]]) -> str:
    text = " and ".join(f"tags.{key} = '{value}'" for key, value in wish)
    return urlencode({"filter": text, "max_results": PAGE})


def _require(held: bool, what: str) -> None:
    """Both sides must answer the same; else the figures mean nothing."""
    if not held:
        raise RuntimeError(f"The sides differ in the {what}.")
