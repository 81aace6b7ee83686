"""The words for codes of the database, and the sentences that say why a mentor is as they are (G6).

The tables hold message ids. `N_` marks them for the extraction; `gettext` translates them later.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from texts.catalogue import Catalogue


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a text for translation, and return it as it is."""
    return text


STATUSES = {"active": N_("active"), "paused": N_("paused"), "inactive": N_("inactive")}
REASONS = {
    "certification_expired": N_("the certification has expired"),
    "certification_renewed": N_("the certification has been renewed"),
    "pause_withdrawn": N_("an administrator withdrew the pause"),
    "wrongly_shown": N_("shown as available, but must not be"),
    "on_leave": N_("away for some time"),
    "own_wish": N_("own wish"),
    "back_again": N_("back again"),
    "paused_by_mistake": N_("paused by mistake"),
    "other": N_("another reason"),
}
ACTORS = {
    "mentor": N_("the mentor"),
    "coordinator": N_("a coordinator"),
    "job": N_("the check"),
    "service": N_("the organisation's system"),
}
CHANGERS = {
    "portal": N_("the member portal"),
    "service": N_("the organisation's system"),
}
NEXT_STEPS = {
    "will_be_paused": N_("will be paused at the next check"),
    "held": N_("the pause waits for an administrator"),
    "renew_soon": N_("must be renewed soon"),
    "set_active": N_("renewed: can be set active"),
    "renew_first": N_("must be renewed first"),
    "no_certification": N_("no certification is registered"),
    "none": N_("nothing to do"),
}
FILTERS = {
    "all": N_("all"),
    "active": N_("active"),
    "paused": N_("paused"),
    "inactive": N_("inactive"),
    "paused_tonight": N_("paused last night"),
    "expiring": N_("expire within 30 days"),
    "will_be_paused": N_("will be paused at the next check"),
    "held": N_("held"),
    "unreachable": N_("no e-mail reaches them"),
    "set_active": N_("renewed and still paused"),
}
PLANNED = {
    "forewarned": N_("warned in time"),
    "warned_late": N_("warned too late"),
    "warned_of_another_date": N_("warned of another date"),
    "never_warned": N_("never warned"),
}
UNREACHABLE = {
    "no_address": N_("no e-mail address is registered"),
    "bounced": N_("the address does not work"),
    "bounced_for_now": N_("the address does not work just now"),
    "complained": N_("the recipient marked our e-mail as unwanted"),
    "suppressed": N_("the e-mail service blocks the address"),
}
MESSAGES = {
    "paused": N_("paused"),
    "renewed": N_("certification renewed"),
    "warning": N_("certification expires soon"),
    "held": N_("pauses are held"),
    "unforeseen": N_("paused without a warning in time"),
    "resumed": N_("active again"),
}
DELIVERIES = {
    "pending": N_("not sent yet"),
    "sending": N_("is being sent"),
    "sent": N_("sent"),
    "delivered": N_("delivered"),
    "bounced": N_("did not arrive"),
    "complained": N_("marked as unwanted"),
    "suppressed": N_("blocked by the e-mail service"),
    "unknown": N_("not known whether it arrived"),
    "no_address": N_("no e-mail address"),
    "outdated": N_("not needed any more"),
}
JOBS = {
    "certification_expiry": N_("the check"),
    "withdrawal": N_("withdrawal of pauses"),
    "hlf_sync": N_("transfer to the website"),
}
RUNS = {
    "running": N_("in progress"),
    "completed": N_("completed"),
    "failed": N_("failed"),
    "duplicate": N_("asked for twice"),
    "refused": N_("refused"),
}
ASKERS = {
    "schedule": N_("started by itself"),
    "event": N_("started by itself"),
    "you": N_("started by you"),
    "person": N_("started by a person"),
    "operator": N_("started by an operator"),
}
SERIES = {"paused": N_("pauses"), "warned": N_("warnings"), "renewed": N_("renewals")}
TABLES: Mapping[str, Mapping[str, str]] = {
    "status": STATUSES, "reason": REASONS, "actor": ACTORS, "next_step": NEXT_STEPS,
    "filter": FILTERS, "planned": PLANNED, "unreachable": UNREACHABLE, "message": MESSAGES,
    "delivery": DELIVERIES, "job": JOBS, "run": RUNS, "asker": ASKERS,
    "series": SERIES, "changer": CHANGERS,
}  # fmt: skip

