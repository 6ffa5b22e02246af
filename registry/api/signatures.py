"""Signatures over a version's files, and the keys that verify them."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.web.permissions import Everybody
from hokusai.web.serializers import ReadSerializer
from hokusai.web.views import GuardedView
from registry import services
from registry.api.shared import SharedReading
from registry.models import ModelVersion
from registry.signatures import published_keys, signatures_of

NEW = OpenApiExample(
    "As model_signing wrote it",
    {
        "bundle": '{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", '
        '"verificationMaterial": {"publicKey": {"hint": "…"}}, "dsseEnvelope": {…}}'
    },
    request_only=True,
)
MAX_BUNDLE = 4_000_000


class SignatureStateSerializer(ReadSerializer):
    """One signature, verified now."""

    signer = serializers.CharField(help_text="the platform, or a trusted key's name")
    key_id = serializers.CharField(help_text="sha256 of the public key's PEM")
    created_at = serializers.DateTimeField()
    valid = serializers.BooleanField()
    problem = serializers.CharField(help_text="why it does not hold; empty where it does")


class NewSignatureSerializer(serializers.Serializer[Any]):
    bundle = serializers.CharField(
        max_length=MAX_BUNDLE, help_text="the text of the signature file, `model.sig`"
    )


class PublishedKeySerializer(ReadSerializer):
    """A public key that signs models."""

    signer = serializers.CharField(help_text="the platform, or a trusted key's name")
    key_id = serializers.CharField(help_text="sha256 of the public key's PEM")
    public_pem = serializers.CharField()


class SignatureViewSet(SharedReading):
    """Who signed a version's files."""

    queryset = ModelVersion.objects.with_names()
    serializer_class = SignatureStateSerializer
    lookup_field = "number"
    view_permission = "registry.view_model"
    pagination_class = None
    filter_backends = ()
    permissions: ClassVar = {
        "signatures": "registry.view_model",
        "countersign": "registry.register_version",
    }

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(model__model_id=self.kwargs["model_id"])

    @extend_schema(responses=SignatureStateSerializer(many=True))
    def signatures(self, request: Request, **kwargs: Any) -> Response:
        """Verify a version's signatures with the keys that are trusted now."""
        found = signatures_of(self.get_object())
        return Response(SignatureStateSerializer(found, many=True).data)

    @extend_schema(
        request=NewSignatureSerializer,
        responses={201: SignatureStateSerializer(many=True)},
        examples=[NEW],
    )
    def countersign(self, request: Request, **kwargs: Any) -> Response:
        """Add a third party's signature, whose key is trusted here."""
        form = NewSignatureSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        version = self.get_object()
        services.add_signature(version_id=version.pk, **form.validated_data, actor=self.actor)
        found = signatures_of(version)
        return Response(SignatureStateSerializer(found, many=True).data, status=201)


class ModelKeysView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(responses=PublishedKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the public keys whose signatures on models count, the platform's first."""
        return Response(PublishedKeySerializer(published_keys(), many=True).data)
