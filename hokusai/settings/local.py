"""One machine: what the supervisor starts, with secrets that it generated."""

from hokusai.settings import base
from hokusai.settings.base import *  # noqa: F403

DEBUG = env.bool("DEBUG", default=False)  # noqa: F405
SECRET_KEY = base.SECRET_KEY or "only-for-commands-on-this-machine"
API_KEY_PEPPER = base.API_KEY_PEPPER or "only-for-commands-on-this-machine"
# Receivers on this machine and its network are tried out here.
WEBHOOK_ALLOW_PRIVATE = env.bool("WEBHOOK_ALLOW_PRIVATE", default=True)  # noqa: F405
