import pytest

from registry.cards import card_of
from tests.factories import DatasetVersionFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db
COMPLETE = """---
license: mit
---
## Intended use
Reading digits.
## Training data
Handwritten digits.
## Evaluation
On 800 rows.
## Limitations
Nothing but digits.
"""


def test_a_version_without_a_card_shows_a_draft_of_what_is_known() -> None:
    version = ModelVersionFactory(metrics={"accuracy": 0.9}, licence="MIT")
    data = DatasetVersionFactory(dataset__project=version.project)
    version.training_data.add(data)
    card = card_of(version)
    assert card.draft
    assert card.metadata["license"] == "mit"
    assert str(data) in str(card.metadata["datasets"])
    assert "0.9" in card.text
    assert "intended use" in card.missing


def test_a_written_card_is_shown_as_it_is_written() -> None:
    card = card_of(ModelVersionFactory(card=COMPLETE))
    assert (card.draft, card.missing, card.text) == (False, [], COMPLETE)
    assert "<h2>Intended use</h2>" in card.html


def test_a_card_runs_nothing_in_the_browser() -> None:
    body = "<script>alert(1)</script>\n[x](javascript:alert(1))\n![](https://example.org/p.png)\n"
    html = card_of(ModelVersionFactory(card=body)).html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html


def test_a_parent_in_another_project_is_not_named() -> None:
    parent = ModelVersionFactory()
    version = ModelVersionFactory(parent=parent)
    assert str(parent) not in card_of(version).text
