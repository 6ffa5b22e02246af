from django.urls import include, path

urlpatterns = [
    path("", include("hokusai.api.urls")),
    path("", include("hokusai.console.urls")),
]
