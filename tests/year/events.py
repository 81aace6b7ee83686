"""The table of event kinds, and how each kind is drawn.

A kind looks at the oracle's world, draws from the seed's dice, and returns steps: the seconds
after which a verb is done, the verb, its arguments. A kind that finds no fitting mentor or row
returns no steps.
"""

from dataclasses import dataclass

from year import people_events, portal_events
from year.dice import Draw


@dataclass(frozen=True)
class Kind:
    """One kind of event."""

    name: str
    weight: int
    draw: Draw


KINDS = (
    Kind("the portal renews a certification", 14, portal_events.renewed),
    Kind("the portal sets an early end", 6, portal_events.shorter),
    Kind("the portal ends a certification before today", 3, portal_events.over),
    Kind("a row gets another mentor's key", 3, portal_events.another_mentors),
    Kind("a row that is over gets another mentor's key", 2, portal_events.over_to_another),
    Kind("a row gets nobody's key", 2, portal_events.nobodys),
    Kind("a new row", 4, portal_events.new_row),
    Kind("a new row for a day that is over", 2, portal_events.new_row_that_is_over),
    Kind("a row is deactivated", 2, portal_events.deactivated),
    Kind("a row is reactivated", 3, portal_events.reactivated),
    Kind("a row is deactivated before it was read", 1, portal_events.born_inactive),
    Kind("a row is deleted", 2, portal_events.deleted),
    Kind("a row is deleted and replaced", 2, portal_events.replaced),
    Kind("a row changes twice within a second", 3, portal_events.twice_in_a_second),
    Kind("a change becomes visible minutes later", 4, portal_events.a_little_late),
    Kind("a change becomes visible hours later", 3, portal_events.very_late),
    Kind("a row cannot be read", 1, portal_events.unreadable),
    Kind("two mentors exchange their keys", 1, portal_events.keys_exchanged),
    Kind("a mentor joins", 2, people_events.joins),
    Kind("a mentor joins without a certification", 1, people_events.joins_uncertified),
    Kind("a mentor joins whom the portal does not know", 1, people_events.joins_unknown_there),
    Kind("the portal enters a mentor at last", 3, people_events.entered_at_last),
    Kind("somebody changes a status in the portal", 1, people_events.changed_there),
    Kind("a certification is entered by hand", 3, people_events.certified_here),
    Kind("a person pauses a mentor", 6, people_events.pauses),
    Kind(
        "a person resumes a mentor who has a certification", 12, people_events.resumes_if_certified
    ),
    Kind("a person resumes any mentor", 2, people_events.resumes),
    Kind("a person asks for what may not be", 2, people_events.changes_whatever),
    Kind("a service changes a status", 2, people_events.by_a_service),
    Kind("a run by hand", 3, people_events.run),
    Kind("a run by hand about an earlier day", 2, people_events.run_back_dated),
    Kind("a run by hand about a later day", 1, people_events.run_ahead),
    Kind("a dry run", 3, people_events.dry_run),
    Kind("a sync by hand", 3, people_events.sync_by_hand),
    Kind("the monitor looks", 5, people_events.look),
    Kind("the organisation's time zone changes", 2, people_events.moves),
)
"""The kinds of events by day. The weights are shares."""

MEANWHILE = (
    Kind("nothing", 12, people_events.nothing),
    Kind("a person pauses a mentor", 4, people_events.pauses),
    Kind("a certification is entered by hand", 4, people_events.certified_here),
    Kind(
        "a person resumes a mentor who has a certification", 2, people_events.resumes_if_certified
    ),
    Kind("the organisation's time zone changes", 2, people_events.moves),
)
"""The kinds of events while the night's pages wait for a worker."""


@dataclass(frozen=True)
class Drawn:
    """The kinds that are drawn."""

    only: frozenset[str] = frozenset()
    """The names of the kinds by day to which all is confined; empty: all kinds."""

    @property
    def by_day(self) -> list[Kind]:
        """The kinds by day."""
        return [kind for kind in KINDS if not self.only or kind.name in self.only]

    @property
    def meanwhile(self) -> list[Kind]:
        """The kinds while the night's pages wait."""
        return list(MEANWHILE)


EVERYTHING = Drawn()
