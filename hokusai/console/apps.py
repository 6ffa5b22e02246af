from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AppConfig):
    name = "hokusai.console"
    label = "console"


class ConsoleAdminConfig(AdminConfig):
    default_site = "hokusai.console.site.ConsoleSite"
