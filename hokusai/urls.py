from django.urls import include, path

handler400 = "hokusai.api.errors.bad_request"
handler500 = "hokusai.api.errors.server_error"

urlpatterns = [
    path("", include("hokusai.api.urls")),
    path("", include("hokusai.console.urls")),
]
