from django.db import IntegrityError, transaction

from contributions.algorithms.addresses import InvalidAddress, normalise_address
from contributions.choices import ContributionStatus, Licence
from contributions.models import Contribution, Contributor, Wallet
from contributions.nodes import tell_of_contribution
from experiments.choices import TrainingStatus
from hokusai.core import jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.models import Job
from registry import services as registry
from registry.models import Dataset, Model

SLUG = 63


@transaction.atomic
def submit_contribution(
    *,
    model: Model,
    address: str,
    content: bytes,
    file_format: str,
    licence: str,
    label_column: str,
    actor: Actor,
    note: str = "",
    contributor_name: str = "",
) -> Contribution:
    """Take data for a model in the name of an address; workers check it.

    Raises InvalidInput for a bad address, licence or file.
    """
    if actor.user_id is None:
        raise Forbidden("Data is given by a person.")
    if licence not in Licence.values:
        raise InvalidInput(f"Data is given under {', '.join(Licence.values)}.", licence=licence)
    if not label_column:
        raise InvalidInput("Name the column that holds the labels.", column="label_column")
    wallet = _wallet(address, contributor_name)
    version = registry.add_dataset_version(
        dataset=_dataset(model, actor),
        content=content,
        file_format=file_format,
        actor=actor,
        label_column=label_column,
    )
    contribution = Contribution.objects.create(
        project=model.project,
        model=model,
        wallet=wallet,
        dataset_version=version,
        licence=licence,
        note=note,
        job=Job.objects.filter(subject=version.public_id).order_by("-id").first(),
        submitted_by_id=actor.user_id,
    )
    tell_of_contribution(contribution)
    _record("contribution:submitted", contribution, actor, after={"licence": licence})
    return contribution


def _wallet(address: str, name: str) -> Wallet:
    try:
        normal = normalise_address(address)
    except InvalidAddress as error:
        raise InvalidInput(str(error), address=address[:100]) from error
    found = Wallet.objects.filter(address=normal).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            contributor = Contributor.objects.create(name=name)
            return Wallet.objects.create(contributor=contributor, address=normal)
    except IntegrityError:
        # Two first submissions of one address at once: the other one made it.
        return Wallet.objects.get(address=normal)


def _dataset(model: Model, actor: Actor) -> Dataset:
    slug = f"{model.slug[: SLUG - len('-contributions')]}-contributions"
    # One row per model is made by one transaction at a time.
    Model.objects.select_for_update().get(pk=model.pk)
    found = Dataset.objects.filter(project=model.project, slug=slug).first()
    return found or registry.create_dataset(
        project=model.project, slug=slug, name=f"Contributions to {model.name}", actor=actor
    )


@transaction.atomic
def withdraw_contribution(*, contribution_id: int, actor: Actor) -> Contribution:
    """Take data back before a version was made from it. Raises Conflict, Forbidden."""
    contribution = _locked(contribution_id)
    if actor.user_id != contribution.submitted_by_id:
        raise Forbidden("A contribution is withdrawn by whoever gave it.")
    if contribution.dataset_version.trained.exists():
        raise Conflict("A version was made from this data; it can no longer be withdrawn.")
    if contribution.dataset_version.trainings.filter(status=TrainingStatus.REQUESTED).exists():
        raise Conflict("A version is being trained on this data; it cannot be withdrawn now.")
    _move(contribution, ContributionStatus.WITHDRAWN, actor)
    return contribution


@transaction.atomic
def begin_check(*, dataset_version: str, actor: Actor) -> None:
    """Once a contribution's rows are digested, check them; with a second call, nothing more."""
    contribution = _of_dataset(dataset_version)
    if contribution is None or contribution.status != ContributionStatus.RECEIVED:
        return
    if Job.objects.filter(kind="contribution_intake", subject=contribution.public_id).exists():
        return
    contribution.job = jobs.enqueue(
        "contribution_intake",
        subject=contribution.public_id,
        project_id=contribution.project_id,
        label=str(contribution),
    )
    contribution.save(update_fields=["job"])


@transaction.atomic
def refuse_unreadable(*, dataset_version: str, actor: Actor) -> None:
    """Refuse a contribution whose rows could not be read, for the reason that was found."""
    contribution = _of_dataset(dataset_version)
    if contribution is not None and contribution.status == ContributionStatus.RECEIVED:
        contribution.reasons = contribution.dataset_version.reasons
        _move(contribution, ContributionStatus.REFUSED, actor)


def _of_dataset(dataset_version: str) -> Contribution | None:
    found = Contribution.objects.select_for_update(of=("self",)).select_related(
        "dataset_version", "wallet", "project"
    )
    return found.filter(dataset_version__public_id=dataset_version).first()


@transaction.atomic
def mark_used(*, version: str, actor: Actor) -> None:
    """Say of accepted contributions that a version was made from them."""
    found = Contribution.objects.select_for_update(of=("self",)).filter(
        dataset_version__trained__public_id=version, status=ContributionStatus.ACCEPTED
    )
    for contribution in found.select_related("wallet", "dataset_version", "project"):
        _move(contribution, ContributionStatus.USED, actor)


def _locked(contribution_id: int) -> Contribution:
    return (
        Contribution.objects.select_for_update(of=("self",))
        .select_related("wallet", "dataset_version", "project")
        .get(pk=contribution_id)
    )


def _move(contribution: Contribution, target: ContributionStatus, actor: Actor) -> None:
    before = contribution.status
    contribution.move_to(target)
    contribution.save(update_fields=["status", "reasons"])
    _record(f"contribution:{target}", contribution, actor, before={"status": before})


def _record(
    tag: str,
    contribution: Contribution,
    actor: Actor,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        tag,
        subject=contribution.public_id,
        actor=actor,
        project_id=contribution.project_id,
        label=str(contribution),
        before=before,
        after=after or {"status": contribution.status, "reasons": contribution.reasons},
    )
