from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "hokusai.web"
    label = "web"
