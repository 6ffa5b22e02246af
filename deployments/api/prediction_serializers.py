from rest_framework import serializers


class PredictSerializer(serializers.Serializer):
    """Rows to predict, in one of two forms."""

    rows = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="one object by column per row"
    )
    columns = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="names of the columns of `data`"
    )
    data = serializers.ListField(  # type: ignore[assignment]
        child=serializers.ListField(), required=False, help_text="one list of values per row"
    )


class TimingsSerializer(serializers.Serializer):
    """Milliseconds."""

    queue = serializers.FloatField(help_text="from the arrival until the model was asked")
    model = serializers.FloatField(help_text="the model, with the way to its process")
    total = serializers.FloatField(help_text="the platform, from the request's arrival")


class PredictionSerializer(serializers.Serializer):
    """What a deployed model answers."""

    outputs = serializers.ListField(
        child=serializers.DictField(),
        help_text="`prediction` and, of classifiers, `probability.<class>`, per row",
    )
    model_id = serializers.CharField()
    version = serializers.IntegerField()
    digest = serializers.CharField(help_text="tree digest of the bytes that answered")
    deployment = serializers.CharField()
    revision = serializers.CharField()
    request_id = serializers.CharField()
    timings_ms = TimingsSerializer()
