from django.db import models


class Visibility(models.TextChoices):
    PRIVATE = "private"
    PUBLIC = "public"


class Role(models.TextChoices):
    """What a member may do; each role in `roles.py` states its permissions."""

    VIEWER = "viewer"
    CONTRIBUTOR = "contributor"
    ENGINEER = "engineer"
    REVIEWER = "reviewer"
    OWNER = "owner"


class Scope(models.TextChoices):
    """What an API key may be used for, within what its owner may do."""

    READ = "read"
    WRITE = "write"
    PREDICT = "predict"
