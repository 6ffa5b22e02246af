from django.apps import AppConfig


class SignersConfig(AppConfig):
    name = "hokusai.signers"
    label = "signers"
