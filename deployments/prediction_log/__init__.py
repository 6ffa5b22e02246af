"""What was asked of a deployment and what it answered, kept by day for a while."""

from deployments.prediction_log.entry import Entry
from deployments.prediction_log.writer import put

__all__ = ["Entry", "put"]
