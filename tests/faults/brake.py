"""Nights in mode hold, in a storm: approvals, releases and withdrawals among the faults (G2 to G5).

Half of the people were warned in time, half were not. While the storm rages, two administrators
approve whatever plan is the newest, ask for its release, also twice, and withdraw runs. Mentors
renew, and change their status. Afterwards, in calm weather, a plan is approved, goes stale, and is
approved again; then it is released and withdrawn.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg

from faults.schedule import Schedule
from faults.seeds import WIRES, Verdict, open_post, seeded_roster, verdict_of
from faults.storm import Storm
from support.aws import Clients
from support.cluster import Cluster
from support.night import Night, open_night, run_id
from support.roster import ORG, TODAY, YESTERDAY, Roster

_APPROVERS = ("an operator", "another operator")
_RENEWED = TODAY + timedelta(days=4000)
_NEWEST = """
    select * from plans where plan_hash is not null and not dry_run order by made_at desc limit 1
"""
_HELD = "select mentor_id from plan_mentors where job_run_id = %s and action = 'hold'"
_AS_PLANNED = """
    select e.mentor_id from plan_mentors e join peer_mentors m on m.id = e.mentor_id
    where e.job_run_id = %s and e.action = 'hold' and m.status = 'active' and m.version = e.version
    and e.expires_on = (select max(c.expires_on) from certifications c where c.mentor_id = m.id)
"""
_UNRELEASED = """
    select h.mentor_id from peer_mentor_status_history h
    join scheduler_execution_log l on l.job_run_id = h.job_run_id
    and l.status in ('running', 'completed', 'failed')
    where h.reason = 'certification_expired' and h.mentor_id = any(%s) and not exists (
        select from plan_approvals a join plan_mentors e on e.job_run_id = a.job_run_id
        where a.job_run_id = l.plan_of and a.plan_hash = l.plan_hash and e.mentor_id = h.mentor_id
        and e.action = 'hold' and e.expires_on = h.certification_expiry_date
        and e.version = 1 + (select count(*) from peer_mentor_status_history before
            where before.mentor_id = h.mentor_id and before.id < h.id)
    ) and not exists (
        select from warnings w
        where w.mentor_id = h.mentor_id and w.expires_on = h.certification_expiry_date
    )
"""
_HELD_FOREWARNED = """
    select mentor_id from plan_mentors where mentor_id = any(%s) and action = 'hold'
"""
_PAUSED_AFTER = """
    select from peer_mentor_status_history
    where mentor_id = %s and id > %s and reason = 'certification_expired'
"""
_RELEASED_TWICE = """
    select plan_of from scheduler_execution_log
    where approved_by is not null and redrive_of is null and processed_count > 0
    group by plan_of having count(distinct job_run_id) > 1
"""
_WRONGLY_RESUMED = """
    select h.mentor_id from peer_mentor_status_history h
    join scheduler_execution_log l on l.job_run_id = h.job_run_id
    and l.status in ('running', 'completed', 'failed')
    where h.reason = 'pause_withdrawn' and l.withdraws is distinct from (
        select before.job_run_id from peer_mentor_status_history before
        where before.mentor_id = h.mentor_id and before.id < h.id order by before.id desc limit 1
    )
