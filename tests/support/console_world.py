"""An organisation with every kind of person who opens the console, and who may see whom (C1, S4).

Each group of mentors belongs to one coordinator, or to nobody. In a group one mentor is active, the
night has paused one, and the pause of one is held.
"""

from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID, uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg.types.json import Jsonb

from local.identity import token_of
from local.rest_callers import PUBLISHABLE_KEY
from local.supabase import Project, make_project, serving
from mentor_pause.database.person_client import Supabase
from mentor_pause.http.client import HttpClient
from support.brake import Brake
from support.cluster import Cluster
from support.console_requests import Console
from support.roster import ORG, YESTERDAY, Roster
from support.transitions import FAR_OFF, change

OTHER_ORG = UUID("7a1b2c3d-0b0a-4908-8706-050403020100")
PERSONAS = (
    "administrator", "coordinator by assignment", "coordinator by chapter", "mentor",
    "coordinator and mentor", "stranger", "administrator elsewhere", "nobody", "expired token",
    "forged token",
)  # fmt: skip
SEES: dict[str, tuple[str, ...]] = {
    "administrator": ("assigned", "chapter", "themself", "both's own", "both's", "nobody's"),
    "coordinator by assignment": ("assigned",),
    "coordinator by chapter": ("chapter",),
    "mentor": ("themself",),
    "coordinator and mentor": ("both's own", "both's"),
}
"""The groups that each person may see. The other people see nobody."""
ALONE = ("themself", "both's own")
"""The groups of one mentor, who is the person."""
GROUPS = (*SEES["administrator"], "another organisation's")
_FINGERPRINT = """
select md5(concat(
    (select string_agg(concat(m.*), ',' order by m.id) from peer_mentors as m),
    (select string_agg(concat(a.*), ',' order by a.job_run_id) from plan_approvals as a),
    (select string_agg(concat(s.*), ',' order by s.mentor_id) from portal_sync_state as s),
    (select string_agg(concat(m.id, m.read_at), ',' order by m.id) from messages as m)
))
"""


@dataclass
class World:
    """The people, their mentors and two nights."""

    console: Console
    project: Project
    db: psycopg.Connection
    tokens: dict[str, str]
    mentors: dict[str, list[UUID]] = field(default_factory=dict[str, list[UUID]])
    names: dict[UUID, str] = field(default_factory=dict[UUID, str])
    night: UUID = field(default_factory=uuid4)
    held: UUID = field(default_factory=uuid4)
    plan_hash: str = ""

    def of(self, groups: Iterable[str]) -> set[UUID]:
        """Return the mentors of some groups."""
        return {mentor for group in groups for mentor in self.mentors[group]}

    def named_in(self, text: str, asked: str) -> set[UUID]:
        """Return whose name or number a text holds, but for a number that the address asked for."""
        return {
            mentor
            for mentor, name in self.names.items()
            if name in text or (str(mentor)[:8] in text and str(mentor) not in asked)
        }

    def version(self, mentor: UUID) -> str:
        """Return the version that a form would hold."""
        row = self.db.execute("select version from peer_mentors where id = %s", (mentor,))
        ((version,),) = row.fetchall()
        return str(version)

    def fingerprint(self) -> tuple[object, int]:
        """Return what changes if a form changes anything."""
        ((digest,),) = self.db.execute(_FINGERPRINT).fetchall()
        return digest, len(self.console.starter.requests)


@contextmanager
def open_world(cluster: Cluster, roster: Roster) -> Generator[World]:
    """Fill an empty organisation, and serve its project."""
    key = ec.generate_private_key(ec.SECP256R1())
    project = make_project(cluster.server.url(str(roster.db.info.dbname)), key)
    with serving(project) as url, closing(HttpClient()) as http:
        console = Console(Supabase(url, PUBLISHABLE_KEY, http))
        users = {name: uuid4() for name in PERSONAS}
        world = World(console, project, roster.db, _tokens(project, users))
        _add_people(roster, users)
        _add_mentors(roster, world, users)
        _live_through_nights(roster, world)
        _send_messages(roster, world, users)
        yield world


def _tokens(project: Project, users: dict[str, UUID]) -> dict[str, str]:
    issuer, admin = project.auth.issuer, users["administrator"]
    forged = token_of(admin, issuer, ec.generate_private_key(ec.SECP256R1()), 3600)
    return {name: token_of(user, issuer, project.key, 3600) for name, user in users.items()} | {
        "nobody": "",
        "expired token": token_of(admin, issuer, project.key, -100),
        "forged token": forged,
    }


