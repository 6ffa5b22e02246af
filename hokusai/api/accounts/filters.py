import django_filters

from hokusai.accounts.models import ApiKey, Project


class ProjectFilter(django_filters.FilterSet):
    class Meta:
        model = Project
        fields = ("slug", "visibility")


class ApiKeyFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    revoked = django_filters.BooleanFilter(
        field_name="revoked_at", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = ApiKey
        fields = ("project", "prefix", "revoked")
