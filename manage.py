#!/usr/bin/env python
import os
import sys
from importlib import import_module

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hokusai.settings.local")


def main() -> None:
    # Shared tasks bind to this app.
    import_module("hokusai.celery")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
