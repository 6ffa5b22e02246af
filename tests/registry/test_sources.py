import pytest

from registry.exceptions import ArtifactRefused
from registry.sources import check_source, run_of
from tests.factories import ProjectFactory

COMMIT = "d" * 40


@pytest.mark.parametrize(
    "source", [f"upload:/upl_{'0' * 32}", f"hf:/tides/forecast@{COMMIT}", f"runs:/{'0' * 32}/m"]
)
def test_addresses_of_fixed_bytes_are_taken(source: str) -> None:
    check_source(source, ProjectFactory.build())


@pytest.mark.parametrize(
    "source",
    [
        "hf:/tides/forecast@main",
        "hf:/tides/forecast",
        f"hf:/forecast@{COMMIT}",
        f"hf:/../forecast@{COMMIT}",
        f"hf:/tides/forecast@{COMMIT}\n",
        "upload:/upl_1",
        "https://example.org/model",
    ],
)
def test_what_may_change_or_leave_is_refused(source: str) -> None:
    with pytest.raises(ArtifactRefused):
        check_source(source, ProjectFactory.build())


def test_a_run_is_named_by_its_source_alone() -> None:
    assert run_of(f"runs:/{'0' * 32}/model") == "0" * 32
    assert run_of("models:/m-1") == ""
