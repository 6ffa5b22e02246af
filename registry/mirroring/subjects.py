"""How the jobs of a tracking server say what they are about."""

import hashlib

from django.conf import settings

from hokusai.core.errors import NotFound

PREFIX = "server_"
LABEL = 190


def subject_of(server: str) -> str:
    """The subject of a job about a whole server; the alias may be long."""
    return PREFIX + hashlib.sha256(server.encode()).hexdigest()[:16]


def server_behind(subject: str) -> str:
    """The server's alias. Raises NotFound for one that left the settings."""
    for alias in settings.TRACKING:
        if subject_of(alias) == subject:
            return str(alias)
    raise NotFound("The tracking server of this job is no longer in the settings.")
