from typing import Any

import pytest

from contributions.disclosure import disclose_row
from contributions.models import Contribution
from experiments.algorithms.commitments import Disclosed, verify_disclosed
from hokusai.accounts.choices import Role
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hokusai.core.models import Event
from registry.algorithms.rows import encode_row
from registry.services import read_rows, schema_of
from tests.contributions.world import give
from tests.factories import ContributionFactory, client_of, member
from tests.measuring import Bench, bench, table

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("long_lease")]
EIGHT, OTHERS = slice(950, 958), slice(958, 961)


@pytest.fixture(name="of")
def make_bench() -> Bench:
    return bench(table(slice(0, 40)))


@pytest.fixture(name="given")
def give_eight(of: Bench) -> Contribution:
    return give(of, table(EIGHT))


def own(given: Contribution) -> Any:
    return actor_of(given.submitted_by)


def cells(given: Contribution, index: int) -> dict[str, Any]:
    columns = read_rows(given.dataset_version).columns
    return {name: values[index] for name, values in columns.items()}


def holds(shown: dict[str, Any], root: str, **changes: Any) -> bool:
    shown = shown | changes
    disclosed = Disclosed(
        shown["index"],
        shown["size"],
        bytes.fromhex(shown["row"]),
        bytes.fromhex(shown["salt"]),
        tuple(bytes.fromhex(item) for item in shown["path"]),
    )
    return verify_disclosed(disclosed, bytes.fromhex(root))


def test_accepted_rows_are_committed_to_and_refused_ones_are_not(
    of: Bench, given: Contribution
) -> None:
    assert len(bytes.fromhex(given.disclosure_root)) == 32
    assert len(bytes.fromhex(given.disclosure_secret)) == 32
    refused = give(of, table(slice(0, 3)))
    assert (refused.status, refused.disclosure_root) == ("refused", "")
    with pytest.raises(Conflict, match="not committed to"):
        disclose_row(contribution=refused, actor=own(refused), index=0)


def test_the_giver_shows_a_row_by_place_or_by_cells(given: Contribution) -> None:
    for index in range(8):
        shown = disclose_row(contribution=given, actor=own(given), index=index)
        assert holds(shown, given.disclosure_root)
        assert (shown["index"], shown["size"]) == (index, 8)
    by_cells = disclose_row(contribution=given, actor=own(given), row=cells(given, 5))
    assert by_cells == disclose_row(contribution=given, actor=own(given), index=5)
    event = Event.objects.filter(tag="contribution:disclosed").first()
    assert event is not None
    assert "5" not in str(event.after), "which row was shown is the giver's own affair"


def test_a_row_that_was_not_in_is_not_shown(given: Contribution) -> None:
    other = {**cells(given, 0), "label": (cells(given, 0)["label"] + 1) % 10}
    with pytest.raises(NotFound):
        disclose_row(contribution=given, actor=own(given), row=other)
    with pytest.raises(NotFound):
        disclose_row(contribution=given, actor=own(given), index=8)
    with pytest.raises(InvalidInput, match="every column"):
        disclose_row(contribution=given, actor=own(given), row={"label": 1})


def test_nobody_else_is_shown_a_row(given: Contribution) -> None:
    stranger = member(given.project, Role.CONTRIBUTOR)
    with pytest.raises(Forbidden):
        disclose_row(contribution=given, actor=actor_of(stranger), index=0)


def test_what_is_shown_of_one_row_proves_no_other(of: Bench, given: Contribution) -> None:
    shown = disclose_row(contribution=given, actor=own(given), index=2)
    neighbour = disclose_row(contribution=given, actor=own(given), index=3)
    schema = schema_of(given.dataset_version)
    guess = encode_row(cells(given, 3), schema).hex()

    # A right guess of the neighbour's cells is not confirmed by the sibling in the path.
    assert shown["path"][0] not in (guess, shown["salt"])
    for changes in (
        {"row": guess},
        {"row": guess, "index": 3},
        {"row": neighbour["row"], "index": 3, "path": neighbour["path"]},
        {"path": neighbour["path"]},
        {"path": [shown["path"][1], *shown["path"][1:]]},
        {"path": shown["path"][:-1]},
        {"size": 9},
        {"salt": neighbour["salt"]},
    ):
        assert not holds(shown, given.disclosure_root, **changes)
    others = give(of, table(OTHERS))
    assert not holds(shown, others.disclosure_root)


def test_a_giver_asks_over_the_api_and_others_are_refused(given: Contribution) -> None:
    path = f"/api/v1/contributions/{given.public_id}/disclosure"
    client = client_of(given.submitted_by)
    answer = client.post(path, {"index": 4})
    assert answer.status_code == 200, answer.content
    assert holds(answer.json(), given.disclosure_root)
    assert given.disclosure_secret not in answer.content.decode()
    assert client.post(path, {"row": cells(given, 4)}).json() == answer.json()
    for wrong in ({}, {"index": -1}, {"index": 1, "row": {}}, {"row": "x"}):
        assert client.post(path, wrong).status_code == 400
    another = client_of(member(given.project, Role.CONTRIBUTOR))
    assert another.post(path, {"index": 4}).status_code == 403
    outsider = client_of(ContributionFactory().submitted_by)
    assert outsider.post(path, {"index": 4}).status_code == 404
    shown = client.get(f"/api/v1/contributions/{given.public_id}")
    assert "disclosure_secret" not in shown.json()
