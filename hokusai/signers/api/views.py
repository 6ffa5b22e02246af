from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hokusai.signers import services
from hokusai.signers.api.serializers import SigningKeySerializer
from hokusai.signers.models import SigningKey
from hokusai.web.permissions import Everybody
from hokusai.web.views import GuardedView


class SigningKeysView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(operation_id="keys_list", responses=SigningKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List every public key that ever signed here, the retired and compromised among them."""
        keys = SigningKey.objects.all()
        return Response(SigningKeySerializer(keys, many=True, context={"request": request}).data)


class SigningKeyView(GuardedView):
    permission_classes = (Everybody,)

    @extend_schema(responses=SigningKeySerializer)
    def get(self, request: Request, key_id: str) -> Response:
        """Show one public key: when it was valid, and from which index it counts no more."""
        key = services.key_at(key_id)
        return Response(SigningKeySerializer(key, context={"request": request}).data)
