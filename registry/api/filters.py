import django_filters

from registry.choices import PromotionStatus, UploadState
from registry.models import Dataset, DatasetVersion, Model, Promotion, Upload

ARCHIVED = "true: those that are archived, and no others; left out they are not listed"


class ModelFilter(django_filters.FilterSet):
    archived = django_filters.BooleanFilter(
        field_name="archived_at", lookup_expr="isnull", exclude=True, help_text=ARCHIVED
    )
    project = django_filters.CharFilter(field_name="project__slug")
    search = django_filters.CharFilter(field_name="model_id", lookup_expr="contains")

    class Meta:
        model = Model
        fields = ("project", "task", "search")


class PromotionFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=PromotionStatus.choices)
    model_id = django_filters.CharFilter(field_name="version__model__model_id")

    class Meta:
        model = Promotion
        fields = ("status", "target", "model_id")


class DatasetFilter(django_filters.FilterSet):
    archived = django_filters.BooleanFilter(
        field_name="archived_at", lookup_expr="isnull", exclude=True, help_text=ARCHIVED
    )
    project = django_filters.CharFilter(field_name="project__slug")

    class Meta:
        model = Dataset
        fields = ("project", "slug")


class DatasetVersionFilter(django_filters.FilterSet):
    class Meta:
        model = DatasetVersion
        fields = ("state", "access", "file_digest")


class UploadFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    state = django_filters.ChoiceFilter(choices=UploadState.choices)

    class Meta:
        model = Upload
        fields = ("project", "state")
