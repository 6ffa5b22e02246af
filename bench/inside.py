"""What our side alone is measured by, in a process of its own with its web's rights.

Each function prints JSON on its last line.
"""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.fill import fill_versions
from bench.sizes import PER_MODEL, PER_TEAM, searched
from hokusai.accounts.models import Project, User
from registry.api.bodies import page_body
from registry.lineage import lineage_of
from registry.models import ModelVersion
from registry.search import VersionSearch, read_search, viewer_of_key

WARM = 30
SEARCHES = 200
PAGES = 9
GENERATIONS = 1_000
LINEAGE = """
INSERT INTO registry_lineagenode (public_id, kind, label, project_id, model_id)
SELECT 'bench_' || kind || '_' || n, kind, kind || ' ' || n, %(project)s, NULL
FROM generate_series(1, %(n)s) n, (VALUES ('version'), ('dataset')) k(kind);
"""
EDGES = """
INSERT INTO registry_lineageedge (src_id, dst_id, kind, attributes)
SELECT s.id, d.id, e.kind, '{}'
FROM generate_series(1, %(n)s) n
CROSS JOIN LATERAL (VALUES
  ('version', n - 1, 'parent'), ('version', n - 2, 'parent'),
  ('dataset', n, 'trained_on'), ('dataset', n - 1, 'trained_on')
) e(of_kind, place, kind)
JOIN registry_lineagenode s ON s.public_id = 'bench_' || e.of_kind || '_' || e.place
JOIN registry_lineagenode d ON d.public_id = 'bench_version_' || n
"""


def fill_small() -> None:
    """A thousand versions, in a database that holds nothing."""
    owner = User.objects.create(username="bench")
    project = Project.objects.create(slug="bench", name="Bench")
    fill_versions(project, owner, models=PER_TEAM // PER_MODEL)
    print(json.dumps({"versions": ModelVersion.objects.count()}))


def searches(versions: int) -> None:
    """Medians in ms of one page by three tags, when 200 match, and at its worst."""
    wishes = {
        "selective": [searched(n, versions) for n in range(SEARCHES)],
        # Each of the three is common, and they are independent: one in 500 carries all.
        "independent": [
            [("framework", f"framework-{n % 5}"), ("region", f"region-{n % 7}"), ("task", "task-0")]
            for n in range(SEARCHES)
        ],
        # Two common tags that no version carries together.
        "disjoint": [
            [("team", f"team-{n % 10}"), ("task", f"task-{(n + 5) % 10}")] for n in range(SEARCHES)
        ],
    }
    viewer = viewer_of_key(Project.objects.get(slug="bench").pk)
    figures = {}
    for name, asked in wishes.items():
        stated = [read_search({"tag": [f"{k}={v}" for k, v in one]}) for one in asked]
        figures[name] = _median_ms([_page(one, viewer) for one in stated])
    print(json.dumps(figures))


def _page(search: VersionSearch, viewer: Any) -> Callable[[], object]:
    return lambda: page_body(search, viewer)


def fill_lineage() -> None:
    """A thousand versions, each with two parents and two datasets."""
    project = Project.objects.get(slug="bench")
    with connection.cursor() as cursor:
        cursor.execute(LINEAGE, {"project": project.pk, "n": GENERATIONS})
        cursor.execute(EDGES, {"n": GENERATIONS})
    print(json.dumps({"versions": GENERATIONS}))


def lineage() -> None:
    """The whole graph of these versions."""
    owner = User.objects.get(username="bench")
    last = f"bench_version_{GENERATIONS}"

    def read() -> Any:
        return lineage_of(public_id=last, user=owner, limit=5000)

    with CaptureQueriesContext(connection) as queries:
        graph = read()
    walks = sum("RECURSIVE" in query["sql"] for query in queries.captured_queries)
    print(
        json.dumps(
            {
                "ms": _median_ms([read] * 20),
                "nodes": len(graph.nodes),
                "edges": len(graph.edges),
                "walks": walks,
            }
        )
    )


def grow(versions: int) -> None:
    """Add versions without tags until there are so many."""
    project = Project.objects.get(slug="bench")
    missing = versions - ModelVersion.objects.count()
    models = max(0, missing // PER_MODEL)
    owner = User.objects.get(username="bench")
    fill_versions(project, owner, models=models, line="extra-", mark="01", tagged=False)
    print(json.dumps({"added": models * PER_MODEL}))


def admin_list() -> None:
    """Medians in ms of pages of the console's list of versions."""
    settings.ALLOWED_HOSTS = ["testserver"]
    staff, _ = User.objects.get_or_create(
        username="bench-staff", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    url = "/admin/registry/modelversion/"
    newest = ModelVersion.objects.order_by("-pk").values_list("pk", flat=True)[0]
    pages = {
        "first": url,
        "deep": f"{url}?before={newest // 2}",
        "stage": f"{url}?stage=production",
        "tag": f"{url}?tag=team%3Dteam-3",
    }
    figures = {
        name: _median_ms([_open(client, page)] * PAGES, warm=2) for name, page in pages.items()
    }
    print(json.dumps({**figures, "versions": ModelVersion.objects.count()}))


def _open(client: Client, url: str) -> Callable[[], object]:
    def opened() -> None:
        answer = client.get(url)
        if answer.status_code != 200:
            raise SystemExit(f"{url}: {answer.status_code}")

    return opened


def _median_ms(calls: list[Callable[[], object]], warm: int = WARM) -> float:
    for call in calls[:warm]:
        call()
    took = []
    for call in calls:
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1e3)
    return round(statistics.median(took), 3)
