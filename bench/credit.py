"""A million attributions, and one contributor's impact among them; in a process of our side.

Each function prints JSON on its last line.
"""

import json
import statistics
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from eth_utils.address import to_checksum_address

from contributions.models import (
    Attestation,
    Contribution,
    Contributor,
    ImpactDay,
    Improvement,
    Share,
    Wallet,
)
from contributions.rollups import rebuild
from experiments.models import Benchmark, Comparison
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Membership, Project, User
from registry.models import Dataset, DatasetVersion, Model, ModelVersion

PEOPLE, IMPROVEMENTS, SHARES = 20_000, 1_000, 1_000
ASKED = 40
BATCH = 5_000
SPREAD = """
INSERT INTO contributions_share (improvement_id, contribution_id, contributor_id, basis_points)
SELECT i.id, c.id, w.contributor_id, 10
FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM contributions_improvement) i
JOIN (SELECT id, wallet_id, row_number() OVER (ORDER BY id) - 1 AS n
      FROM contributions_contribution) c
  ON (c.n - i.n * %(step)s + %(people)s * %(step)s) %% %(people)s < %(shares)s
JOIN contributions_wallet w ON w.id = c.wallet_id
"""


def address(number: int) -> str:
    """The address of a person."""
    return str(to_checksum_address(f"0x{number + 1:040x}"))


def fill_impact() -> None:
    """People, their contributions, attested improvements and a share of each thousandth."""
    project, owner = Project.objects.get(slug="bench"), User.objects.get(username="bench")
    models = list(Model.objects.filter(project=project).order_by("pk")[:IMPROVEMENTS])
    Membership.objects.get_or_create(project=project, user=owner, defaults={"role": Role.OWNER})
    _people(project, owner, models[0])
    _improvements(project, owner, models)
    with connection.cursor() as cursor:
        cursor.execute(SPREAD, {"people": PEOPLE, "shares": SHARES, "step": PEOPLE // 20 - 1})
    print(json.dumps({"shares": Share.objects.count()}))


def _people(project: Project, owner: User, model: Model) -> None:
    line = Dataset.objects.create(project=project, slug="bench-gifts", name="Gifts")
    persons = Contributor.objects.bulk_create(
        (Contributor(name=f"Person {n}") for n in range(PEOPLE)), batch_size=BATCH
    )
    wallets = Wallet.objects.bulk_create(
        (Wallet(contributor=person, address=address(n)) for n, person in enumerate(persons)),
        batch_size=BATCH,
    )
    tables = DatasetVersion.objects.bulk_create(
        (_table(line, owner, n) for n in range(PEOPLE)), batch_size=BATCH
    )
    Contribution.objects.bulk_create(
        (
            Contribution(
                project=project,
                model=model,
                wallet=wallet,
                dataset_version=table,
                licence="CC0-1.0",
                status="used",
                submitted_by=owner,
            )
            for wallet, table in zip(wallets, tables, strict=True)
        ),
        batch_size=BATCH,
    )


def _table(line: Dataset, owner: User, number: int) -> DatasetVersion:
    return DatasetVersion(
        dataset=line,
        number=number + 1,
        file_digest=f"{number:064x}",
        file_format="csv",
        size_bytes=1,
        row_count=1,
        uploaded_by=owner,
    )


def _improvements(project: Project, owner: User, models: list[Model]) -> None:
    table = DatasetVersion.objects.filter(dataset__project=project).order_by("-pk")[0]
    benchmark = Benchmark.objects.create(
        project=project,
        slug="bench-rows",
        name="Rows",
        dataset_version=table,
        features=["x"],
        label_column="y",
        metric="accuracy",
        created_by=owner,
    )
    versions = ModelVersion.objects.filter(model__in=models, number__in=(1, 2))
    found = {(row.model_id, row.number): row for row in versions}
    comparisons = Comparison.objects.bulk_create(
        Comparison(
            benchmark=benchmark,
            baseline=found[model.pk, 1],
            candidate=found[model.pk, 2],
            baseline_digest=f"{n:064x}",
            candidate_digest=f"{n + 1:064x}",
            status="accepted",
            attempt=n + 1,
            delta_ppm=20_000,
            requested_by=owner,
        )
        for n, model in enumerate(models)
    )
    made = Improvement.objects.bulk_create(
        Improvement(
            comparison=row,
            model_id=row.candidate.model_id,
            baseline=row.baseline,
            candidate=row.candidate,
            delta_ppm=20_000,
            payable_ppm=10_000 + n,
            method="bench",
        )
        for n, row in enumerate(comparisons)
    )
    Attestation.objects.bulk_create(
        Attestation(
            improvement=row,
            statement_id=f"{n:064x}",
            status="signed",
            statement="{}",
            signed_at=timezone.now() - timedelta(days=n % 365),
        )
        for n, row in enumerate(made)
    )


def impact() -> None:
    """The median in ms of the API's answer, as a member of the project gets it."""
    began = time.perf_counter()
    rebuild()
    rebuilt_s = round(time.perf_counter() - began, 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contributions_impactday, contributions_impacttotal")
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(
        User.objects.get(username="bench"), backend="django.contrib.auth.backends.ModelBackend"
    )
    took = [_ask(client, n * (PEOPLE // ASKED)) for n in range(ASKED)]
    print(
        json.dumps(
            {
                "ms": round(statistics.median(took), 1),
                "rebuilt_s": rebuilt_s,
                "shares": Share.objects.count(),
                "people": PEOPLE,
                "models": ImpactDay.objects.values("model").distinct().count(),
            }
        )
    )


def _ask(client: Any, number: int) -> float:
    began = time.perf_counter()
    answer = client.get(f"/api/v1/contributors/{address(number)}/impact")
    took_ms = (time.perf_counter() - began) * 1e3
    if answer.status_code != 200 or not answer.json()["totals"]:
        raise SystemExit(f"{answer.status_code}: {answer.content[:300]!r}")
    return took_ms
