from django.apps import AppConfig


class TransparencyConfig(AppConfig):
    name = "hokusai.transparency"
    label = "transparency"
