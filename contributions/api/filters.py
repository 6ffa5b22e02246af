import django_filters

from contributions.choices import AttestationStatus, ContributionStatus
from contributions.models import Attestation, Contribution, Improvement


class ContributionFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    model_id = django_filters.CharFilter(field_name="model__model_id")
    address = django_filters.CharFilter(field_name="wallet__address")
    status = django_filters.ChoiceFilter(choices=ContributionStatus.choices)

    class Meta:
        model = Contribution
        fields = ("project", "model_id", "address", "status", "licence")


class ImprovementFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="model__project__slug")
    model_id = django_filters.CharFilter(field_name="model__model_id")

    class Meta:
        model = Improvement
        fields = ("project", "model_id")


class AttestationFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="improvement__model__project__slug")
    model_id = django_filters.CharFilter(field_name="improvement__model__model_id")
    status = django_filters.ChoiceFilter(choices=AttestationStatus.choices)

    class Meta:
        model = Attestation
        fields = ("project", "model_id", "status")
