"""Tells in plain sentences why a mentor is, or is not, paused (G6)."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cli.output import result
from cli.show.messages import KINDS, STATES
from cli.show.moments import when
from cli.show.plans import WHY, approve_words

type Command = Callable[[str], str]
type Story = Mapping[str, Any]
"""The object that `explain_mentor` returns."""

_ACTORS = {
    "job": "a run",
    "mentor": "the mentor",
    "coordinator": "a coordinator or an administrator",
    "service": "an operator or another program",
}


def show_story(story: Story, command: Command) -> None:
    """Show the answer first, then what it rests on, then the next step if there is one."""
    for line in (*tell(story), *_details(story)):
        result(line)
    if step := next_step(story, command):
        result(f"next: {step}")


def tell(story: Story) -> Iterator[str]:
    """Yield the sentences of the answer."""
    yield f"{story['mentor_id']} is {story['status']} since {_when(story['status_changed_at'])}"
    yield from _ANSWERS[story["answer"]](story)


def _valid(story: Story) -> Iterator[str]:
    day = story["rule"]["expires_on"]
    yield f"the certification is valid: the run of {day} pauses the mentor unless it is renewed"


def _no_certification(_story: Story) -> Iterator[str]:
    yield "the mentor has no certification that could expire, so no run pauses them"


def _will_be_paused(story: Story) -> Iterator[str]:
    day, next_day = story["rule"]["expires_on"], story["next_check"]["as_of"]
    yield f"the certification expired on {day}; the next run, for {next_day}, pauses the mentor"


def _held(story: Story) -> Iterator[str]:
    rule, plan = story["rule"], story["plan"]
    yield f"the certification expired on {rule['expires_on']}; {WHY[rule['why']]} of that date"
    if plan is None or plan["action"] != "hold" or not plan["is_current"]:
        yield "the brake is in mode hold, so the plan of the next run decides about the pause"
    elif plan["approved_by"] is None:
        yield f"the pause waits for an approval of the plan of run {plan['job_run_id']}"
    else:
        yield f"the plan is approved, but no run has paused the mentor yet{_by(plan)}"


def _paused_by_run(story: Story) -> Iterator[str]:
    yield f"{_run_of(story)} paused the mentor: {_expired_on(story)}"


def _renewed_and_paused(story: Story) -> Iterator[str]:
    day = story["rule"]["expires_on"]
    yield f"{_run_of(story)} paused the mentor: {_expired_on(story)}"
    yield f"since then it was renewed until {day}; a person has to resume the mentor"


def _paused_by_hand(story: Story) -> Iterator[str]:
    if story["last_change"] is None:
        yield "the history does not say who paused the mentor: it began later"
    else:
        yield "not the nightly run but a person or a program paused the mentor"


def _inactive(_story: Story) -> Iterator[str]:
    yield "no run pauses an inactive mentor"


_ANSWERS: Mapping[str, Callable[[Story], Iterator[str]]] = {
    "valid": _valid,
    "no_certification": _no_certification,
    "will_be_paused": _will_be_paused,
    "held": _held,
    "paused_by_run": _paused_by_run,
    "renewed_and_paused": _renewed_and_paused,
    "paused_by_hand": _paused_by_hand,
    "inactive": _inactive,
}


def next_step(story: Story, command: Command) -> str | None:
    """Return the next command for a mentor who is not as they should be."""
    mentor_id, plan = story["mentor_id"], story["plan"]
    match story["answer"]:
        case "held" if plan is not None and plan["action"] == "hold" and plan["is_current"]:
            return command(approve_words(plan["job_run_id"], plan["plan_hash"]))
        case "held" | "will_be_paused":
            return command("run certification_expiry --follow")
        case "renewed_and_paused":
            return command(f"mentor {mentor_id} --set active --reason certification_renewed")
        case _:
            pass
    portal = story["portal"]
    if portal is not None and not portal["is_synced"]:
        return command("run hlf_sync --follow")
    return None


def _details(story: Story) -> Iterator[str]:
    yield from _rule(story)
    yield from _last_change(story)
    yield from _plan(story)
    yield from _warnings(story)
    for change in story["changes"]:
        to = f"moved the date from {change['from']} to {change['to']}"
        gone = f"took away the certification until {change['from']}"
        yield f"{_when(change['at'])}: {change['by']} {to if change['to'] else gone}"
    for message in story["messages"]:
        words = f"{KINDS[message['kind']]}, {STATES[message['state']]}"
        yield f"message to the mentor, {_when(message['created_at'])}: {words}"
    yield _portal(story)
    yield from _looks(story)


def _rule(story: Story) -> Iterator[str]:
    rule = story["rule"]
    if rule["expires_on"] is None:
        yield f"certification on {rule['as_of']}: none"
        return
    warned = f", {WHY[rule['why']]}" if rule["why"] else ""
    yield f"certification on {rule['as_of']}: until {rule['expires_on']}{warned}"


def _last_change(story: Story) -> Iterator[str]:
    change = story["last_change"]
    if change is None:
        return
    yield (
        f"last change: {change['from']} to {change['to']}, {_when(change['at'])},"
        f" by {_ACTORS.get(change['by'], change['by'])}, reason {change['reason']}"
    )
    run = change["run"]
    if run is None:
        return
    yield f"run {run['job_run_id']} of {_job(run)}, requested by {run['triggered_by'] or 'unknown'}"
    if run["withdraws"]:
        yield f"it withdrew run {run['withdraws']}"
    if run["approved_by"]:
        at = _when(run["approved_at"])
        yield f"it released the plan of run {run['plan_of']}, {run['plan_hash']}"
        yield f"approved by {run['approved_by']}, {at}: {run['approval_note']}"


def _plan(story: Story) -> Iterator[str]:
    plan = story["plan"]
    if plan is not None:
        yield (
            f"newest plan, of run {plan['job_run_id']} for {plan['as_of']}: {plan['action']},"
            f" {WHY[plan['why']]}{_by(plan)}"
        )


def _by(plan: Story) -> str:
    if plan["approved_by"] is None:
        return ""
    return f"; approved by {plan['approved_by']}, {_when(plan['approved_at'])}"


def _warnings(story: Story) -> Iterator[str]:
    by_day: dict[str, list[str]] = {}
    for warning in story["warnings"]:
        by_day.setdefault(warning["expires_on"], []).append(warning["warned_on"])
    for day, warned_on in by_day.items():
        yield f"warned of {day} on {', '.join(sorted(warned_on))}"
    if not by_day:
        yield "never warned"


def _portal(story: Story) -> str:
    portal = story["portal"]
    if portal is None:
        return "HLF's portal has not been sent a status of the mentor"
    if portal["is_synced"]:
        return f"HLF's portal has this status since {_when(portal['synced_at'])}"
    return "HLF's portal does not have this status yet"


def _looks(story: Story) -> Iterator[str]:
    look = story["last_look"]
    if look is None:
        yield "no run has looked at the mentors yet"
    else:
        ended = _when(look["finished_at"])
        yield f"last look: run {look['job_run_id']} for {look['as_of']}, ended {ended}"
    yield f"next look: {story['next_check']['as_of']}"


def _run_of(story: Story) -> str:
    change: Story | None = story["last_change"]
    run: Story | None = change["run"] if change else None
    return f"run {run['job_run_id']} for {run['as_of']}" if run else "a run"


def _job(run: Story) -> str:
    return f"{run['job_name'] or 'an unknown job'} for {run['as_of'] or 'an unknown day'}"


def _expired_on(story: Story) -> str:
    change: Story | None = story["last_change"]
    day: str | None = change["expires_on"] if change else None
    return f"the certification expired on {day}" if day else "there was no certification"


def _when(moment: str | None) -> str:
    return f"{when(datetime.fromisoformat(moment))} UTC" if moment else "at no known time"
