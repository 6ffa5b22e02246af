from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from deployments import endpoints
from deployments.checks import falls_short, policy_of
from deployments.models import Deployment
from deployments.switching import locked_deployment
from hokusai.core import doorbell
from hokusai.core.errors import InvalidInput
from hokusai.core.events import Actor, record

CACHE_MAX_S: Final = 7 * 24 * 3600
REDACTED_MAX: Final = 200
# What the process of a model is told when it starts.
OF_THE_PROCESS: Final = frozenset({"memory_bytes", "latency_budget_ms", "idle_s"})
# What a deployment is made with.
FIXED: Final = frozenset(
    {"id", "public_id", "model", "slug", "provider", "status", "environment", "created_by"}
)
CONFIGURABLE: Final = (
    "required_stage",
    "require_digest",
    "memory_bytes",
    "latency_budget_ms",
    "idle_s",
    "deadline_ms",
    "rate_per_minute",
    "personal_data",
    "cache_s",
    "log_sample",
    "log_payloads",
    "log_every_row",
    "redacted_columns",
)


@transaction.atomic
def configure(*, deployment_id: int, actor: Actor, **changes: Any) -> Deployment:
    """Change how a deployment serves; in force at once. `changes`: of the fields CONFIGURABLE.

    Where rows begin to be personal data, results are no longer kept unless `cache_s` is given
    along. What its processes are told reaches them within seconds, without a gap in the answers.

    Raises InvalidInput, naming the fields.
    """
    _require_known(changes)
    deployment = locked_deployment(deployment_id)
    before = _stated(deployment)
    if changes.get("personal_data") and not deployment.personal_data and "cache_s" not in changes:
        changes["cache_s"] = None
    for name, value in changes.items():
        setattr(deployment, name, value)
    _require_sound(deployment)
    after = _stated(deployment)
    changed = sorted(name for name in CONFIGURABLE if before[name] != after[name])
    if not changed:
        return deployment
    deployment.save(update_fields=changed)
    _take_effect(deployment, changed)
    record(
        "deployment:configured",
        subject=deployment.public_id,
        actor=actor,
        project_id=deployment.model.project_id,
        label=str(deployment),
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return deployment


def _require_known(changes: dict[str, Any]) -> None:
    unknown = sorted(set(changes) - set(CONFIGURABLE))
    if unknown:
        raise InvalidInput(
            f"A deployment has no setting {unknown[0]!r}.", unknown=unknown, known=CONFIGURABLE
        )


def _require_sound(deployment: Deployment) -> None:
    problems = _of_fields(deployment) or _of_rules(deployment)
    if problems:
        name, reason = next(iter(problems.items()))
        raise InvalidInput(f"{name}: {reason}", fields=problems)


def _of_fields(deployment: Deployment) -> dict[str, str]:
    """What the fields themselves do not allow, by name."""
    try:
        deployment.clean_fields(exclude=FIXED)
    except ValidationError as error:
        return {name: " ".join(said) for name, said in error.message_dict.items()}
    return {}


def _of_rules(deployment: Deployment) -> dict[str, str]:
    """What fields do not allow each other, by the name of the one to change."""
    most = settings.SERVING_MEMORY_MAX_BYTES
    columns = deployment.redacted_columns
    broken = {
        "required_stage": (
            falls_short(policy_of(deployment)),
            f"A place of environment {deployment.environment} asks for no less than its "
            "environment does; use a place of another environment.",
        ),
        "memory_bytes": (
            _number(deployment.memory_bytes) > most,
            f"Give at most {most}, the value of SERVING_MEMORY_MAX_BYTES.",
        ),
        "latency_budget_ms": (
            not _number(deployment.latency_budget_ms) < _number(deployment.deadline_ms),
            "A request cannot wait for others as long as it may take altogether.",
        ),
        "rate_per_minute": (deployment.rate_per_minute == 0, "Give at least 1, or nothing."),
        "cache_s": (
            _number(deployment.cache_s) > CACHE_MAX_S,
            f"Give at most {CACHE_MAX_S}: a week.",
        ),
        # A NaN is neither below nor above anything.
        "log_sample": (
            not int(bool(deployment.log_every_row)) <= _number(deployment.log_sample) <= 1,
            "Give a part from 0 to 1; where every row is to be logged, 1.",
        ),
        "redacted_columns": (
            isinstance(columns, list)
            and (len(columns) > REDACTED_MAX or len(set(map(str, columns))) != len(columns)),
            f"Name at most {REDACTED_MAX} columns, each once.",
        ),
    }
    return {name: reason for name, (wrong, reason) in broken.items() if wrong}


def _number(value: Any) -> float:
    """What is no number is told of by its field."""
    return value if isinstance(value, int | float) else 0


def _take_effect(deployment: Deployment, changed: list[str]) -> None:
    endpoints.outdate_on_commit(deployment)
    if OF_THE_PROCESS.intersection(changed):
        public_id = deployment.public_id
        transaction.on_commit(lambda: doorbell.ring("deployments.serve_as_told", public_id))


def _stated(deployment: Deployment) -> dict[str, Any]:
    return {name: getattr(deployment, name) for name in CONFIGURABLE}
