from django.urls import include, path

handler500 = "hokusai.api.errors.server_error"

urlpatterns = [
    path("", include("hokusai.api.urls")),
    path("", include("hokusai.console.urls")),
]
