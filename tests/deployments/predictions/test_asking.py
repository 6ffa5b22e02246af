import time

import pytest

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.predictions.asking import ask, records
from deployments.predictions.table import of_rows
from deployments.providers import MatrixPrediction
from deployments.providers.errors import ModelError, NotReady, ProviderTimeout
from tests.factories import RevisionFactory

pytestmark = pytest.mark.django_db
TABLE = of_rows([{"a": 1, "b": 2}])


@pytest.fixture
def live(memory):
    row = RevisionFactory(status=RevisionStatus.LIVE)
    row.endpoint = f"memory:{row.public_id}"
    row.save()
    return row


def asked(live, table=TABLE, seconds=5.0):
    model_id = live.deployment.model.model_id
    target = endpoints.target_of_model(model_id)
    until = time.perf_counter() + seconds
    return ask(target, table, lambda: endpoints.target_of_model(model_id), until, "req_1")


def test_an_endpoint_that_nobody_knows_is_served_again_and_asked_once_more(live):
    target, outputs, _ = asked(live)
    assert outputs == b'[{"prediction":3.0}]'
    assert (target.revision_id, target.digest) == (live.public_id, live.digest)


def test_what_is_no_block_is_asked_row_by_row(live, memory):
    memory.models[live.digest] = lambda row: {"prediction": sorted(row)[0]}
    _, outputs, _ = asked(live, of_rows([{"a": 1}, {"b": 2}]))
    assert outputs == b'[{"prediction":"a"},{"prediction":"b"}]'


def test_a_process_that_is_back_in_a_moment_is_waited_for_once(live, memory, monkeypatch):
    tries = []
    asked(live)
    predict = memory.predict_matrix

    def fail_once(*given, **known):
        tries.append(given)
        if len(tries) == 1:
            raise NotReady("It starts again.", retry_after_s=0.01)
        return predict(*given, **known)

    monkeypatch.setattr(memory, "predict_matrix", fail_once)
    assert asked(live)[1] == b'[{"prediction":3.0}]'
    assert len(tries) == 2


@pytest.mark.parametrize(("wait_s", "seconds"), [(30.0, 5.0), (0.5, 0.2)])
def test_nobody_waits_long_or_past_the_deadline(live, memory, monkeypatch, wait_s, seconds):
    asked(live)

    def refuse(*given, **known):
        raise NotReady("It waits before its next start.", retry_after_s=wait_s)

    monkeypatch.setattr(memory, "predict_matrix", refuse)
    with pytest.raises(NotReady):
        asked(live, seconds=seconds)


def test_past_the_deadline_no_model_is_asked(live, memory, monkeypatch):
    monkeypatch.setattr(memory, "predict_matrix", None)
    with pytest.raises(ProviderTimeout):
        asked(live, seconds=0.0)


def found(values, columns, classes=(), task="regression"):
    view = memoryview(bytearray(8 * len(values))).cast("d")
    for place, value in enumerate(values):
        view[place] = value
    shape = (len(values) // len(columns), len(columns))
    return MatrixPrediction(columns, classes, task, view.cast("B").cast("d", shape), 0.1)


def test_a_classification_answers_labels_beside_probabilities():
    columns = ("prediction", "probability.no", "probability.yes")
    given = found([1.0, 0.25, 0.75], columns, ("no", "yes"), "classification")
    assert records(given) == [
        {"prediction": "yes", "probability.no": 0.25, "probability.yes": 0.75}
    ]


@pytest.mark.parametrize("position", [2.0, -1.0, 0.5, float("nan"), float("inf")])
def test_a_class_that_was_not_stated_is_an_error_of_the_model(position):
    with pytest.raises(ModelError) as caught:
        records(found([position], ("prediction",), ("no", "yes"), "classification"))
    assert caught.value.context == {"cause": "output_contract"}
