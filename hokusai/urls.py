from django.urls import include, path

urlpatterns = [
    path("api/", include("hokusai.api.urls")),
    path("", include("hokusai.console.urls")),
]
