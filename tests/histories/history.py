"""One seed's history: runs in small steps, and what happens between them (G1 to G6).

Two runs may be in progress at the same time, as the dispatcher's and that of the fallback may be.
The product must answer each step as the oracle does.
"""

import random
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date, timedelta
from uuid import UUID

import psycopg

from histories.life import ADMINISTRATORS, Life
from histories.oracle import Mentor, Oracle, Run
from histories.product import Product
from support.roster import ORG

_PEOPLE = [f"user {user}" for user in ADMINISTRATORS]
_STEPS = 45


class Open:
    """A run in progress."""

    def __init__(self, run: Run) -> None:
        """It has begun."""
        self.run = run
        self.listed: list[UUID] | None = None
        self.left: list[UUID] = []


class History:
    """Takes one step after the other, in the product and in the oracle."""

    def __init__(self, product: Product, dice: random.Random) -> None:
        """`product` has an organisation without mentors, in a transaction."""
        self.product, self.dice = product, dice
        (row,) = product.rows("select private.org_today(%s) as today", ORG)
        self.oracle = Oracle(ORG, row["today"])
        for user in ADMINISTRATORS:
            product.execute("insert into org_members values (%s, %s, 'admin')", ORG, user)
        self.life = Life(product, self.oracle, dice)
        self.counts: Counter[str] = Counter()
        self._open: list[Open] = []
        self._errored: dict[UUID, list[UUID]] = {}

    def live(self) -> None:
        """Take all steps, and compare everything at the end.

        Raises:
            AssertionError: the product has answered otherwise than the oracle.
        """
        steps: dict[Callable[[], object], int] = {
            self._begin: 7, self._release: 7, self._withdraw: 4, self._redrive: 2,
            self._step: 34, self._in_the_database: 2, self._direct: 4, self._approve: 8,
            self.life.renew: 3, self.life.move_a_date: 2, self.life.warn: 1,
            self.life.by_hand: 3, self.life.take_leave: 2, self.life.turn_the_brake: 2,
        }  # fmt: skip
        for step in self.dice.choices(list(steps), list(steps.values()), k=_STEPS):
            step()
        while self._open:
            self._step()
        self._compare()

    def _new_id(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128))

    def _day(self) -> date:
        return self.oracle.today - timedelta(days=self.dice.choice((0, 0, 0, 1, 3)))

    @contextmanager
    def _may_fail(self, expected: str | None) -> Generator[None]:
        """Expect a refusal with this hint; None: expect success."""
        hint = None
        try:
            yield
        except psycopg.Error as error:
            hint = error.diag.message_hint or str(error)
        assert hint == expected, f"{hint}, the oracle expects {expected}"

    def _start(self, run: Run, refusal: str | None = None) -> None:
        """Begin a run; it has to be refused with this hint, or to begin."""
        with self._may_fail(refusal):
            day = self.product.begin(run)
            assert day == run.as_of
            self.oracle.runs.append(run)
            self._open.append(Open(run))
        self.counts[f"begun {refusal}"] += 1

    def _begin(self) -> None:
        """A night, a run by hand, or a dry run."""
        by = self.dice.choice(("rule", "operator", *_PEOPLE))
        self._start(Run(self._new_id(), self._day(), by, is_dry=self.dice.random() < 1 / 6))

    def _any_run(self) -> Run | None:
        return self.dice.choice(self.oracle.runs) if self.oracle.runs else None

    def _release(self) -> None:
        """Ask for the release of a plan, which may be new, old, or not approved."""
        if not self.oracle.plans:
            return
        source = self.oracle.newest if self.dice.random() < 1 / 2 else self._approved()
        refusal = "not_approved" if source.approval is None else "plan_lapsed"
        run = Run(self._new_id(), source.as_of, "operator", plan_of=source, is_release=True)
        self._start(run, None if self.oracle.may_release(source) else refusal)

    def _planned(self) -> Run:
        return self.dice.choice(self.oracle.plans)

    def _approved(self) -> Run:
        approved = [run for run in self.oracle.plans if run.approval is not None]
        return self.dice.choice(approved or self.oracle.plans)

    def _withdraw(self) -> None:
        """Ask for the withdrawal of a run, or for a preview of it."""
        mentors = self.oracle.mentors.values()
        paused = {run for mentor in mentors for run in mentor.changes}
        likely = [run for run in self.oracle.runs if run.id in paused] or self.oracle.runs
        if not likely:
            return
        source = self.dice.choice(likely)
        may = source.has_ended and not source.is_dry and source.withdraws is None
        is_dry = self.dice.random() < 1 / 4
        run = Run(self._new_id(), self.oracle.today, "operator", is_dry, withdraws=source)
        self._start(run, None if may else "not_withdrawable")

    def _redrive(self) -> None:
        """Repeat the mentors whom a run did not reach."""
        ended = [run for run in self.oracle.runs if self._errored.get(run.id)]
        if not ended:
            return
        source = self.dice.choice(ended)
        root = source.plan_of or source
        refusal = None
        if source.is_release and not self.oracle.may_release(root):
            refusal = "not_approved" if root.approval is None else "plan_lapsed"
        run = Run(
            self._new_id(), source.as_of, "operator", plan_of=root, is_release=source.is_release,
            withdraws=source.withdraws,
        )  # fmt: skip
        self._start(run, refusal)
        if refusal is None:
            self._open[-1].listed = self._errored[source.id]
            self._open[-1].left = list(self._errored[source.id])

    def _step(self) -> None:
        """Take the next step of a run in progress: plan, list, some mentors, or the end."""
        if not self._open:
            return
        one = self.dice.choice(self._open)
        run = one.run
        if run.plan_of is None and run.withdraws is None and run.plan_hash is None:
            self._plan(run)
        elif one.listed is None:
            expected = self._expected(run)
            one.listed = self.product.listed(run, self.dice.choice((2, 500)))
            assert one.listed == expected, f"listed {one.listed}, expected {expected}"
            one.left = self.dice.sample(one.listed, len(one.listed))
        elif one.left and self.dice.random() < 9 / 10:
            for _ in range(self.dice.randint(1, len(one.left))):
                self._transition(one, one.left.pop())
        else:
            self._finish(one)

    def _expected(self, run: Run) -> list[UUID]:
        if run.withdraws is None:
            return run.planned
        changed = self.oracle.mentors.values()
        return [mentor.id for mentor in changed if run.withdraws.id in mentor.changes]

    def _plan(self, run: Run) -> None:
        limit = self.dice.choice((1, 2, 20000))
        (state,) = self.product.call("make_plan", job_run_id=run.id, limit=limit)
        is_whole = self.oracle.plan(run, limit)
        assert (state["is_whole"], state["plan_hash"]) == (is_whole, run.plan_hash), "plan"
        if is_whole:
            assert state["held_count"] == len(run.holds), "held"
            assert all(run.entries[m].why != "forewarned" for m in run.holds)
            self.counts["plans that hold"] += bool(run.holds)

    def _transition(self, one: Open, mentor_id: UUID) -> None:
        run, mentor = one.run, self.oracle.mentors[mentor_id]
        if run.withdraws is not None:
            expected = self.oracle.resume(mentor, run, is_dry=run.is_dry)
            outcome = self.product.resume(mentor_id, run, is_dry=run.is_dry)
            self._assert_same(run, mentor, outcome, expected)
        else:
            self._pause(mentor, run, run.as_of, is_dry=run.is_dry)

    def _pause(self, mentor: Mentor, run: Run, day: date, *, is_dry: bool) -> None:
        expected = self.oracle.pause(mentor, run, day, is_dry=is_dry)
        outcome = self.product.pause(mentor.id, run, day, is_dry=is_dry)
        self._assert_same(run, mentor, outcome, expected)

    def _assert_same(self, run: Run, mentor: Mentor, outcome: str, expected: str) -> None:
        kind = "release" if run.is_release else "withdrawal" if run.withdraws else "run"
        assert outcome == expected, f"{kind} {run.id}: {mentor}: {outcome}, expected {expected}"
        self.counts[f"{kind}: {outcome}"] += 1

    def _finish(self, one: Open) -> None:
        self._errored[one.run.id] = one.left
        self.product.finish(one.run, len(one.listed or ()))
        one.run.has_ended = True
        self._open.remove(one)

    def _direct(self) -> None:
        """Call the transition as the job, with the id of any run, or of none."""
        run = self._any_run()
        if run is None or self.dice.random() < 1 / 4:
            run = Run(self._new_id(), self.oracle.today)
        if run.withdraws is None:
            self._pause(self.life.pick(), run, self._day(), is_dry=self.dice.random() < 1 / 4)

    def _in_the_database(self) -> None:
        """Run the whole night by the fallback."""
        day = self._day()
        (row,) = self.product.call(
            "run_certification_expiry", "service_role", org_id=ORG, as_of=day
        )
        run = Run(row["job_run_id"], day, f"database, {self.product.db.info.user}")
        self.oracle.runs.append(run)
        self.oracle.plan(run, 20000)
        outcomes = {
            mentor: self.oracle.pause(self.oracle.mentors[mentor], run, day)
            for mentor in run.planned
        }
        paused = [mentor for mentor, outcome in outcomes.items() if outcome == "changed"]
        assert (row["mentor_ids_paused"], row["held_count"]) == (paused, len(run.holds))
        assert row["mentor_ids_errored"] == []
        run.has_ended = True
        self.life.read_warnings()
        self.counts["nights in the database"] += 1

    def _approve(self) -> None:
        """Let somebody approve a plan, by its hash or by another one."""
        if not self.oracle.plans:
            return
        run = self.oracle.newest if self.dice.random() < 3 / 4 else self._planned()
        shown = run if self.dice.random() < 7 / 8 else self._planned()
        assert shown.plan_hash is not None
        approver = self.dice.choice(("operator", *_PEOPLE))
        role = "service_role" if approver == "operator" else f"person {approver[5:]}"
        expected = self.oracle.approve(run, shown.plan_hash, approver)
        with self._may_fail(None if expected == "approved" else expected):
            (row,) = self.product.call(
                "approve_plan", role, job_run_id=run.id, plan_hash=shown.plan_hash,
                note="looked at it", approver=approver,
            )  # fmt: skip
            assert (row["plan_hash"], row["approved_by"]) == (run.plan_hash, run.approval)
            assert row["mentor_ids_changed"] == self.oracle.changed_since(run)
        self.counts[f"approval: {expected}"] += 1

    def _compare(self) -> None:
        """Compare every mentor, every change and every story, in each mode."""
        mentors = self.oracle.mentors.values()
        states = {one.id: (one.status, one.version) for one in mentors}
        assert self.product.states() == states
        changes: dict[UUID, list[UUID | None]] = {one.id: [] for one in mentors}
        for row in self.product.history():
            changes[row["mentor_id"]].append(row["job_run_id"])
        assert changes == {one.id: one.changes for one in mentors}
        for mode in ("watch", "hold", "off"):
            self.oracle.mode = mode
            self.product.execute("update organisation_settings set brake_mode = %s", mode)
            rows = self.product.stories(self.oracle.today)
            said = [(row["id"], row["outcome"], row["answer"]) for row in rows]
            assert said == list(self.oracle.stories()), f"stories in mode {mode}"
            assert all(row["outcome"] == row["transition"] for row in rows), f"G6: {rows}"
            self.counts["stories"] += len(rows)


def live(seed: int, db: psycopg.Connection) -> Counter[str]:
    """Live through the history of a seed, and undo it; return what has happened how often.

    Raises:
        AssertionError: the product has answered otherwise than the oracle.
    """
    with db.transaction(force_rollback=True):
        history = History(Product(db), random.Random(seed))  # noqa: S311 - a history, no secret
        history.live()
    return history.counts
