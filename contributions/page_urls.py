from django.urls import path, re_path

from contributions import pages
from hokusai.web.views import PUBLIC_ID

GIFT = rf"^contribute/(?P<public_id>{PUBLIC_ID})"

urlpatterns = [
    path("login/", pages.Login.as_view(), name="contribute-login"),
    path("logout/", pages.Logout.as_view(), name="contribute-logout"),
    path("contribute/", pages.overview, name="contribute"),
    path("contribute/new/", pages.give, name="contribute-new"),
    re_path(rf"{GIFT}/\Z", pages.detail, name="contribute-detail"),
    re_path(rf"{GIFT}/withdraw/\Z", pages.withdraw, name="contribute-withdraw"),
]