type Story = Mapping[str, Any]
"""The object that `explain_mentor` returns."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words in one language."""

    texts: Catalogue

    def of(self, table: str, code: str | None) -> str:
        """Return the word for a code; for a code without a word, the code with spaces."""
        text = TABLES[table].get(code or "")
        return self.texts.gettext(text) if text else (code or "").replace("_", " ")

    def why(self, story: Story, is_me: bool = False) -> str:
        """Return in one or two sentences why the mentor is, or is not, paused.

        `is_me`: the reader is the mentor.
        """
        return " ".join(self._why(story, _MINE if is_me else _THEIRS))

    def next(self, story: Story, is_me: bool = False) -> str:
        """Return what happens next, and when."""
        return " ".join(self._next(story, _MINE if is_me else _THEIRS))

    def _why(self, story: Story, texts: "_Texts") -> Iterator[str]:
        say, last_day = self.texts.gettext, _last_day(story)
        match story["answer"]:
            case "valid" if last_day:
                yield say(N_("The certification is valid until %(day)s."), day=last_day)
            case "no_certification":
                yield say(texts.no_certification)
            case "will_be_paused" if last_day:
                yield say(N_("The certification was valid until %(day)s."), day=last_day)
            case "held" if last_day:
                yield say(N_("The certification was valid until %(day)s."), day=last_day)
                yield say(N_("The check held the pause, because nobody was warned in time."))
            case "paused_by_run":
                yield self._paused_by(story, texts)
            case "renewed_and_paused" if last_day:
                yield self._paused_by(story, texts)
                yield say(N_("It has been renewed since, until %(day)s."), day=last_day)
            case "paused_by_hand":
                yield self._paused_by(story, texts)
            case _:
                yield say(texts.inactive)

    def _paused_by(self, story: Story, texts: "_Texts") -> str:
        change = story["last_change"]
        if not change:
            return self.texts.gettext(texts.nobody_knows)
        if change["reason"] == "certification_expired" and change["expires_on"]:
            day = date.fromisoformat(change["expires_on"]) - timedelta(days=1)
            run: Mapping[str, Any] = change["run"] or {}
            check = date.fromisoformat(run.get("as_of") or change["at"][:10])
            return self.texts.gettext(texts.by_check, check=check, day=day)
        by = {"mentor": texts.by_mentor, "coordinator": texts.by_coordinator}
        return self.texts.gettext(by.get(change["by"], texts.by_system))

    def _next(self, story: Story, texts: "_Texts") -> Iterator[str]:
        say, check = self.texts.gettext, story["next_check"]
        match story["answer"]:
            case "valid" if check["pauses_on"]:
                yield say(texts.will_pause, day=date.fromisoformat(check["pauses_on"]))
            case "will_be_paused":
                yield say(texts.next_pauses, day=date.fromisoformat(check["as_of"]))
            case "held":
                yield say(N_("An administrator decides about the pause."))
            case "paused_by_run":
                yield say(texts.renew)
            case "renewed_and_paused":
                yield say(texts.resume_now)
            case "paused_by_hand":
                expires_on, today = story["rule"]["expires_on"], story["rule"]["as_of"]
                is_valid = expires_on and expires_on > today
                yield say(texts.resume_any_time if is_valid else texts.renew_first)
            case _:
                yield say(N_("Nothing happens by itself."))


@dataclass(frozen=True, slots=True)
class _Texts:
    """The sentences that differ between a mentor who reads about themself, and other readers."""

    no_certification: str
    inactive: str
    nobody_knows: str
    by_check: str
    by_mentor: str
    by_coordinator: str
    by_system: str
    will_pause: str
    next_pauses: str
    renew: str
    resume_now: str
    resume_any_time: str
    renew_first: str


_THEIRS = _Texts(
    no_certification=N_("No certification is registered, so no check pauses this mentor."),
    inactive=N_("The mentor is inactive, so no check pauses them."),
    nobody_knows=N_("The history does not say who paused this mentor."),
    by_check=N_(
        "The check of %(check)s paused this mentor, because the certification was valid only until"
        " %(day)s."
    ),
    by_mentor=N_("The mentor asked for the pause."),
    by_coordinator=N_("A coordinator paused this mentor."),
    by_system=N_("The organisation's system paused this mentor."),
    will_pause=N_("The check pauses this mentor on %(day)s unless it is renewed."),
    next_pauses=N_("The next check, on %(day)s, pauses this mentor."),
    renew=N_(
        "The certification must be renewed. HLF registers the renewal in the member portal, and it "
        "reaches this page within a day. "
        "Then the coordinator or the mentor can press Set active here."
    ),
    resume_now=N_("The mentor can be set active again now."),
    resume_any_time=N_("The mentor can be set active again at any time."),
    renew_first=N_("The certification must be renewed before the mentor can be set active again."),
)
_MINE = _Texts(
    no_certification=N_("No certification is registered for you, so no check pauses you."),
    inactive=N_("You are inactive, so no check pauses you."),
    nobody_knows=N_("The history does not say who paused you."),
    by_check=N_(
        "The check of %(check)s paused you, because your certification was valid only until"
        " %(day)s."
    ),
    by_mentor=N_("You asked for the pause."),
    by_coordinator=N_("A coordinator paused you."),
    by_system=N_("The organisation's system paused you."),
    will_pause=N_("The check pauses you on %(day)s unless your certification is renewed."),
    next_pauses=N_("The next check, on %(day)s, pauses you."),
    renew=N_(
        "Ask your coordinator how to renew. When the renewal is registered, it takes up to a day. "
        "Then you can set yourself active here."
    ),
    resume_now=N_("You can set yourself active again now."),
    resume_any_time=N_("You can set yourself active again at any time."),
    renew_first=N_("Your certification must be renewed before you can be active again."),
)


def _last_day(story: Story) -> date | None:
    """Return the last day on which the certification counts."""
    expires_on = story["rule"]["expires_on"]
    return date.fromisoformat(expires_on) - timedelta(days=1) if expires_on else None
