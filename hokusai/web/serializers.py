from typing import Any

from rest_framework import serializers

PARAMETER = "fields"


class ReadSerializer(serializers.Serializer):
    """What is answered; `?fields=a,b` selects, and what is not asked for is not computed."""

    def get_fields(self) -> dict[str, Any]:
        """The fields to show. Raises ValidationError where an unknown one is asked for."""
        fields: dict[str, Any] = super().get_fields()
        wanted = self._wanted()
        if not wanted:
            return fields
        if unknown := sorted(wanted - set(fields)):
            raise serializers.ValidationError({PARAMETER: [f"Unknown: {', '.join(unknown)}."]})
        return {name: field for name, field in fields.items() if name in wanted}

    def _wanted(self) -> set[str]:
        outermost = self.parent is None or (self.parent is self.root and self.parent.many)
        request = self.context.get("request")
        if not outermost or request is None or request.method != "GET":
            return set()
        return {name for name in request.query_params.get(PARAMETER, "").split(",") if name}


class ReadModelSerializer(ReadSerializer, serializers.ModelSerializer):
    """A row as it is answered: `id` is its public id, bigint keys stay inside."""

    id = serializers.CharField(source="public_id", read_only=True, help_text="public id")

    def build_standard_field(self, field_name: str, model_field: Any) -> tuple[Any, Any]:
        """States as plain text: answers need no choices, and their names would collide."""
        if not model_field.choices:
            return super().build_standard_field(field_name, model_field)
        known = ", ".join(str(value) for value, _ in model_field.choices if value)
        return serializers.CharField, {"read_only": True, "help_text": f"one of {known}"}


class ErrorSerializer(serializers.Serializer):
    """The one body of every error."""

    code = serializers.CharField(help_text="what went wrong, for programs")
    message = serializers.CharField(help_text="what went wrong, for people")
    context = serializers.DictField(  # type: ignore[assignment]
        help_text="the values that the message speaks of"
    )
    request_id = serializers.CharField(help_text="as in X-Request-ID")
