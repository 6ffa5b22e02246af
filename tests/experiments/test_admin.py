import pytest
from django.urls import reverse

from experiments.choices import BenchmarkStatus, ComparisonStatus, EvaluationRole
from experiments.models import Benchmark, Comparison, Confirmation, CumulativeGain
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from tests.factories import (
    BenchmarkFactory,
    ComparisonFactory,
    DatasetVersionFactory,
    EvaluationFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db

EFFECT = {"delta_ppm": 15_000, "low_ppm": 9_000, "high_ppm": 22_000, "p_value": 0.002}
STATISTICS = {
    "guardrails": [{"metric": "log_loss", "margin": 5000, "harm_upper": 700, "passed": True}],
    "n": 560,
    "b": 20,
    "c": 36,
    "evidence": {"accuracy": {"form": "counts", "b": 20, "c": 36, "n": 560}},
    "slices": [
        {
            "column": "region",
            "value": "north",
            "n": 200,
            "baseline_score": 800_000,
            "candidate_score": 830_000,
            "delta_ppm": 30_000,
            "low": -1_000,
            "high": 61_000,
            "p_value": 0.05,
            "p_holm": 0.1,
        }
    ],
    "control": {"data": EFFECT, "engineering": EFFECT},
    "seeds": {
        "seeds": [1, 2, 3],
        "deltas_ppm": [21_300, 20_000, 24_000],
        "effects_ppm": [15_000, 14_000, 16_000],
        "sd_ppm": 2_100,
    },
}
CONFUSION = {"labels": ["0", "1"], "counts": [[3, 1], [0, 4]]}


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


@pytest.fixture
def reviewer(project: Project) -> Staff:
    return staff_in(project, Role.REVIEWER)


def decided(project: Project, status: ComparisonStatus) -> Comparison:
    comparison = ComparisonFactory(
        benchmark__project=project,
        status=status,
        delta_ppm=21_300,
        low_ppm=11_000,
        high_ppm=31_000,
        p_value=0.001,
        explanation="Measured on 800 rows.",
        statistics=STATISTICS,
    )
    for role in EvaluationRole:
        EvaluationFactory(comparison=comparison, role=role, confusion=CONFUSION)
    return comparison


def titles(staff: Staff, comparison: Comparison) -> list[str]:
    url = reverse("admin:experiments_comparison_change", args=[comparison.pk])
    page = staff.client.get(url).context["page"]
    return [panel.title for panel in page.panels if panel is not None]


def test_a_reviewer_sees_interval_guardrails_and_both_confusions(
    reviewer: Staff, project: Project
) -> None:
    shown = titles(reviewer, decided(project, ComparisonStatus.REFUSED))
    assert {"Gain and its interval", "Guardrails", "Confusion of the baseline"} <= set(shown)


def test_an_engineer_sees_no_interval_of_a_refused_attempt(
    engineer: Staff, project: Project
) -> None:
    comparison = decided(project, ComparisonStatus.REFUSED)
    assert "Gain and its interval" not in titles(engineer, comparison)
    url = reverse("admin:experiments_comparison_change", args=[comparison.pk])
    assert "+2.13" not in engineer.client.get(url).content.decode()


def test_an_engineer_sees_the_interval_of_an_accepted_one_and_no_confusion(
    engineer: Staff, project: Project
) -> None:
    shown = titles(engineer, decided(project, ComparisonStatus.ACCEPTED))
    assert "Gain and its interval" in shown
    assert not any(title.startswith("Confusion") for title in shown)


def test_the_list_tells_no_gain_of_refused_attempts(engineer: Staff, project: Project) -> None:
    decided(project, ComparisonStatus.REFUSED)
    page = engineer.client.get(reverse("admin:experiments_comparison_changelist"))
    assert "+2.13" not in page.content.decode()


def test_a_version_is_evaluated_from_its_page(engineer: Staff, project: Project) -> None:
    model = ModelFactory(project=project)
    baseline = ModelVersionFactory(model=model)
    candidate = ModelVersionFactory(model=model, parent=baseline)
    benchmark = BenchmarkFactory(project=project)
    url = reverse("admin:registry_modelversion_evaluate", args=[candidate.pk])
    answer = engineer.client.post(url, {**SENT, "baseline": baseline.pk, "benchmark": benchmark.pk})
    comparison = Comparison.objects.get()
    assert (comparison.baseline, comparison.candidate) == (baseline, candidate)
    assert "HX-Redirect" in answer


def test_a_draft_benchmark_is_not_offered(engineer: Staff, project: Project) -> None:
    version = ModelVersionFactory(model__project=project)
    BenchmarkFactory(project=project, status=BenchmarkStatus.DRAFT, name="Unready")
    url = reverse("admin:registry_modelversion_evaluate", args=[version.pk])
    assert "Unready" not in engineer.client.get(url).content.decode()


def test_a_second_person_approves_a_benchmark(reviewer: Staff, project: Project) -> None:
    benchmark = BenchmarkFactory(
        project=project, status=BenchmarkStatus.DRAFT, approved_by=None, approved_at=None
    )
    reviewer.client.post(reverse("admin:experiments_benchmark_approve", args=[benchmark.pk]), SENT)
    benchmark.refresh_from_db()
    assert benchmark.status == BenchmarkStatus.APPROVED
    assert benchmark.approved_by == reviewer.user


def test_its_maker_approves_no_benchmark(reviewer: Staff, project: Project) -> None:
    benchmark = BenchmarkFactory(
        project=project,
        status=BenchmarkStatus.DRAFT,
        approved_by=None,
        approved_at=None,
        created_by=reviewer.user,
    )
    reviewer.client.post(reverse("admin:experiments_benchmark_approve", args=[benchmark.pk]), SENT)
    benchmark.refresh_from_db()
    assert benchmark.status == BenchmarkStatus.DRAFT


def test_a_benchmark_is_made_with_points_as_millionths(engineer: Staff, project: Project) -> None:
    columns = [{"name": "x", "dtype": "number"}, {"name": "label", "dtype": "integer"}]
    rows = DatasetVersionFactory(dataset__project=project, columns=columns)
    answer = engineer.client.post(
        reverse("admin:experiments_benchmark_add"),
        {
            "project": project.pk,
            "slug": "held-out",
            "name": "Held out",
            "dataset_version": rows.pk,
            "label_column": "label",
            "metric": "accuracy",
            "minimum_gain": "1.5",
            "margin": "0",
            "alpha": "0.025",
            "guardrails": "log_loss 0.005",
            "confirmation": "0",
        },
    )
    assert answer.status_code == 302, answer.context["form"].errors
    benchmark = Benchmark.objects.get(slug="held-out")
    assert benchmark.minimum_gain_ppm == 15_000
    assert benchmark.guardrails == [{"metric": "log_loss", "margin_ppm": 5000}]
    assert (benchmark.task, benchmark.confirmation_ppm) == ("classification", 0)


def test_a_guardrail_without_a_number_is_an_error(engineer: Staff) -> None:
    answer = engineer.client.post(
        reverse("admin:experiments_benchmark_add"), {"guardrails": "log_loss"}
    )
    assert "a metric and a number" in answer.content.decode()


def test_a_models_page_shows_first_what_was_measured(engineer: Staff, project: Project) -> None:
    comparison = decided(project, ComparisonStatus.REFUSED)
    url = reverse("admin:registry_model_change", args=[comparison.candidate.model.pk])
    first = engineer.client.get(url).context["page"].panels[0]
    assert first.title == "accuracy over versions, as measured"
    assert [point["shown"] for point in first.context["data"]["points"]] == ["about 91 %"] * 2
    assert "rounded" in first.hint


def test_a_model_that_was_never_compared_says_how_to_begin(
    engineer: Staff, project: Project
) -> None:
    url = reverse("admin:registry_model_change", args=[ModelFactory(project=project).pk])
    assert "choose Evaluate" in engineer.client.get(url).content.decode()


def test_a_reviewer_sees_slices_power_credit_seeds_and_the_ledger(
    reviewer: Staff, project: Project
) -> None:
    comparison = decided(project, ComparisonStatus.ACCEPTED)
    Confirmation.objects.create(
        comparison=comparison, status="confirmed", delta_ppm=18_000, low_ppm=2_000, high_ppm=40_000
    )
    shown = titles(reviewer, comparison)
    assert {
        "Per slice",
        "What this attempt could find",
        "Data and engineering",
        "Over training seeds",
        "On the rows kept to confirm",
        "Ledger of attempts",
        "Confusion of the candidate",
    } <= set(shown)
    url = reverse("admin:experiments_comparison_change", args=[comparison.pk])
    text = reviewer.client.get(url).content.decode()
    assert "region = north" in text
    assert "Confirmed on rows that no decision had touched." in text
    assert "10 % disagreement" in text


def test_an_engineer_sees_neither_slices_nor_ledger_nor_what_was_not_confirmed(
    engineer: Staff, project: Project
) -> None:
    comparison = decided(project, ComparisonStatus.ACCEPTED)
    Confirmation.objects.create(
        comparison=comparison, status="unconfirmed", delta_ppm=18_765, explanation="Not shown."
    )
    shown = titles(engineer, comparison)
    assert not {"Per slice", "Ledger of attempts"} & set(shown)
    url = reverse("admin:experiments_comparison_change", args=[comparison.pk])
    text = engineer.client.get(url).content.decode()
    assert "nothing is payable for it" in text
    assert "+1.88" not in text
    assert "north" not in text


def test_the_attempt_is_told_before_it_is_asked_for(engineer: Staff, project: Project) -> None:
    version = ModelVersionFactory(model__project=project)
    benchmark = BenchmarkFactory(project=project, name="Tides")
    benchmark.dataset_version.row_count = 628
    benchmark.dataset_version.save()
    ComparisonFactory.create_batch(3, benchmark=benchmark)
    BenchmarkFactory(project=project, name="Errors", task="regression", metric="mae")
    url = reverse("admin:registry_modelversion_evaluate", args=[version.pk])
    text = engineer.client.get(url).content.decode()
    assert "Tides · attempt 4 at level 0.00095 · 628 rows find" in text
    assert "Errors · attempt 1 at level 0.015" in text


def test_a_benchmarks_page_tells_what_its_rows_can_show(
    engineer: Staff, reviewer: Staff, project: Project
) -> None:
    benchmark = BenchmarkFactory(project=project)
    benchmark.dataset_version.row_count = 628
    benchmark.dataset_version.save()
    url = reverse("admin:experiments_benchmark_change", args=[benchmark.pk])
    page = engineer.client.get(url)
    found = {panel.title: panel for panel in page.context["page"].panels if panel is not None}
    drawn = found["What these rows can show"].context["data"]
    assert [len(one["points"]) for one in drawn["series"]] == [7, 10, 10]
    assert drawn["unit"] == "percentage points"
    assert "Ledger of attempts" not in found
    assert "nothing is payable on this benchmark" in page.content.decode()
    assert (
        "the ledger begins with the first comparison" in reviewer.client.get(url).content.decode()
    )


def test_a_benchmark_in_units_of_its_labels_says_how_to_plan(
    engineer: Staff, project: Project
) -> None:
    benchmark = BenchmarkFactory(project=project, task="regression", metric="mae")
    url = reverse("admin:experiments_benchmark_change", args=[benchmark.pk])
    assert f"benchmarks/{benchmark.public_id}/power" in engineer.client.get(url).content.decode()


def test_a_models_page_tells_how_far_its_line_has_come(engineer: Staff, project: Project) -> None:
    comparison = decided(project, ComparisonStatus.ACCEPTED)
    model = comparison.candidate.model
    url = reverse("admin:registry_model_change", args=[model.pk])
    assert "Not measured yet" in engineer.client.get(url).content.decode()
    model.head = comparison.candidate
    model.save()
    engineer.client.post(reverse("admin:registry_model_measure_line", args=[model.pk]), SENT)
    gain = CumulativeGain.objects.get()
    CumulativeGain.objects.update(
        delta_ppm=104_000, low_ppm=81_000, high_ppm=128_000, measured_at=gain.created_at
    )
    assert "+8.10 pp to +12.80 pp" in engineer.client.get(url).content.decode()
