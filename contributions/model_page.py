"""What contributions put on the page of a model: the candidate that could be built now."""

import json
from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from contributions.building import build_candidate as build
from contributions.building import waiting_for
from contributions.models import Contribution
from experiments.choices import BenchmarkStatus
from experiments.models import Benchmark
from experiments.recipes import listed_recipes
from experiments.services import DEFAULT_SEEDS, starting_point
from hokusai.accounts.permissions import projects_where
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.forms import DialogForm, field_of, offer
from hokusai.web.panels import Panel, table
from registry.models import Model

WAITING_SHOWN = 30


class GivenField(forms.ModelMultipleChoiceField):
    """Contributions by what they hold and who gave them."""

    def label_from_instance(self, obj: Contribution) -> str:
        """Rows, giver and id."""
        giver = obj.wallet.contributor.name or obj.wallet.address
        return f"{obj.dataset_version.row_count or 0:,} rows from {giver} ({obj.public_id[-6:]})"


class BuildDialog(DialogForm):
    """By which recipe, on which benchmark, from which contributions."""

    benchmark = forms.ModelChoiceField(
        Benchmark.objects.none(), help_text="The candidate is compared with the head on it."
    )
    recipe = forms.ChoiceField(help_text="How control and candidate are fitted.")
    contributions = GivenField(
        Contribution.objects.none(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the candidate is fitted on beside the base.",
    )
    parameters = forms.CharField(
        required=False,
        widget=forms.Textarea,
        help_text='A JSON object such as {"C": 0.5}; empty: the defaults of the recipe.',
    )
    seeds = forms.CharField(
        max_length=200,
        initial=", ".join(str(seed) for seed in DEFAULT_SEEDS),
        help_text="Three or more; the first builds the versions, all tell the spread.",
    )

    def scope(self, user: Any) -> None:
        """What this person may use on this model."""
        allowed = projects_where(user, "experiments.request_training")
        model = Model.objects.filter(pk=self.object_id, project__in=allowed).first()
        recipes = [recipe for recipe in listed_recipes() if recipe.available]
        field_of(self, "recipe", forms.ChoiceField).choices = [
            (recipe.name, recipe.title) for recipe in recipes
        ]
        if model is None:
            return
        benchmarks = Benchmark.objects.filter(
            project=model.project_id, status=BenchmarkStatus.APPROVED
        )
        offer(self, "benchmark", benchmarks).initial = benchmarks.first()
        waiting = [given.pk for given in waiting_for(model)]
        given = Contribution.objects.with_names().filter(pk__in=waiting)
        offer(self, "contributions", given).initial = waiting

    def clean_parameters(self) -> dict[str, Any]:
        """An object. Raises ValidationError for anything else."""
        try:
            found = json.loads(self.cleaned_data["parameters"] or "{}")
        except json.JSONDecodeError as error:
            raise forms.ValidationError(f"This is no JSON: {error.msg}.") from error
        if not isinstance(found, dict):
            raise forms.ValidationError("Give an object: names and values in braces.")
        return found

    def clean_seeds(self) -> list[int]:
        """Whole numbers. Raises ValidationError for anything else."""
        try:
            return [int(text) for text in self.cleaned_data["seeds"].split(",")]
        except ValueError as error:
            raise forms.ValidationError("Give whole numbers, separated by commas.") from error


def _may_build(model: Model) -> bool:
    return model.archived_at is None and bool(waiting_for(model))


@dialog_action(
    Dialog(
        title="Build candidate",
        text="A worker fits one recipe twice: without the contributions, which is the control, and "
        "with them. The candidate is then compared with the head, which counts as an attempt.",
        submit="Build",
        needs="experiments.request_training",
        icon="model_training",
        form=BuildDialog,
        variant=ActionVariant.PRIMARY,
        when=_may_build,
    )
)
def build_candidate(self: Any, request: HttpRequest, obj: Model, data: dict[str, Any]) -> str:
    """Build a candidate from the chosen contributions."""
    training = build(
        model=obj,
        benchmark=data["benchmark"],
        recipe=data["recipe"],
        parameters=data["parameters"],
        seeds=data["seeds"],
        contributions=[given.public_id for given in data["contributions"]],
        actor=self.actor(request),
    )
    return f"Training {training.public_id} is under way; see Trainings."


def next_candidate(request: HttpRequest, model: Model) -> Panel | None:
    """Contributions that wait for a candidate, or why none can be built."""
    if not request.user.has_perm("contributions.view_contribution", model):
        return None
    waiting = waiting_for(model)
    rows = [
        (
            markup.object_link(given, given.public_id[-8:]),
            given.wallet.contributor.name or markup.mono(given.wallet.address, 12),
            f"{given.dataset_version.row_count or 0:,}",
            given.licence,
            markup.moment(given.created_at),
        )
        for given in waiting[:WAITING_SHOWN]
    ]
    return table(
        "Next candidate",
        ("Contribution", "Given by", "Rows", "Licence", "Given"),
        rows,
        empty="No accepted contribution waits, so there is nothing to build a candidate from. "
        "Members give data at /contribute/.",
        hint=_hint(model, waiting),
    )


def _hint(model: Model, waiting: list[Contribution]) -> str:
    if not waiting:
        return ""
    total = sum(given.dataset_version.row_count or 0 for given in waiting)
    baseline = starting_point(model)
    if baseline is None:
        return f"{total:,} rows wait. Register a baseline first: a candidate has to beat one."
    return (
        f"{total:,} rows wait, on top of what {baseline} was trained on. "
        "Build candidate, above, trains without and with them."
    )
