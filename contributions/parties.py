from collections.abc import Mapping

from contributions.models import Contribution
from registry.models import ModelVersion
from registry.promotion import PromotionParties


class Shareholders(PromotionParties):
    """Whoever gave data that a version was made from earns by its promotion."""

    def of(self, version: ModelVersion) -> Mapping[int, str]:
        given = Contribution.objects.filter(dataset_version__in=version.training_data.all())
        people = given.values_list("submitted_by_id", "wallet__contributor__user_id")
        return {
            user_id: "gave data that this version was made from"
            for pair in people
            for user_id in pair
            if user_id is not None
        }
