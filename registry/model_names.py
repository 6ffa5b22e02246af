from collections.abc import Collection

from hokusai.accounts.model_names import ModelNames
from registry.models import Model


class RegisteredModels(ModelNames):
    """The models that are registered."""

    def known(self, project_id: int, model_ids: Collection[str]) -> set[str]:
        named = Model.objects.filter(project_id=project_id, model_id__in=model_ids)
        return set(named.values_list("model_id", flat=True))