"""


class BrakeStorm(Storm):
    """A storm over a night in mode hold."""

    def __init__(
        self, night: Night, schedule: Schedule, dice: random.Random, roster: Roster
    ) -> None:
        """Half of the expired mentors are unforeseen; the limits allow none of them."""
        super().__init__(night, schedule, dice, roster)
        self.unforeseen, self.forewarned = self._add_people()
        self._withdrawals: list[str] = []
        self._by_hand: dict[UUID, int] = {}
        """The last row of history of each mentor whom no job may pause again."""
        self._wrong: list[str] = []
        self._steps: Sequence[Callable[[], object]] = (
            self._release_twice, self._release_twice, self._withdraw, self._change, str,
        )  # fmt: skip
        """What people do in the storm; one of these at a time."""
        roster.db.execute(
            "insert into organisation_settings (org_id, brake_mode, brake_count, brake_percent)"
            " values (%s, 'hold', 0, 0)",
            (ORG,),
        )

    def _add_people(self) -> tuple[list[UUID], list[UUID]]:
        """Add expired mentors; return those whom nobody warned, and the others."""
        unforeseen = self._roster.add_mentors(self._dice.randint(2, 6))
        forewarned = self._roster.add_mentors(self._dice.randint(1, 4))
        self._roster.add_coordinator(chapters=[self._roster.chapter_id])
        self._roster.db.execute(
            "insert into warnings select unnest(%s::uuid[]), %s, 30, %s",
            (forewarned, YESTERDAY, YESTERDAY - timedelta(days=30)),
        )
        return unforeseen, forewarned

    def _rows(self, query: Any, *values: object) -> list[dict[str, Any]]:
        return self._roster.rows(query, *values)

    def _weather(self) -> None:
        """Perhaps somebody approves, releases or withdraws, or a mentor changes."""
        super()._weather()
        self._dice.choice(self._steps)()

    def _approve(self) -> UUID | None:
        """Approve the newest plan, by both at the same time; return its run."""
        plans = self._rows(_NEWEST)
        if not plans or not plans[0]["held_count"]:
            return None
        run, plan_hash = plans[0]["job_run_id"], plans[0]["plan_hash"]
        for approver in self._dice.sample(_APPROVERS, 2):
            self._rows("select * from approve_plan(%s, %s, 'right', %s)", run, plan_hash, approver)
        return run

    def _release_twice(self) -> None:
        """Approve, and let both ask for the release; perhaps nobody asks, or a plan comes first."""
        run = self._approve()
        if run is None or self._dice.random() < 1 / 4:
            return
        if self._dice.random() < 1 / 4:
            self._fire(f"stale-{run}")
        with self._schedule.dispatching(lambda: self._release(run)):
            self._release(run)
        if self._dice.random() < 1 / 2:
            with self._schedule.dispatching(str):
                self._release(run)

    def _release(self, run: UUID) -> dict[str, Any]:
        trigger_id = f"approval-{run}"
        if trigger_id not in self.triggers:
            self.triggers.append(trigger_id)
        event = {"job_name": "certification_expiry", "trigger_id": trigger_id, "releases": str(run)}
        return self.night.handle(event)

    def _withdraw(self, trigger_id: str | None = None, run: UUID | None = None) -> None:
        """Ask for the withdrawal of a run that paused somebody."""
        rows = self._rows(
            "select distinct job_run_id from peer_mentor_status_history where new_status = 'paused'"
            " and job_run_id is not null order by 1"
        )
        if run is None and not rows:
            return
        run = run or self._dice.choice(rows)["job_run_id"]
        trigger_id = trigger_id or f"withdraw-{run}"
        self._withdrawals.append(trigger_id)
        event = {"job_name": "withdrawal", "trigger_id": trigger_id, "withdraws": str(run)}
        with self._schedule.dispatching(str):
            self.night.handle(event)

    def _change(self, mentor: UUID | None = None) -> None:
        """Let a mentor renew; perhaps the mentor also resumes, and takes leave."""
        mentor = mentor or self._dice.choice(self.unforeseen + self.forewarned)
        self._roster.certify(mentor, _RENEWED)
        if self._dice.random() < 1 / 2:
            if self._roster.status(mentor) == "paused":
                self._set(mentor, "active")
            self._set(mentor, "paused")
        (row,) = self._rows("select max(id) as id from peer_mentor_status_history")
        self._by_hand.setdefault(mentor, row["id"] or 0)

    def _set(self, mentor: UUID, status: str) -> None:
        self._rows("select * from update_mentor_status(%s, %s, %s, 'leave')", mentor, ORG, status)

    def _calm(self) -> None:
        """In calm weather, release a plan that went stale, and withdraw the release."""
        super()._calm()
        stale = self._approve()
        if stale is None:
            return
        self._change(self._dice.choice(self._ids(_HELD, stale)))
        self._fire("a later night")
        self._drain()
        if self._release(stale)["status"] not in ("failed", "duplicate"):
            self._wrong.append("brake: stale: a plan was released after a newer one")
        run = self._approve()
        if run is None:
            return
        self._roster.certify(self._dice.choice(self._ids(_HELD, run)), TODAY)
        expected = self._ids(_AS_PLANNED, run)
        self._release(run)
        self._drain()
        released = run_id(f"approval-{run}")
        self._compare("released", released, "paused", expected)
        for mentor in expected[::2]:
            self._change(mentor)
        valid = self._ids(
            "select h.mentor_id from peer_mentor_status_history h where h.job_run_id = %s and"
            " h.mentor_id = any(%s) and h.id = (select max(last.id) from peer_mentor_status_history"
            " last where last.mentor_id = h.mentor_id)",
            released, expected[::2],
        )  # fmt: skip
        self._withdraw("withdraw at last", released)
        self._drain()
        self._compare("withdrawn", run_id("withdraw at last", "withdrawal"), "active", valid)

    def _ids(self, query: str, *values: object) -> list[UUID]:
        return sorted(row["mentor_id"] for row in self._rows(query, *values))

    def _compare(self, check: str, run: UUID, status: str, expected: list[UUID]) -> None:
        query = "select mentor_id from peer_mentor_status_history where job_run_id = %s and"
        found = self._ids(f"{query} new_status = %s", run, status)
        if found != expected:
            self._wrong.append(f"brake: {check}: {len(found)} mentors, expected {len(expected)}")

    def violations(self, roster: Roster) -> Iterator[str]:
        """Yield what is wrong with a run, a pause or a release."""
        yield from super().violations(roster)
        for trigger_id in dict.fromkeys(self._withdrawals):
            yield from self._of_run(trigger_id, "withdrawal")
        yield from self._wrong
        yield from self._wrong_changes()

    def _wrong_changes(self) -> Iterator[str]:
        """Yield the changes that no run was allowed to make, by the database alone."""
        if unreleased := self._ids(_UNRELEASED, self.unforeseen):
            yield f"brake: approved: {len(unreleased)} were paused without an approval of the plan"
        if self._rows(_RELEASED_TWICE):
            yield "brake: one release: two runs released the same plan"
        if resumed := self._ids(_WRONGLY_RESUMED):
            yield f"brake: withdrawn: {len(resumed)} had changed since"
        if held := self._ids(_HELD_FOREWARNED, self.forewarned):
            yield f"brake: forewarned: {len(held)} are held"
        for mentor, last in self._by_hand.items():
            if self._rows(_PAUSED_AFTER, mentor, last):
                yield f"brake: by hand: {mentor} was paused after a renewal"
        waiting = [mentor for mentor in self.forewarned if mentor not in self._by_hand]
        if {self._roster.status(mentor) for mentor in waiting} - {"paused"}:
            yield "brake: forewarned: somebody was warned in time, and is not paused"


def run_brake_seed(
    seed: int,
    cluster: Cluster,
    aws: Clients,
    breaks: Sequence[Callable[[psycopg.Connection], object]] = (),
) -> Verdict:
    """Run the night in mode hold of a seed. `breaks` break the database first."""
    dice = random.Random(f"brake {seed}")  # noqa: S311 - a schedule, no secret
    with cluster.database(with_organisation=True) as db:
        for broken in breaks:
            broken(db)
        roster, schedule = seeded_roster(db, seed), Schedule(dice)
        size, kind = dice.randint(1, 4), dice.choice(WIRES)
        with open_night(aws, roster, cluster, schedule, size, kind) as night:
            schedule.tell = lambda text: night.output.write(json.dumps({"message": text}) + "\n")
            storm = BrakeStorm(night, schedule, dice, roster)
            night.seconds_left = storm.seconds_left
            roster.make_it(12)
            with open_post(seed, roster, cluster) as post:
                storm.post = post
                storm.pass_over()
                found = list(storm.violations(roster))
            return verdict_of(seed, found, schedule, night, post)
