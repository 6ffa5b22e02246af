from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "hokusai.core"
    label = "core"
    verbose_name = "Operations"
