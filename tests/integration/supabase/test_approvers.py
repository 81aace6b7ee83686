"""Who may approve a held plan, and what the approval says (G4)."""

from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from support.brake import Brake, Row
from support.cluster import Cluster
from support.roster import ORG, Roster

OTHER = UUID(int=2)


class Night(Brake):
    """A night in mode hold that holds everybody, and everybody who could approve its plan."""

    def __init__(self, roster: Roster, cluster: Cluster) -> None:
        """Make the plan."""
        super().__init__(roster)
        self.set("hold", 0, 0)
        self.mentors = roster.add_mentors(3)
        self.run = self.begin()
        self.hash: str = self.plan(self.run)["plan_hash"]
        roster.db.execute("insert into organisations (id, slug) values (%s, 'other')", (OTHER,))
        self.admin, self.admin_elsewhere = uuid4(), uuid4()
        self.coordinator = roster.add_coordinator()
        for org, user in ((ORG, self.admin), (OTHER, self.admin_elsewhere)):
            roster.db.execute("insert into org_members values (%s, %s, 'admin')", (org, user))
        self._cluster = cluster

    def approve_as(
        self, url: str, approver: str | None, run: UUID | None = None, note: str = "checked"
    ) -> Row:
        """Approve the night's plan in a session of its own."""
        call = "select * from approve_plan(%s, %s, %s, %s)"
        values = (run or self.run, self.hash, note, approver)
        with (
            psycopg.connect(url) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            row = cursor.execute(call, values).fetchone()
        assert row is not None
        return row

    def person(self, user: UUID) -> str:
        """Return the URL of a person's sessions."""
        return self._cluster.url_as(self.records.db, "authenticated", user)

    def role(self, name: str) -> str:
        """Return the URL of a role's sessions."""
        if name == "service_role":
            return self._cluster.url_as(self.records.db, name)
        return self._cluster.url(self.records.db, name)


@pytest.fixture
def night(roster: Roster, cluster: Cluster) -> Night:
    """The night."""
    return Night(roster, cluster)


def test_an_administrator_approves_under_their_own_name(night: Night) -> None:
    """G4: also if they name somebody else."""
    approved = night.approve_as(night.person(night.admin), "command line, eva")
    assert approved["approved_by"] == f"user {night.admin}"
    assert (approved["job_run_id"], approved["plan_hash"]) == (night.run, night.hash)


@pytest.mark.parametrize("who", ["coordinator", "admin_elsewhere", "nobody"])
def test_another_person_approves_nothing(night: Night, who: str) -> None:
    """G4: nor does the HTTP entry, for such a person."""
    user = getattr(night, who, uuid4())
    for url, approver in (
        (night.person(user), None),
        (night.person(user), f"user {night.admin}"),
        (night.role("mentor_pause_api"), f"user {user}"),
    ):
        with pytest.raises(psycopg.Error) as refused:
            night.approve_as(url, approver)
        assert (refused.value.sqlstate, refused.value.diag.message_hint) == (
            "PT403", "not_an_administrator",
        )  # fmt: skip
    assert night.records.rows("select * from plan_approvals") == []


def test_the_http_entry_approves_for_an_administrator(night: Night) -> None:
    """G4: it gives the person whose token it has verified, and never itself."""
    url = night.role("mentor_pause_api")
    for approver in (None, "command line, eva"):
        with pytest.raises(psycopg.Error) as refused:
            night.approve_as(url, approver)
        assert refused.value.diag.message_hint == "not_an_administrator"
    assert night.approve_as(url, f"user {night.admin}")["approved_by"] == f"user {night.admin}"


def test_the_http_entry_approves_nothing_of_another_organisation(
    night: Night, cluster: Cluster
) -> None:
    """R5: also not for an administrator there."""
    db = night.records.db
    db.execute("update private.job_organisations set org_id = %s", (OTHER,))
    with pytest.raises(psycopg.Error) as refused:
        night.approve_as(cluster.url(db, "mentor_pause_api"), f"user {night.admin}")
    assert refused.value.diag.message_hint == "not_your_organisation"


def test_an_operator_who_gives_no_name_is_the_database_user(night: Night) -> None:
    """G4: the record names the login."""
    approved = night.approve_as(night.role("service_role"), None)
    (login,) = night.records.rows("select session_user::text as name")
    assert approved["approved_by"] == f"database, {login['name']}"


@pytest.mark.parametrize(
    ("note", "approver", "refusal"),
    [
        ("abc", "eva", None),
        ("ab", "eva", "a note is required"),
        (None, "eva", "a note is required"),
        ("x" * 500, "e" * 200, None),
        ("x" * 501, "eva", "a note is required"),
        ("abc", "e" * 201, "the approver's name is too long"),
    ],
)
def test_note_and_name_have_bounds(
    night: Night, note: str | None, approver: str, refusal: str | None
) -> None:
    """G4: both are kept for ever."""
    if refusal is None:
        assert night.approve(night.run, night.hash, by=approver, note=note)["note"] == note
        return
    with pytest.raises(psycopg.Error, match=refusal) as refused:
        night.approve(night.run, night.hash, by=approver, note=note)
    assert refused.value.sqlstate == "22023"


def test_only_who_asked_for_this_run_may_not_approve_it(night: Night) -> None:
    """G4: another run of theirs does not matter, and nobody asked for a scheduled run."""
    night.plan(night.begin(by="command line, eva"))
    assert night.approve(night.run, night.hash, by="schedule")["approved_by"] == "schedule"
    newest = night.begin(by="command line, ola")
    night.plan(newest)
    assert night.approve(newest, night.hash, by="command line, eva")["job_run_id"] == newest


def test_a_plan_that_is_not_whole_is_no_plan_yet(night: Night) -> None:
    """G4: and it takes no approval away from the plan before it."""
    run = night.begin()
    night.records.rows("select * from make_plan(%s, 2)", run)
    with pytest.raises(psycopg.Error) as refused:
        night.approve(run, night.hash)
    assert refused.value.diag.message_hint == "run_not_found"
    assert night.approve(night.run, night.hash)["held_count"] == 3
    assert night.listed(night.begin(releases=night.run)) == night.mentors


def test_a_plan_of_another_organisation_takes_no_approval_away(night: Night) -> None:
    """G4: each organisation has its own newest plan."""
    night.records.db.execute(
        "insert into plans (job_run_id, org_id, as_of, dry_run, rule, plan_hash, made_at)"
        " select %s, %s, p.as_of + 1, false, p.rule, 'ab', clock_timestamp() from plans as p"
        " where p.job_run_id = %s",
        (uuid4(), OTHER, night.run),
    )
    assert night.approve(night.run, night.hash)["held_count"] == 3
    assert night.listed(night.begin(releases=night.run)) == night.mentors
