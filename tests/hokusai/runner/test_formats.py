"""Every format gives the same answers as the model itself."""

import mlflow.onnx
import mlflow.sklearn
import numpy as np
import onnx
import pytest
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import FormatRefused, OutputContract
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.conftest import Store


def test_a_skops_classifier_answers_labels_and_probabilities(
    client: RunnerClient, skops_digest: str
) -> None:
    frame, _ = artifacts.table()
    found = client.predict_once(
        project="p", tree_digest=skops_digest, rows=frame[:5].to_dict("records")
    )
    assert found.task == "classification"
    assert found.columns == ("prediction", "probability.no", "probability.yes")
    assert found.format == "skops"
    assert found.predictions() == artifacts.classifier().predict(frame[:5]).tolist()
    expected = artifacts.classifier().predict_proba(frame[:5])
    np.testing.assert_allclose(found.probabilities(), expected, rtol=1e-12)


def test_what_mlflow_writes_by_default_is_served_without_pickle(
    client: RunnerClient, store: Store
) -> None:
    frame, labels = artifacts.table()
    signature = infer_signature(frame, labels)
    files = artifacts.saved_by_mlflow(
        mlflow.sklearn.save_model, sk_model=artifacts.classifier(), signature=signature
    )
    found = client.predict_once(
        project="p", tree_digest=store.put(files), rows=[artifacts.ROW], require_probabilities=True
    )
    assert found.format == "skops"
    assert set(found.records()[0]) == {"prediction", "probability.no", "probability.yes"}


def test_a_matrix_is_reordered_by_the_signature(client: RunnerClient, skops_digest: str) -> None:
    frame, _ = artifacts.table()
    turned = ["d", "b", "a", "c"]
    found = client.predict_once(
        project="p",
        tree_digest=skops_digest,
        columns=turned,
        matrix=np.ascontiguousarray(frame[turned].to_numpy()),
    )
    expected = artifacts.classifier().predict_proba(frame)
    np.testing.assert_allclose(np.asarray(found.values)[:, 1:], expected, rtol=1e-12)


@pytest.mark.parametrize("zipmap", [False, True])
def test_onnx_answers_as_the_estimator_it_was_made_from(
    client: RunnerClient, store: Store, zipmap: bool
) -> None:
    frame, _ = artifacts.table()
    digest = store.put(artifacts.onnx_classifier(zipmap=zipmap))
    found = client.predict_once(project="p", tree_digest=digest, rows=frame[:5].to_dict("records"))
    assert found.format == "onnx"
    assert found.predictions() == artifacts.classifier().predict(frame[:5]).tolist()
    expected = artifacts.classifier().predict_proba(frame[:5])
    np.testing.assert_allclose(found.probabilities(), expected, atol=1e-5)


def test_what_mlflow_writes_for_onnx_is_loaded_as_onnx(client: RunnerClient, store: Store) -> None:
    model = onnx.load_from_string(artifacts.onnx_classifier(zipmap=False)["model.onnx"])
    files = artifacts.saved_by_mlflow(mlflow.onnx.save_model, onnx_model=model)
    found = client.predict_once(
        project="p",
        tree_digest=store.put(files),
        columns=list("abcd"),
        matrix=np.zeros((2, 4)),
    )
    assert found.format == "onnx"


def test_a_regressor_answers_one_number_per_row(client: RunnerClient, store: Store) -> None:
    found = client.predict_once(
        project="p", tree_digest=store.put(artifacts.skops_regressor()), rows=[artifacts.ROW]
    )
    assert (found.task, found.columns) == ("regression", ("prediction",))
    assert found.predictions() == pytest.approx([2 * 1.5 - 0.25 + 1])


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5),
        make_pipeline(
            make_column_transformer((StandardScaler(), ["a", "c"])), LogisticRegression()
        ),
    ],
    ids=["forest", "boosting", "columns_by_name"],
)
def test_common_estimators_load_with_our_trusted_types(
    client: RunnerClient, store: Store, estimator: RandomForestClassifier
) -> None:
    frame, labels = artifacts.table()
    digest = store.put(artifacts.skops_model(estimator.fit(frame, labels)))
    found = client.predict_once(project="p", tree_digest=digest, rows=frame[:20].to_dict("records"))
    assert found.predictions() == estimator.predict(frame[:20]).tolist()


def test_probabilities_that_a_model_cannot_give_are_an_error(
    client: RunnerClient, store: Store
) -> None:
    digest = store.put(artifacts.skops_model(LinearSVC().fit(*artifacts.table())))
    assert client.predict_once(project="p", tree_digest=digest, rows=[artifacts.ROW]).columns == (
        "prediction",
    )
    with pytest.raises(OutputContract):
        client.predict_once(
            project="p", tree_digest=digest, rows=[artifacts.ROW], require_probabilities=True
        )


def test_a_pickled_estimator_is_unwrapped_to_its_probabilities(
    isolated: RunnerClient, store: Store
) -> None:
    frame, labels = artifacts.table()
    files = artifacts.saved_by_mlflow(
        mlflow.sklearn.save_model,
        sk_model=artifacts.classifier(),
        signature=infer_signature(frame, labels),
        serialization_format="cloudpickle",
    )
    found = isolated.predict_once(
        project="p", tree_digest=store.put(files), rows=[artifacts.ROW], require_probabilities=True
    )
    expected = artifacts.classifier().predict_proba(_row())
    assert found.format == "pyfunc"
    np.testing.assert_allclose(found.probabilities(), expected, rtol=1e-12)


def _row() -> object:
    frame, _ = artifacts.table()
    return frame.iloc[:1].assign(**artifacts.ROW)


def test_a_pyfunc_may_state_its_outputs_as_a_table(isolated: RunnerClient, code_model) -> None:
    digest = code_model("""
        def predict(frame):
            return frame.assign(**{"prediction": "yes", "probability.yes": 0.75,
                                   "probability.no": 0.25})
    """)
    found = isolated.predict_once(project="p", tree_digest=digest, rows=[artifacts.ROW])
    assert found.records() == [
        {"prediction": "yes", "probability.yes": 0.75, "probability.no": 0.25}
    ]


def test_types_outside_our_list_are_refused(client: RunnerClient, store: Store) -> None:
    frame, labels = artifacts.table()
    fitted = classifier_with_foreign_part().fit(frame, labels)
    with pytest.raises(FormatRefused):
        client.predict_once(
            project="p", tree_digest=store.put(artifacts.skops_model(fitted)), rows=[artifacts.ROW]
        )


class ForeignScaler(StandardScaler):
    """A type of this test module, which no list of ours names."""


def classifier_with_foreign_part() -> object:
    return make_pipeline(ForeignScaler(), LogisticRegression())
