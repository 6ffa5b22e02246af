import pytest

from hokusai.accounts.models import Project, User
from registry.choices import EdgeKind, NodeKind
from registry.lineage import downstream_of, used_by
from tests.factories import ProjectFactory
from tests.lineages import Line, link, point

pytestmark = pytest.mark.django_db


@pytest.fixture
def line(project: Project) -> Line:
    """v1 -> v2 -> v3; a table went into v2, another into v3."""
    found = Line(project)
    for _ in range(3):
        found.version()
    link(point(NodeKind.DATASET, "dsv_a", project), found.points[1], EdgeKind.TRAINED_ON)
    link(point(NodeKind.DATASET, "dsv_b", project), found.points[2], EdgeKind.TRAINED_ON)
    return found


def test_a_table_was_used_by_the_version_trained_on_it_and_by_those_after(
    line: Line, engineer: User
) -> None:
    uses = used_by(public_id="dsv_a", user=engineer).uses
    assert [(use.version.public_id, use.direct, use.generations) for use in uses] == [
        (line.versions[1].public_id, True, 0),
        (line.versions[2].public_id, False, 1),
    ]
    assert uses[0].through is None
    assert uses[1].through == uses[0].version


def test_a_version_trained_on_it_and_descended_from_one_used_it_directly(
    line: Line, engineer: User
) -> None:
    table = point(NodeKind.DATASET, "dsv_c", line.project)
    for found in line.points[:2]:
        link(table, found, EdgeKind.TRAINED_ON)
    uses = used_by(public_id="dsv_c", user=engineer).uses
    assert [use.direct for use in uses] == [True, True, False]


def test_a_use_in_a_hidden_project_is_counted_without_a_name(line: Line, engineer: User) -> None:
    secret = point(NodeKind.VERSION, "mdv_secret", ProjectFactory())
    link(line.points[1], secret, EdgeKind.PARENT)
    uses = used_by(public_id="dsv_a", user=engineer).uses
    assert [use.version.hidden for use in uses] == [False, False, True]
    assert "secret" not in repr(uses)


def test_a_table_that_nobody_used_has_no_uses(project: Project, engineer: User) -> None:
    assert used_by(public_id="dsv_absent", user=engineer).uses == []
    point(NodeKind.DATASET, "dsv_lone", project)
    assert used_by(public_id="dsv_lone", user=engineer).uses == []


def test_downstream_of_a_contribution_is_all_that_came_of_it_the_nearest_first(
    line: Line, engineer: User
) -> None:
    given = point(NodeKind.CONTRIBUTION, "ctr_1", line.project)
    rows = point(NodeKind.DATASET, "dsv_given", line.project)
    link(given, rows, EdgeKind.GIVEN_AS)
    link(rows, line.points[0], EdgeKind.TRAINED_ON)
    answer = downstream_of(public_id="ctr_1", user=engineer)
    assert [(one.node.kind, one.distance) for one in answer.reached] == [
        ("dataset", 1),
        ("version", 2),
        ("version", 3),
        ("version", 4),
    ]
    assert answer.counts == {"dataset": 1, "version": 3}
    assert not answer.graph.truncated


def test_downstream_answers_the_kinds_asked_for_and_says_where_it_was_cut(
    line: Line, engineer: User
) -> None:
    answer = downstream_of(public_id="dsv_a", user=engineer, kinds=["version"], limit=1)
    assert [one.distance for one in answer.reached] == [1]
    assert answer.counts == {"version": 2}
    assert answer.graph.truncated
    assert downstream_of(public_id="dsv_a", user=engineer, kinds=["run"]).reached == []


def test_nothing_is_downstream_of_what_nobody_knows(engineer: User) -> None:
    assert downstream_of(public_id="absent", user=engineer).reached == []
