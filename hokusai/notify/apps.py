from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "hokusai.notify"
    label = "notify"
    verbose_name = "Notifications"