def _add_people(roster: Roster, users: dict[str, UUID]) -> None:
    add = "insert into organisations (id, slug) values (%s, 'other')"
    roster.db.execute(add, (OTHER_ORG,))
    roles = {
        "administrator": (ORG, "admin"), "administrator elsewhere": (OTHER_ORG, "admin"),
        **{name: (ORG, "coordinator") for name in users if name.startswith("coordinator")},
    }  # fmt: skip
    for name, (org, role) in roles.items():
        roster.db.execute("insert into org_members values (%s, %s, %s)", (org, users[name], role))
    roster.db.execute(
        "insert into coordinator_chapters values (%s, %s)",
        (users["coordinator by chapter"], roster.chapter_id),
    )


def _add_mentors(roster: Roster, world: World, users: dict[str, UUID]) -> None:
    elsewhere = roster.add_chapter()
    for group in GROUPS:
        chapter = roster.chapter_id if group == "chapter" else elsewhere
        expiries = (FAR_OFF,) if group in ALONE else (FAR_OFF, YESTERDAY, FAR_OFF)
        world.mentors[group] = [roster.add_mentor(day, chapter_id=chapter) for day in expiries]
    roster.db.execute(
        "update peer_mentors set org_id = %s, chapter_id = null where id = any(%s)",
        (OTHER_ORG, world.mentors["another organisation's"]),
    )
    people = {"themself": "mentor", "both's own": "coordinator and mentor"}
    for group, name in people.items():
        own = (users[name], world.mentors[group][0])
        roster.db.execute("update peer_mentors set user_id = %s where id = %s", own)
    _assign(roster, world, users)
    for number, mentor in enumerate(sorted(world.of(GROUPS))):
        world.names[mentor] = f"Xq{number:02}vz"
        roster.db.execute(
            "insert into mentor_contacts (mentor_id, display_name) values (%s, %s)",
            (mentor, world.names[mentor]),
        )


def _assign(roster: Roster, world: World, users: dict[str, UUID]) -> None:
    coordinators = {"assigned": "coordinator by assignment", "both's": "coordinator and mentor"}
    for group, name in coordinators.items():
        roster.db.execute(
            "insert into assignments (mentor_id, coordinator_id) select unnest(%s), %s",
            (world.mentors[group], users[name]),
        )


def _live_through_nights(roster: Roster, world: World) -> None:
    brake, today = Brake(roster), _today(roster)
    brake.set("off")
    world.night = brake.begin(day=today)
    brake.plan(world.night)
    for mentor in brake.listed(world.night):
        change(roster.db, mentor, p_job_run_id=world.night, p_as_of=today)
    roster.rows("select * from finish_execution(%s, 'completed', 5, 4, 0, 1)", world.night)
    for group in SEES["administrator"]:
        if group not in ALONE:
            late = (today - timedelta(1), world.mentors[group][2])
            roster.db.execute(
                "update certifications set expires_on = %s where mentor_id = %s", late
            )
    brake.set("hold", 0, 0)
    world.held = brake.begin(day=today)
    world.plan_hash = brake.plan(world.held)["plan_hash"]
    brake.finish(world.held)


def _today(roster: Roster) -> date:
    (row,) = roster.rows("select private.org_today(%s) as today", ORG)
    return row["today"]


def _send_messages(roster: Roster, world: World, users: dict[str, UUID]) -> None:
    """Send each person a message that names every mentor, as no real one does."""
    everybody = sorted(world.of(SEES["administrator"]))
    first = [world.mentors[group][0] for group in SEES["administrator"]]
    for name, user in users.items():
        audience = "mentor" if name == "mentor" else "coordinator"
        mentors = world.mentors["themself"] if audience == "mentor" else first
        roster.db.execute(
            "insert into messages"
            " (org_id, audience, person_id, kind, mentor_ids, job_run_id, state)"
            " values (%s, %s, %s, 'paused', %s, %s, 'bounced')",
            (ORG, audience, user, mentors, world.night),
        )
    world.console.errored = everybody
    differences = [
        {"kind": "status", "mentor_id": str(mentor), "here": "paused", "there": "active"}
        | {"since": None}
        for mentor in everybody
    ]
    roster.db.execute(
        "insert into portal_differences values (%s, now(), %s, %s)",
        (ORG, len(differences), Jsonb(differences)),
    )
