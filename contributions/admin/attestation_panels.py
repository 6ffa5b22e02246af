"""What an attestation's page says beside its statement: signatures, log, chain, checks."""

import json
from typing import Any

from django.urls import reverse
from django.utils import timezone

from contributions.choices import AttestationStatus
from contributions.examination import Examination
from contributions.models import Attestation, Revocation, SigningPolicy, StatusList
from contributions.sealing import policy_of
from hokusai.core.choices import WorkStatus
from hokusai.signers.models import SigningKey
from hokusai.transparency import services as log
from hokusai.transparency.models import LogLeaf
from hokusai.web import markup
from hokusai.web.panels import Fact, Notice, Panel, plain, table

VERDICTS = {True: ("holds", "success"), False: ("fails", "danger"), None: ("open", "quiet")}


def notices(obj: Attestation) -> list[Notice]:
    found: list[Notice] = []
    job = obj.job
    if obj.status == AttestationStatus.PENDING and job and job.status == WorkStatus.FAILED:
        found.append(Notice(f"Nothing was signed: {job.last_error}", "danger"))
    elif obj.status == AttestationStatus.PENDING:
        found.append(Notice("Waiting for the signers. This page refreshes itself.", "warning"))
    revocation = Revocation.objects.filter(attestation=obj).select_related("job").first()
    if obj.status == AttestationStatus.REVOKED and revocation is not None:
        found.append(Notice(f"Revoked, and counts no more: {revocation.reason}", "danger"))
    elif obj.status == AttestationStatus.REVOKED:
        found.append(Notice("Revoked: it stays on record and no longer counts.", "danger"))
    elif revocation is not None:
        found.append(_revoking(revocation))
    if obj.expires_at is not None and obj.expires_at <= timezone.now():
        found.append(Notice("Expired: measure the gain anew where it still matters.", "danger"))
    return found


def _revoking(revocation: Revocation) -> Notice:
    job = revocation.job
    if job is not None and job.status == WorkStatus.FAILED:
        return Notice(f"The revocation was not signed: {job.last_error}", "danger")
    return Notice("Its revocation waits for the signer; it counts for nothing already.", "warning")


def facts(obj: Attestation) -> tuple[Fact, ...]:
    return (
        Fact("Id", markup.mono(obj.statement_id or ""), "sha256 of the statement"),
        Fact("Improvement", markup.object_link(obj.improvement)),
        Fact("Signatures", _signed_of(obj), "of the keys that the project asks for"),
        Fact("Made", markup.moment(obj.issued_at), "by the signer's clock"),
        Fact("Complete", markup.moment(obj.signed_at)),
        Fact("Expires", markup.moment(obj.expires_at)),
        Fact("Log", _place(obj), "the index is the order of what happened"),
        Fact("Envelope", _download(obj, "envelope"), "DSSE, Ed25519"),
        Fact("Proof bundle", _download(obj, "bundle"), "verify_hokusai.py checks it offline"),
    )


def _signed_of(obj: Attestation) -> str:
    policy = policy_of(obj)
    required = policy.required if policy else 1
    return f"{obj.signatures.count() or (1 if obj.envelope else 0)} of {required}"


def _download(obj: Attestation, kind: str) -> str:
    if not obj.envelope:
        return markup.NOTHING
    if kind == "envelope":
        url = reverse("admin:contributions_attestation_envelope", args=[obj.pk])
        return markup.link("Download the envelope", url)
    if obj.log_record_id is None:
        return markup.NOTHING
    url = reverse("attestation-bundle", args=[obj.statement_id])
    return markup.link("Download the bundle", url)


def _place(obj: Attestation) -> str:
    if obj.log_record_id is None:
        return "signed before there was a log" if obj.envelope else markup.NOTHING
    leaf = LogLeaf.objects.filter(record=obj.log_record_id).first()
    if leaf is None:
        return "waits for the sequencer"
    checkpoint = log.latest_checkpoint()
    covered = checkpoint is not None and leaf.index < checkpoint.size
    return f"entry {leaf.index:,}, {'in a signed checkpoint' if covered else 'not yet in one'}"


def signatures(obj: Attestation) -> Panel:
    """Who signed, and where their keys stand."""
    entries = obj.envelope.get("signatures") or []
    names = [entry["keyid"] for entry in entries] or list(
        obj.signatures.values_list("key_id", flat=True)
    )
    keys = {key.key_id: key for key in SigningKey.objects.filter(key_id__in=names)}
    when = dict(obj.signatures.values_list("key_id", "created_at"))
    rows = [
        (
            markup.object_link(keys.get(name)) if name in keys else markup.mono(name, 16),
            _state(keys.get(name)),
            markup.moment(when.get(name) or obj.signed_at),
            markup.moment(keys[name].valid_until) if name in keys else markup.NOTHING,
        )
        for name in names
    ]
    return table(
        "Signatures",
        ("Key", "State now", "Signed", "Valid until"),
        rows,
        empty="No signature yet.",
        hint=_asked(policy_of(obj)),
    )


def _state(key: SigningKey | None) -> str:
    if key is None:
        return markup.badge("unknown", "danger")
    state = key.state_at(timezone.now())
    return markup.badge(state.label, "success" if state == "live" else "")


def _asked(policy: SigningPolicy | None) -> str:
    if policy is None:
        return "The project asks for one signature by any key of the platform."
    return f"The project asks for {policy.required} of {len(policy.key_ids)} named keys."


def chain(obj: Attestation) -> Panel:
    """The same gain as a contract reads it."""
    made = obj.eip712
    text = ""
    if made:
        text = json.dumps(
            {
                "signer": made["signer"],
                "signature": made["signature"],
                "digest": made["digest"],
                "domain": made["typed_data"]["domain"],
                "message": made["typed_data"]["message"],
            },
            indent=2,
        )
    return plain(
        "For a chain (EIP-712)",
        text,
        empty="Not signed for a chain: the signer holds no key for one, or nobody is credited.",
        wide=False,
    )


def standing(obj: Attestation) -> Panel:
    """What status lists say, and the checkpoint that covers it."""
    last = StatusList.objects.select_related("log_record__leaf").first()
    checkpoint = log.latest_checkpoint()
    rows: list[tuple[Any, ...]] = []
    if last is not None and obj.statement_id:
        named = [e for e in last.entries if e["attestation"] == obj.statement_id]
        status = named[0]["status"] if named else "not named yet"
        said = markup.badge(status, "success" if status == "valid" else "")
        rows.append((f"Status list {last.number}", said, markup.moment(last.created_at)))
    if checkpoint is not None and obj.log_record_id is not None:
        witnesses = checkpoint.cosignatures.count()
        rows.append(
            (
                f"Checkpoint of {checkpoint.size:,} entries",
                f"{witnesses} witnesses",
                markup.moment(checkpoint.signed_at),
            )
        )
    return table(
        "Standing",
        ("By", "Says", "As of"),
        rows,
        empty="No status list names it yet; the next one is issued when it is complete.",
        wide=False,
    )


def checks(found: Examination) -> Panel:
    """Each check with its answer."""
    rows = [
        (check.title, markup.badge(*VERDICTS[check.holds]), check.text) for check in found.checks
    ]
    return table(
        "Checks",
        ("Check", "Result", "Finding"),
        rows,
        empty="",
        hint="Made now, from public keys, the envelope, the rows, the outcomes and the log.",
    )
