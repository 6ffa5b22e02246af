"""Fill MLflow over its own API: one registered model, versions with tags."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

NAME = "digits"
API = "/api/2.0/mlflow"


def fill(port: int, *, versions: int, tags: int) -> None:
    """Create what `bench.fill` creates on our side."""
    _post(port, "registered-models/create", {"name": NAME})

    def create(number: int) -> None:
        body = {
            "name": NAME,
            "source": f"s3://bench/models/{number}",
            "tags": [{"key": f"key{tag}", "value": f"value {number}"} for tag in range(tags)],
        }
        _post(port, "model-versions/create", body)

    # The first alone: MLflow numbers versions by retrying.
    create(1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(create, range(2, versions + 1)))


def _post(port: int, path: str, body: dict[str, Any]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        "POST", f"{API}/{path}", json.dumps(body), {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"MLflow refused {path}: {text}")
