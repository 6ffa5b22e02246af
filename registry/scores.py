from registry.models import ModelVersion, VersionMetric


def keep_scores(version: ModelVersion) -> None:
    """The version's metrics as numbers that searches read; stating them twice is the same."""
    VersionMetric.objects.bulk_create(
        (
            VersionMetric(version=version, key=key[:250], value=value)
            for key, value in version.metrics.items()
            if isinstance(value, int | float)
        ),
        update_conflicts=True,
        unique_fields=["version", "key"],
        update_fields=["value"],
    )
