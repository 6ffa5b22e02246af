from typing import Any, ClassVar

from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.models import PredictionReceipt
from hokusai.web.serializers import ReadModelSerializer
from hokusai.web.views import ReadViewSet

# The signer comes by every two seconds.
RETRY_AFTER_S = 2
SIGNED = OpenApiExample(
    "Signed",
    {
        "id": "rcp_01a1f9b35dcf7a21b7a05cf8c6c3b4d7",
        "status": "signed",
        "model_id": "tides.forecast",
        "version": 3,
        "digest": "5f8d0c4e3b2a19087f6e5d4c3b2a19087f6e5d4c3b2a19087f6e5d4c3b2a1908",
        "converted_digest": "",
        "deployment": "dep_01a1f9b35dcf7a21b7a05cf8c6c3b4d8",
        "revision": "rev_01a1f9b35dcf7a21b7a05cf8c6c3b4d9",
        "isolation": "A",
        "request_id": "req_01a1f9b35dcf7a21b7a05cf8c6c3b4da",
        "input_digest": "rows-jcs:9b1c…",
        "output_digest": "outputs-jcs:77e0…",
        "salt": "0c4f1d7c2b9a4e55a1f0c3d2e4b5a697",
        "created_at": "2026-11-20T08:05:00Z",
        "signed_at": "2026-11-20T08:05:01Z",
        "key_id": "0b6f6f9c2d5c3a7d8e1f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "envelope": {
            "payload": "eyJfdHlwZSI6…",
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"keyid": "0b6f…", "sig": "m3Xk…"}],
        },
    },
    response_only=True,
    status_codes=["200"],
)


class ReceiptEnvelopeSerializer(serializers.Serializer):
    """A DSSE envelope; its payload is an in-toto statement."""

    payload = serializers.CharField(help_text="base64 of the statement's canonical JSON")
    payloadType = serializers.CharField()  # noqa: N815 -- the format's name
    signatures = serializers.ListField(child=serializers.DictField())


class ReceiptSerializer(ReadModelSerializer):
    """What one prediction was computed from and by, and the signature once it is there."""

    status = serializers.CharField(help_text="one of pending, signed")
    salt = serializers.SerializerMethodField(
        help_text="opens the statement's principalCommitment to who knows the caller's id; "
        "in hexadecimal"
    )
    envelope = ReceiptEnvelopeSerializer(allow_null=True, help_text="null until it is signed")

    class Meta:
        model = PredictionReceipt
        fields = (
            "id",
            "status",
            "model_id",
            "version",
            "digest",
            "converted_digest",
            "deployment",
            "revision",
            "isolation",
            "request_id",
            "input_digest",
            "output_digest",
            "salt",
            "created_at",
            "signed_at",
            "key_id",
            "envelope",
        )

    def get_salt(self, receipt: PredictionReceipt) -> str:
        """Of the commitment to who asked."""
        return bytes(receipt.salt).hex()


class ReceiptFilter(filters.FilterSet):
    """Which receipts to list."""

    signed = filters.BooleanFilter(field_name="signed_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = PredictionReceipt
        fields = ("model_id", "deployment", "revision", "request_id", "signed")


class ReceiptViewSet(ReadViewSet):
    """Receipts of predictions that asked for one."""

    queryset = PredictionReceipt.objects.all()
    serializer_class = ReceiptSerializer
    filterset_class = ReceiptFilter
    view_permission = "deployments.view_receipt"
    model_path = "model_id"
    for_models = ("list", "retrieve")
    ordering_fields: ClassVar = ("created_at",)

    @extend_schema(
        responses={
            200: ReceiptSerializer,
            202: OpenApiResponse(ReceiptSerializer, "Not signed yet; ask again."),
        },
        examples=[SIGNED],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one receipt; until it is signed, with the status 202 and when to ask again."""
        receipt = self.get_object()
        shown = self.get_serializer(receipt).data
        if receipt.signed_at is not None:
            return Response(shown)
        return Response(shown, status=202, headers={"Retry-After": str(RETRY_AFTER_S)})
