"""Certifications are compared, too (H5)."""

from collections.abc import Callable
from datetime import date

import pytest

from local.portal_tables import Portal as StandIn
from mentor_pause.portal import Certification
from portal_drift.measure import MeasureDrift
from support.drift import NOW, measure
from support.portal import CERTIFICATIONS
from support.portal_wrappers import Wrapper
from support.roster import ORG, YESTERDAY, Roster
from support.sync import PortalRows, SyncNight

CERTIFICATION_EDITS: dict[str, tuple[str, Callable[[StandIn, str], object]]] = {
    "another day": (
        "differs", lambda p, row: p.change(CERTIFICATIONS, row, hlf_validuntil="2031-01-01"),
    ),
    "deactivated": ("only_here", lambda p, row: p.deactivate(CERTIFICATIONS, row)),
    "deleted": ("only_here", lambda p, row: p.delete(CERTIFICATIONS, row)),
    "nobody's": ("only_here", lambda p, row: p.change(CERTIFICATIONS, row, hlf_mentornumber="x")),
}  # fmt: skip


@pytest.mark.parametrize("edit", CERTIFICATION_EDITS)
def test_certifications_are_compared_too_and_the_next_sync_corrects_them(
    night: SyncNight, roster: Roster, portal: PortalRows, edit: str
) -> None:
    """H5: by the id of the row, and with the mentor's key."""
    mentor, other = roster.add_mentor(YESTERDAY), roster.add_mentor(YESTERDAY)
    portal.add(mentor, other)
    row = portal.certify(mentor, date(2028, 12, 31), NOW)["hlf_certificationid"]
    portal.certify("somebody", date(2028, 12, 31), NOW)
    night.sync()
    assert measure(night).certifications == ()
    kind, act = CERTIFICATION_EDITS[edit]
    act(night.portal, row)
    new = portal.certify(other, date(2030, 12, 31), NOW)["hlf_certificationid"]
    found = {d.portal_id: (d.kind, d.key) for d in measure(night).certifications}
    assert found == {row: (kind, str(mentor)), new: ("only_there", str(other))}
    night.sync("night-2")
    assert measure(night).certifications == ()


def test_many_differing_certifications_are_confirmed_with_one_more_listing(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison sends no request for a single certification."""
    mentors = roster.add_mentors(120)
    portal.add(*mentors)
    night.sync()
    for mentor in mentors:
        portal.certify(mentor, date(2028, 12, 31), NOW)
    night.forget()
    drift = measure(night)
    assert len(drift.certifications) == 120
    assert drift.as_json(10)["certifications_differing"] == 120
    assert not [path for path in night.asked("GET") if "certifications(" in path]


def test_a_certification_that_a_sync_stores_meanwhile_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5: the comparison looks at it again, on both sides."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    night.sync()
    portal.certify(mentor, date(2028, 12, 31), NOW)

    class SyncedMeanwhile(Wrapper):
        """Runs a sync whenever the portal is asked for a row by its id."""

        def certification(self, row_id: str) -> Certification | None:
            """Ask, then run the sync."""
            found = super().certification(row_id)
            night.sync(f"meanwhile {row_id}")
            return found

    compare = MeasureDrift(
        ORG, night.drift_database, lambda r: SyncedMeanwhile(night.open_portal(r)), lambda: NOW
    )
    assert compare(lambda: 60).certifications == ()


def test_an_unreadable_certification_is_named_and_is_not_a_difference(
    night: SyncNight, roster: Roster, portal: PortalRows
) -> None:
    """H5, R3: the stored certification stays, and a person looks at the row."""
    mentor = roster.add_mentor(YESTERDAY)
    portal.add(mentor)
    row = portal.certify(mentor, date(2028, 12, 31), NOW)
    night.sync()
    row["hlf_validuntil"] = "soon"
    drift = measure(night)
    assert (drift.certifications, len(drift.unreadable)) == ((), 1)
