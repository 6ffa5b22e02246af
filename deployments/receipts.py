"""Receipts of predictions: asked for with the prediction, signed by the signer within seconds.

The web process holds no key. It inserts one row, and only where a receipt was asked for.
"""

from deployments import serving_stats
from deployments.algorithms import receipt_digests
from deployments.algorithms.receipt_digests import NoDigest
from deployments.endpoints import Target
from deployments.models import PredictionReceipt
from hokusai.core.errors import InvalidInput

HEADER = "Hokusai-Receipt"
JSON = "application/json"


def input_digest(body: bytes, content_type: str) -> str:
    """What a receipt says of a request's body; to be asked before the model is.

    Raises InvalidInput for JSON that is too long or not in form.
    """
    if content_type.partition(";")[0].strip().lower() not in ("", JSON):
        return receipt_digests.of_bytes(body)
    try:
        return receipt_digests.of_rows(body)
    except NoDigest as error:
        raise InvalidInput(str(error)) from error


def output_digest(outputs: bytes, content_type: str = JSON) -> str:
    """What a receipt says of an answer: of JSON the value of `outputs`, else the whole body."""
    if content_type.partition(";")[0].strip().lower() != JSON:
        return receipt_digests.of_bytes(outputs)
    return receipt_digests.of_outputs(outputs)


def ask_for(
    target: Target, *, request_id: str, principal: str, input_digest: str, output_digest: str
) -> str:
    """Ask the signer for a receipt of a prediction that was just made; its public id.

    `principal` is the public id of who asked; the digests are `input_digest` and `output_digest`
    of this module.
    """
    health = serving_stats.health_of(target.provider)
    row = PredictionReceipt.objects.create(
        project_id=target.project_id,
        deployment=target.deployment_id,
        revision=target.revision_id,
        model_id=target.model_id,
        version=target.version,
        digest=target.digest,
        converted_digest=target.converted_digest,
        isolation=health.tier if health else "",
        request_id=request_id,
        principal=principal,
        input_digest=input_digest,
        output_digest=output_digest,
    )
    return row.public_id


def headers_of(receipt_id: str) -> dict[str, str]:
    """What an answer says of its receipt."""
    path = f"/api/v1/prediction-receipts/{receipt_id}"
    return {HEADER: receipt_id, "Link": f'<{path}>; rel="describedby"'}
