"""One machine: what the supervisor starts, with secrets that it generated."""

from hokusai.settings.base import *  # noqa: F403

DEBUG = env.bool("DEBUG", default=False)  # noqa: F405
if not SECRET_KEY:  # noqa: F405
    SECRET_KEY = "only-for-commands-on-this-machine"  # noqa: S105
if not API_KEY_PEPPER:  # noqa: F405
    API_KEY_PEPPER = "only-for-commands-on-this-machine"
