"""Keeping a version and its twin on the tracking server in step, whichever side changed."""

from registry.sync.models import push_model
from registry.sync.push import push_version

__all__ = ["push_model", "push_version"]
