import pytest

from experiments.algorithms.decision import Guardrail, Policy
from experiments.policy import metrics_of, policy_of, spec_digest, spec_of
from hokusai.core.canonical import canonical_bytes, sha256_hex
from tests.factories import BenchmarkFactory

pytestmark = pytest.mark.django_db
GUARDRAILS = [{"metric": "log_loss", "margin_ppm": 50_000}]


def test_a_benchmark_reads_as_the_policy_that_decides() -> None:
    benchmark = BenchmarkFactory(guardrails=GUARDRAILS, margin_ppm=5, minimum_gain_ppm=7)
    assert policy_of(benchmark) == Policy(
        metric="accuracy",
        margin=5,
        minimum_gain=7,
        alpha=0.025,
        guardrails=(Guardrail("log_loss", 50_000),),
    )
    assert metrics_of(benchmark) == ["accuracy", "log_loss"]


def test_the_digest_is_of_the_canonical_spec_alone() -> None:
    benchmark = BenchmarkFactory(guardrails=GUARDRAILS)
    assert spec_digest(benchmark) == sha256_hex(canonical_bytes(spec_of(benchmark)))
    benchmark.name, benchmark.status = "Another name", "retired"
    assert spec_of(benchmark)["alphaE9"] == 25_000_000
    assert "Another name" not in str(spec_of(benchmark))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("features", ["y"]),
        ("label_column", "other"),
        ("metric", "log_loss"),
        ("margin_ppm", 1),
        ("minimum_gain_ppm", 1),
        ("alpha", 0.01),
        ("guardrails", GUARDRAILS),
        ("seed", 3),
        ("task", "regression"),
        ("cluster_column", "shop"),
        ("weight_column", "mass"),
        ("group_column", "query"),
        ("slice_columns", ["region"]),
        ("confirmation_ppm", 1),
        ("split_salt", "0b" * 32),
    ],
)
def test_whatever_decides_is_part_of_the_digest(field: str, value: object) -> None:
    benchmark = BenchmarkFactory()
    before = spec_digest(benchmark)
    setattr(benchmark, field, value)
    assert spec_digest(benchmark) != before


def test_other_rows_are_another_digest() -> None:
    first = BenchmarkFactory()
    before = spec_digest(first)
    first.dataset_version.rows_digest = "0" * 64
    assert spec_digest(first) != before


def test_the_salt_that_splits_the_rows_is_fixed_and_never_told() -> None:
    benchmark = BenchmarkFactory(split_salt="0a" * 32)
    assert "0a0a" not in str(spec_of(benchmark))
    assert spec_of(benchmark)["splitSaltDigest"] == sha256_hex(b"\n" * 32)


def test_the_digest_of_a_benchmark_of_before_the_split_is_still_found() -> None:
    assert "confirmationPpm" not in spec_of(BenchmarkFactory(split_salt=""))
