from contributions.models import Contribution
from hokusai.accounts.models import Project
from hokusai.core.errors import InvalidInput
from registry.models import DatasetVersion
from registry.training import TrainingSource


class ContributionSource(TrainingSource):
    """Lets a version name the contributions that it was made from."""

    prefix = "ctr"

    def resolve(self, public_id: str, project: Project) -> DatasetVersion:
        found = Contribution.objects.filter(public_id=public_id, project=project)
        contribution = found.select_related("dataset_version__dataset__project").first()
        if contribution is None:
            raise InvalidInput("This project has no such contribution.", id=public_id)
        if not Contribution.objects.trainable().filter(pk=contribution.pk).exists():
            raise InvalidInput(
                f"This contribution is {contribution.status}; only accepted data may be used.",
                id=public_id,
            )
        return contribution.dataset_version
