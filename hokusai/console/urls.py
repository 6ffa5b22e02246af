from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path, reverse


def home(request: HttpRequest) -> HttpResponse:
    """Staff start at the console, everybody else at what they may contribute."""
    staff = request.user.is_authenticated and request.user.is_staff
    return HttpResponseRedirect(reverse("admin:index" if staff else "contribute"))


urlpatterns = [
    path("", home, name="home"),
    path("admin/", admin.site.urls),
    path("", include("contributions.page_urls")),
]
