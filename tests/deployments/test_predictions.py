import time

import orjson
import pytest

from deployments import endpoints, predictions
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.exceptions import NotDeployed, Starting
from deployments.models import Deployment
from hokusai.core.errors import InvalidInput, OutsideUnavailable
from tests.factories import RevisionFactory


@pytest.mark.parametrize(
    "body",
    [
        b'{"rows": [{"a": 1, "b": 2.5}]}',
        b'{"columns": ["a", "b"], "data": [[1, 2.5]]}',
    ],
)
def test_both_forms_are_the_same_rows(body):
    assert predictions.read_rows(body) == [{"a": 1, "b": 2.5}]


@pytest.mark.parametrize(
    ("body", "context"),
    [
        (b"", {}),
        (b"{", {}),
        (b"[1]", {}),
        (b"{}", {}),
        (b'{"rows": []}', {}),
        (b'{"rows": {"a": 1}}', {}),
        (b'{"rows": [{"a": 1}, 2]}', {"row": 1}),
        (b'{"columns": ["a"], "data": []}', {}),
        (b'{"columns": ["a", "a"], "data": [[1, 2]]}', {}),
        (b'{"columns": ["a", 1], "data": [[1, 2]]}', {}),
        (b'{"columns": ["a", "b"], "data": [[1, 2], [3]]}', {"row": 1, "column": "b"}),
        (b'{"columns": ["a"], "data": [[1, 2]]}', {"row": 0, "column": None}),
        (b'{"columns": ["a"], "data": [5]}', {"row": 0}),
        (b'{"rows": [{"a": NaN}]}', {}),
    ],
)
def test_what_is_no_table_is_invalid_and_says_where(body, context):
    with pytest.raises(InvalidInput) as caught:
        predictions.read_rows(body)
    assert caught.value.context == context


def test_more_rows_than_the_limit_are_refused():
    rows = [{"a": 1}] * (predictions.MAX_ROWS + 1)
    with pytest.raises(InvalidInput):
        predictions.read_rows(orjson.dumps({"rows": rows}))


def answer(live, body=b'{"rows": [{"a": 1, "b": 2}]}'):
    model_id = live.deployment.model.model_id
    return orjson.loads(
        predictions.answer(
            endpoints.target_of_model(model_id),
            body,
            reload=lambda: endpoints.target_of_model(model_id),
            request_id="req_1",
            began=time.perf_counter(),
        ).body
    )


@pytest.mark.django_db
def test_a_process_that_is_gone_is_served_again_and_asked_once_more(memory):
    live = RevisionFactory(status=RevisionStatus.LIVE, endpoint="memory:gone")
    answered = answer(live)
    assert answered["outputs"] == [{"prediction": 3.0}]
    assert (answered["revision"], answered["digest"]) == (live.public_id, live.digest)
    live.refresh_from_db()
    assert live.endpoint == f"memory:{live.public_id}"


@pytest.mark.django_db
def test_a_model_that_dies_each_time_is_unavailable_with_a_time_to_wait(memory, monkeypatch):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    tries = []

    def die(handle, rows, deadline_s):
        tries.append(handle)
        raise OutsideUnavailable("The model's process ended.")

    monkeypatch.setattr(memory, "predict", die)
    with pytest.raises(OutsideUnavailable) as caught:
        answer(live)
    assert len(tries) == 2
    assert caught.value.context["retry_after_s"] > 0


@pytest.mark.django_db
def test_what_was_never_deployed_or_has_stopped_is_not_deployed(memory):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    Deployment.objects.update(status=DeploymentStatus.STOPPED)
    with pytest.raises(NotDeployed):
        answer(live)


@pytest.mark.django_db
def test_a_first_revision_that_starts_asks_for_patience(memory):
    with pytest.raises(Starting):
        answer(RevisionFactory(status=RevisionStatus.STARTING))
