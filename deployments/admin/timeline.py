"""What happened at a deployment, from the record of events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.models import Deployment, Revision
from hokusai.core.models import Event
from hokusai.web import markup
from hokusai.web.panels import Panel

STEPS_SHOWN = 25
VALUE_SHOWN = 60
_DIGEST = 64
_LOOKS = {
    "deployment:created": ("add_location_alt", "info", "The place was made"),
    "deployment:configured": ("tune", "info", "Settings changed"),
    "deployment:stopped": ("stop_circle", "danger", "Serving was stopped"),
    "deployment:resumed": ("play_circle", "success", "Serving was resumed"),
    "deployment:rolled_back": ("undo", "warning", "Rolled back"),
    "revision:requested": ("rocket_launch", "info", "{} was asked for"),
    "revision:starting": ("hourglass_top", "info", "{} is starting"),
    "revision:live": ("check_circle", "success", "{} went live"),
    "revision:standby": ("pause_circle", "quiet", "{} is kept for a roll-back"),
    "revision:retired": ("do_not_disturb_on", "quiet", "{} was retired"),
    "revision:failed": ("error", "danger", "{} failed"),
    "revision:converted": ("swap_horiz", "info", "{} was converted"),
}
# What an event states beside the change of a state, in the words of the page.
_TOLD = ("reason", "error", "digest", "rolled_back_to", "replaces", "provider")


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; `before` is empty where there was nothing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One event as the timeline draws it."""

    icon: str
    tone: str
    what: str
    who: str
    when: Any
    changes: tuple[Change, ...]
    href: str


def timeline(deployment: Deployment, revisions: Sequence[Revision], *, linked: bool) -> Panel:
    """The events of a deployment and of its revisions, the newest first.

    `linked`: whether each step leads to its event.
    """
    names = {row.public_id: f"Revision {row.number} (v{row.version.number})" for row in revisions}
    subjects = [deployment.public_id, *names]
    events = list(Event.objects.filter(subject__in=subjects).order_by("-id")[: STEPS_SHOWN + 1])
    steps = [_step(event, names, linked=linked) for event in events[:STEPS_SHOWN]]
    hint = "From the record of events, which is only ever added to."
    if len(events) > STEPS_SHOWN:
        hint += f" The last {STEPS_SHOWN}."
    context = {"steps": steps, "empty": "Nothing happened here yet. Deploy a version."}
    return Panel("Timeline", "console/panels/timeline.html", context, hint=hint, wide=False)


def _step(event: Event, names: Mapping[str, str], *, linked: bool) -> Step:
    fallback = ("bolt", "quiet", event.tag.replace(":", " ").replace("_", " "))
    icon, tone, what = _LOOKS.get(event.tag, fallback)
    return Step(
        icon=icon,
        tone=tone,
        what=what.format(names.get(event.subject, event.subject_label)),
        who=event.actor_label or event.actor,
        when=markup.moment(event.recorded_at),
        changes=tuple(_changes(event, names)),
        href=markup.object_url(event) if linked else "",
    )


def _changes(event: Event, names: Mapping[str, str]) -> list[Change]:
    found = []
    for name, after in event.after.items():
        before = event.before.get(name)
        changed = name in event.before and before != after
        if changed or (name in _TOLD and name not in event.before and after not in (None, "")):
            shown = _shown(before, names) if changed else ""
            found.append(Change(_words(name), shown, _shown(after, names)))
    return sorted(found, key=lambda change: (not change.before, change.name))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: Any, names: Mapping[str, str]) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if len(text) == _DIGEST and " " not in text:
        return f"{text[:12]}…"
    text = names.get(text, text)
    return text if len(text) <= VALUE_SHOWN else f"{text[: VALUE_SHOWN - 1]}…"
