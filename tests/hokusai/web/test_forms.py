"""Fields of the console's forms, taken as what they were declared as."""

import pytest
from django import forms

from hokusai.accounts.models import Membership, Project
from hokusai.web.forms import field_of, look_up, offer
from tests.factories import ProjectFactory


class Choices(forms.Form):
    project = forms.ModelChoiceField(Project.objects.none())
    name = forms.CharField()


@pytest.mark.django_db
def test_a_choice_offers_what_it_was_given_and_nothing_else() -> None:
    shown, hidden = ProjectFactory(), ProjectFactory()
    form = Choices()
    offer(form, "project", Project.objects.filter(pk=shown.pk))
    field = field_of(form, "project", forms.ModelChoiceField)
    assert field.clean(str(shown.pk)) == shown
    with pytest.raises(forms.ValidationError):
        field.clean(str(hidden.pk))


def test_a_field_of_another_kind_offers_no_rows() -> None:
    with pytest.raises(TypeError, match="name is a CharField"):
        offer(Choices(), "name", Project.objects.none())


def test_only_a_field_that_leads_to_a_row_is_looked_up() -> None:
    with pytest.raises(TypeError, match="slug leads to no row"):
        look_up(Project._meta.get_field("slug"), Project.objects.none())
    found = look_up(Membership._meta.get_field("project"), Project.objects.none())
    assert isinstance(found, forms.ModelChoiceField)
