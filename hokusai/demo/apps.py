from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "hokusai.demo"
    label = "demo"
