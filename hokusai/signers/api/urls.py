from django.urls import path, re_path

from hokusai.signers.api.views import SigningKeysView, SigningKeyView

urlpatterns = [
    path("keys", SigningKeysView.as_view(), name="signing-keys"),
    re_path(r"^keys/(?P<key_id>[0-9a-f]{64})\Z", SigningKeyView.as_view(), name="signing-key"),
]
