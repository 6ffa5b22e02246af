from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "hokusai.accounts"
    label = "accounts"
    verbose_name = "People and projects"
