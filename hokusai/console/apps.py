from django.contrib.admin.apps import AdminConfig
from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "hokusai.console"
    label = "console"


class ConsoleAdminConfig(AdminConfig):
    default_site = "hokusai.console.site.ConsoleSite"
