from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError

from registry.choices import ArtifactState, PromotionStatus, Stage, SyncState
from registry.models import Dataset, DatasetVersion, Model, ModelVersion, Promotion

MAX_TAGS = 5


class ModelFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    search = django_filters.CharFilter(field_name="model_id", lookup_expr="contains")

    class Meta:
        model = Model
        fields = ("project", "task", "search")


class ModelVersionFilter(django_filters.FilterSet):
    stage = django_filters.ChoiceFilter(choices=Stage.choices)
    artifact_state = django_filters.ChoiceFilter(choices=ArtifactState.choices)
    sync_state = django_filters.ChoiceFilter(choices=SyncState.choices)
    tag = django_filters.CharFilter(
        method="with_tags", help_text="key=value; up to five, which must all hold"
    )

    class Meta:
        model = ModelVersion
        fields = ("stage", "artifact_state", "sync_state", "run_id", "tree_digest")

    def with_tags(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Versions that carry every tag asked for. Raises ValidationError beyond five."""
        wanted = self.data.getlist(name) if hasattr(self.data, "getlist") else [value]
        if len(wanted) > MAX_TAGS or any("=" not in text for text in wanted):
            raise ValidationError({"tag": [f"Up to {MAX_TAGS}, each as key=value."]})
        for text in wanted:
            key, _, tag_value = text.partition("=")
            queryset = queryset.filter(tags__key=key, tags__value=tag_value)
        return queryset


class PromotionFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=PromotionStatus.choices)
    model_id = django_filters.CharFilter(field_name="version__model__model_id")

    class Meta:
        model = Promotion
        fields = ("status", "target", "model_id")


class DatasetFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")

    class Meta:
        model = Dataset
        fields = ("project", "slug")


class DatasetVersionFilter(django_filters.FilterSet):
    class Meta:
        model = DatasetVersion
        fields = ("state", "access", "file_digest")
