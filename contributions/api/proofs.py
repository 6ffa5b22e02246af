from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contributions.disclosure import disclose_row
from contributions.models import Contribution
from hokusai.web.serializers import ReadSerializer
from hokusai.web.views import ScopedViewSet

HASH = "0" * 64


@extend_schema_serializer(
    examples=[
        OpenApiExample("by its place", {"index": 17}, request_only=True),
        OpenApiExample("by its cells", {"row": {"x": 1.5, "label": 0}}, request_only=True),
    ]
)
class RowToShowSerializer(serializers.Serializer):
    """Which row to show: its place in the file, from 0, or all of its cells by column."""

    index = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    row = serializers.DictField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError for neither, or both."""
        if len(attrs) != 1:
            raise serializers.ValidationError({"index": "Give either an index or a row."})
        return attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "a row of numbers",
            {
                "format": "hokusai-disclosure",
                "version": 1,
                "contribution": "ctr_" + "0" * 32,
                "root": HASH,
                "index": 17,
                "size": 1000,
                "row": "6e3ff80000000000006900000001" + "30",
                "salt": HASH,
                "path": [HASH, HASH],
                "attestations": [HASH],
            },
            response_only=True,
        )
    ]
)
class DisclosureSerializer(ReadSerializer):
    """A row, its salt and the way to the root that attestations name."""

    format = serializers.CharField()
    version = serializers.IntegerField()
    contribution = serializers.CharField()
    root = serializers.CharField(help_text="of the salted rows, as attestations name it")
    index = serializers.IntegerField()
    size = serializers.IntegerField(help_text="how many rows the contribution has")
    row = serializers.CharField(help_text="the encoded cells, in hexadecimal")
    salt = serializers.CharField(help_text="of this row alone")
    path = serializers.ListField(child=serializers.CharField(), help_text="leaf to root")
    attestations = serializers.ListField(child=serializers.CharField())


class DisclosureViewSet(ScopedViewSet):
    queryset = Contribution.objects.with_names()
    view_permission = "contributions.view_contribution"
    permissions: ClassVar = {"create": "contributions.add_contribution"}

    @extend_schema(request=RowToShowSerializer, responses=DisclosureSerializer)
    def create(self, request: Request, public_id: str) -> Response:
        """Show one of your own rows with the proof that it was given; nothing of the others."""
        form = RowToShowSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        shown = disclose_row(
            contribution=self.get_object(), actor=self.actor, **form.validated_data
        )
        return Response(DisclosureSerializer(shown).data)
