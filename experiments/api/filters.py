import django_filters

from experiments.choices import BenchmarkStatus, ComparisonStatus, EvaluationRole
from experiments.models import Benchmark, Comparison, Evaluation, Experiment


class BenchmarkFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    status = django_filters.ChoiceFilter(choices=BenchmarkStatus.choices)

    class Meta:
        model = Benchmark
        fields = ("project", "slug", "status")


class ExperimentFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="project__slug")
    model_id = django_filters.CharFilter(field_name="model__model_id")

    class Meta:
        model = Experiment
        fields = ("project", "model_id")


class ComparisonFilter(django_filters.FilterSet):
    project = django_filters.CharFilter(field_name="benchmark__project__slug")
    benchmark = django_filters.CharFilter(field_name="benchmark__public_id")
    experiment = django_filters.CharFilter(field_name="experiment__public_id")
    model_id = django_filters.CharFilter(field_name="candidate__model__model_id")
    status = django_filters.ChoiceFilter(choices=ComparisonStatus.choices)

    class Meta:
        model = Comparison
        fields = ("project", "benchmark", "experiment", "model_id", "status")


class EvaluationFilter(django_filters.FilterSet):
    comparison = django_filters.CharFilter(field_name="comparison__public_id")
    model_id = django_filters.CharFilter(field_name="version__model__model_id")
    role = django_filters.ChoiceFilter(choices=EvaluationRole.choices)

    class Meta:
        model = Evaluation
        fields = ("comparison", "model_id", "role")
