import pytest
from django.urls import reverse

from experiments.models import Training
from hokusai.accounts.choices import Role
from tests.contributions.candidates import line
from tests.staff import SENT, staff_in

pytestmark = pytest.mark.django_db


def test_a_candidate_is_built_with_the_defaults_of_the_dialog() -> None:
    of = line()
    given = of.given()
    engineer = staff_in(of.project, Role.ENGINEER)
    url = reverse("admin:registry_model_build_candidate", args=[of.model.pk])
    shown = engineer.client.get(url)
    form = shown.context["form"]
    assert form.initial.get("contributions", form.fields["contributions"].initial) == [given.pk]
    assert [name for name, _ in form.fields["recipe"].choices] == ["scikit-learn", "lightgbm"]
    sent = {
        **SENT,
        "benchmark": of.benchmark.pk,
        "recipe": "scikit-learn",
        "contributions": [given.pk],
        "parameters": '{"C": 0.5}',
        "seeds": form.fields["seeds"].initial,
    }
    assert "HX-Redirect" in engineer.client.post(url, sent)
    training = Training.objects.get()
    assert training.parameters["C"] == 0.5
    assert training.requested_by == engineer.user


@pytest.mark.parametrize(
    ("field", "value"), [("parameters", "[1]"), ("parameters", "{"), ("seeds", "1, two")]
)
def test_what_cannot_be_read_is_said_in_the_dialog(field: str, value: str) -> None:
    of = line()
    given = of.given()
    engineer = staff_in(of.project, Role.ENGINEER)
    url = reverse("admin:registry_model_build_candidate", args=[of.model.pk])
    sent = {
        **SENT,
        "benchmark": of.benchmark.pk,
        "recipe": "scikit-learn",
        "contributions": [given.pk],
        "seeds": "1, 2, 3",
        field: value,
    }
    answer = engineer.client.post(url, sent)
    assert "HX-Redirect" not in answer
    assert not Training.objects.exists()


def test_a_viewer_builds_nothing() -> None:
    of = line()
    of.given()
    viewer = staff_in(of.project, Role.VIEWER)
    url = reverse("admin:registry_model_build_candidate", args=[of.model.pk])
    assert viewer.client.get(url).status_code == 403


def test_the_models_page_tells_what_the_next_candidate_would_hold() -> None:
    of = line()
    engineer = staff_in(of.project, Role.ENGINEER)
    url = reverse("admin:registry_model_change", args=[of.model.pk])
    empty = engineer.client.get(url).content.decode()
    assert "No accepted contribution waits" in empty
    assert "Build candidate" not in empty
    of.given()
    page = engineer.client.get(url).content.decode()
    assert "10 rows wait, on top of what" in page
    assert "Build candidate" in page
