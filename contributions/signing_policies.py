"""How many signers a project's attestations need."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from contributions.models import SigningPolicy
from hokusai.accounts.models import Project
from hokusai.core.errors import Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.signers.choices import Purpose
from hokusai.signers.services import valid_keys

MOST_KEYS = 16


@transaction.atomic
def set_signing_policy(
    *, project: Project, required: int, key_ids: Sequence[str], actor: Actor
) -> SigningPolicy:
    """State how many of which keys have to sign; attestations that wait follow it too.

    Raises InvalidInput for a number that the keys cannot reach, a key twice, or one that may not
    sign attestations now.
    """
    if actor.user_id is None:
        raise Forbidden("A signing policy is stated by a person.")
    _check(required, key_ids)
    Project.objects.select_for_update().get(pk=project.pk)
    before = SigningPolicy.objects.filter(project=project).first()
    policy, _ = SigningPolicy.objects.update_or_create(
        project=project,
        defaults={
            "required": required,
            "key_ids": list(key_ids),
            "changed_by_id": actor.user_id,
            "changed_at": timezone.now(),
        },
    )
    record(
        "signing-policy:changed",
        subject=project.public_id,
        actor=actor,
        project_id=project.pk,
        label=str(project),
        before=_facts(before),
        after=_facts(policy),
    )
    return policy


def _check(required: int, key_ids: Sequence[str]) -> None:
    if not 1 <= len(key_ids) <= MOST_KEYS or len(set(key_ids)) < len(key_ids):
        raise InvalidInput(f"A policy names 1 to {MOST_KEYS} keys, each once.", field="key_ids")
    if not 1 <= required <= len(key_ids):
        raise InvalidInput(
            f"Between 1 and {len(key_ids)} signatures can be asked for.", field="required"
        )
    known = {key.key_id for key in valid_keys(Purpose.ATTESTATION)}
    if unknown := [key for key in key_ids if key not in known]:
        raise InvalidInput(
            f"The key {unknown[0][:16]} may not sign attestations now.", field="key_ids"
        )


def _facts(policy: SigningPolicy | None) -> dict[str, object]:
    if policy is None:
        return {}
    return {"required": policy.required, "key_ids": policy.key_ids}
