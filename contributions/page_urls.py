from django.urls import path

from contributions import pages

urlpatterns = [
    path("login/", pages.Login.as_view(), name="contribute-login"),
    path("logout/", pages.Logout.as_view(), name="contribute-logout"),
    path("contribute/", pages.overview, name="contribute"),
    path("contribute/new/", pages.give, name="contribute-new"),
    path("contribute/<str:public_id>/", pages.detail, name="contribute-detail"),
    path("contribute/<str:public_id>/withdraw/", pages.withdraw, name="contribute-withdraw"),
]
