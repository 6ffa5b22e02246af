"""One prediction: a body in, a body out; for the fast way and for the ordinary view alike."""

from deployments.predictions.answering import Answer, answer
from deployments.predictions.given import Given

__all__ = ["Answer", "Given", "answer"]
