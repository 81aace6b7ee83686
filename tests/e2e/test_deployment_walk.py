"""Deployment page, smoke test and runbook, typed from an empty AWS and an empty database (O4, O6).

The steps build on each other, in the order of this file. `make deployment-walk` prints the table:
place, seconds, result, step.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import scalar_row

from local.database import MIGRATIONS
from local.postgres import has_pg_cron
from local.seed import load_roster, make_roster
from support import operator_pages as pages
from support.documents import Block, read_blocks, walk
from support.operator_portal import OperatorPortal, open_operator_portal
from support.terminal import converse
from support.walk import (
    Walk,
    changed_files,
    commit,
    open_walk,
    shell_environment,
    tools_are_up_to_date,
    without_password,
)

pytestmark = [
    pytest.mark.xdist_group("stack"),
    # `local.processes` keeps no handle of what it starts: it is found again by its id.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.skipif(
        "MENTOR_PAUSE_POSTGRES_BIN" not in os.environ or not has_pg_cron(),
        reason="needs Debian's PostgreSQL 15 with pg_cron: make deployment-walk",
    ),
]
STACK = "mentor-pause-prod"
SECRETS = {
    "DatabaseSecretArn": "database", "PortalSyncSecretArn": "portal-sync",
    "PortalSecretArn": "portal", "ApiSecretArn": "api", "NotifierSecretArn": "notifier",
}  # fmt: skip


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """An empty AWS and an empty database. The table is printed at the end."""
    assert tools_are_up_to_date(), "run make deployment-tools"
    with open_walk(tmp_path_factory.mktemp("walk")) as found:
        yield found
        print(f"\n{found.draw()}\n{pages.draw_left_out()}")  # noqa: T201 - it is the walk's result


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorPortal]:
    """A stand-in for HLF's portal."""
    with open_operator_portal(tmp_path_factory.mktemp("portal")) as found:
        yield found


def org_id(walked: Walk) -> UUID:
    """Return the id that the page's command printed."""
    with walked.connect() as connection:
        cursor = connection.cursor(row_factory=scalar_row)
        return cursor.execute("select id from organisations where slug = 'hlf'").fetchone() or UUID(
            int=0
        )


def asked_for(walked: Walk) -> dict[str, str]:
    """Return the parameters without a default, which the page tells its reader to type."""
    vault = walked.client("secretsmanager")
    return {
        "HlfOrgId": str(org_id(walked)),
        "SupabaseUrl": "http://127.0.0.1:9",
        "SupabasePublishableKey": "sb_publishable_of-the-walk",
        "AlarmEmail": "alarms@example.org",
    } | {
        parameter: vault.describe_secret(SecretId=f"{STACK}/{name}")["ARN"]
        for parameter, name in SECRETS.items()
    }


def deploy(walked: Walk, block: Block, typed: Mapping[str, str]) -> None:
    """Answer SAM: the parameters, `y` to the changes that it shows, Enter to everything else."""

    def answer(question: str) -> str | None:
        parameter = re.search(r"Parameter (\w+) \[", question)
        if parameter is not None:
            return typed.get(parameter[1], "")
        if "Deploy this changeset" in question:
            return "y"
        return "" if question.endswith("]:") else None

    with walked.timed(block.place, block.text):
        done = converse(block.text, walked.folder, shell_environment(walked.shell), answer)
        assert done.code == 0, done.shown
    assert not [question for question in done.asked if "Is this okay" in question]
    assert "Deploy this changeset" in done.asked[-1]


def take(walked: Walk, blocks: Iterable[Block], more: Mapping[str, str] | None = None) -> None:
    """Type the blocks, and answer the questions of `sam deploy`, of a guided one with `more`."""
    for block in blocks:
        if block.text.startswith("sam deploy"):
            typed = asked_for(walked) | dict(more or {})
            deploy(walked, block, typed if "--guided" in block.text else {})
        else:
            walked.take(block)


def test_a_first_deployment_from_nothing(walked: Walk) -> None:
    """O6: every block in order. `sam deploy` changes no file that git tracks."""
    blocks = read_blocks(pages.DEPLOYMENT)
    take(walked, [block for block in blocks if block.walk in ("deployment", "guided")])
    assert changed_files(walked.folder) == ""
    assert "HlfOrgId" in (walked.folder / "samconfig.prod.toml").read_text()
    with walked.connect() as connection:
        assert connection.execute("select count(*) from cron.job").fetchone() == (3,)


def type_lines(walked: Walk, heading: str) -> None:
    """Type the smoke test's lines below a heading; each must print the text after its arrow."""
    for line in pages.read_smoke_test():
        if not line.heading.startswith(heading) or (heading == "" and line.heading):
            continue
        done = walked.type(line.place, line.command, fails="permission denied" in line.says)
        if pages.is_judged(line.says):
            assert pages.misses(line.says, done.out + done.err) == [], (line, done)


def test_the_smoke_test_says_what_it_must(walked: Walk) -> None:
    """O6: on a roster with three expired mentors, before there is a portal."""
    today = datetime.now(ZoneInfo("Europe/Oslo")).date()  # the zone that the page enters
    roster = make_roster(org_id(walked), 8, pages.EXPIRED, 1, today)
    load_roster(walked.owner_url, roster, "hlf")
    walked.take(walk("runbook", [pages.RUNBOOK])[0])
    type_lines(walked, "")
    type_lines(walked, "For the console")


def test_the_smoke_test_of_the_portal_says_what_it_must(
    walked: Walk, portal: OperatorPortal
) -> None:
    """O6: after the portal was set up, with the content of its secret."""
    portal.mirror(walked.owner_url)
    walked.type("docs/portal.md", portal.set_up())
    walked.shell.type("restart")  # a function caches the switch for half a minute
    type_lines(walked, "Where HLF's portal")


def test_the_sender_is_verified_and_the_e_mails_leave(walked: Walk) -> None:
    """W4: after a second guided deployment, which keeps what it is not asked to change."""
    walked.placeholders["DOMAIN"] = "example.org"
    take(walked, walk("mail", [pages.DEPLOYMENT]))
    del walked.placeholders["DOMAIN"]
    sender = {"MessageSender": "no-reply@example.org"}
    take(walked, walk("guided-again", [pages.DEPLOYMENT]), sender)
    type_lines(walked, "For the e-mails")


def test_the_smoke_test_of_the_next_morning_says_what_it_must(walked: Walk) -> None:
    """O6: after a scheduled run."""
    now = datetime.now(UTC)
    event = {
        "job_name": "certification_expiry", "trigger": "schedule", "trigger_id": str(UUID(int=1)),
        "scheduled_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    walked.client("lambda").invoke(
        FunctionName=walked.out("DispatcherFunctionName"), Payload=json.dumps(event).encode()
    )
    type_lines(walked, "The next morning")


def test_the_runbooks_blocks_do_what_they_say(walked: Walk, portal: OperatorPortal) -> None:
    """O4: `portal resync` as the role that the page names, after an edit in the portal."""
    mentor = portal.edit_a_mentor()
    assert portal.is_shown_as_active(mentor)
    for block in walk("runbook", [pages.RUNBOOK])[1:]:
        walked.take(block)
    assert not portal.is_shown_as_active(mentor)


def test_the_commands_in_the_runbooks_sentences_can_be_typed(walked: Walk) -> None:
    """O4: each of them. A redrive may answer that its run has no errors.

    The exit code of `last-night` says how the night was.
    """
    with walked.connect() as connection:
        cursor = connection.cursor(row_factory=scalar_row)
        mentor_id = cursor.execute("select id from peer_mentors order by id limit 1").fetchone()
        run_id = cursor.execute(
            "select job_run_id from scheduler_execution_log where status = 'completed'"
            " and job_name = 'certification_expiry' order by started_at limit 1"
        ).fetchone()
    words = {
        "JOB_RUN_ID": str(run_id), "JOB": "certification_expiry", "MENTOR_ID": str(mentor_id)
    }  # fmt: skip
    for place, command in pages.read_runbook():
        typed = command
        for word, value in words.items():
            typed = re.sub(rf"\b{word}\b", value, typed)
        if command.startswith("select "):
            typed = f'psql -X "$OWNER_URL" -c "{typed}"'
        if typed in walked.typed:
            continue  # the smoke test has
        may_fail = "redrive" in command or "last-night" in command
        done = walked.type(place, typed, fails=None if may_fail else False)
        assert "Traceback" not in done.err


def description(walked: Walk) -> str:
    """Return the description of the deployed dispatcher."""
    lambdas = walked.client("lambda")
    name = walked.out("DispatcherFunctionName")
    return lambdas.get_function_configuration(FunctionName=name)["Description"]


def test_an_upgrade_and_a_rollback(walked: Walk) -> None:
    """O6: the new version's migration stays, and the function is the old one again."""
    old = description(walked)
    template = walked.folder / "template.yaml"
    template.write_text(template.read_text().replace(old, "Starts the runs of each job."))
    (walked.folder / "supabase/migrations/29991231000000_new.sql").write_text(
        "create table private.new_table (id integer);\n"
    )
    commit(walked.folder, "v2")
    take(walked, walk("upgrade", [pages.DEPLOYMENT]))
    assert description(walked) == "Starts the runs of each job."
    walked.placeholders["VERSION"] = "v1"
    take(walked, walk("rollback", [pages.DEPLOYMENT]))
    assert description(walked) == old
    with walked.connect() as connection:
        assert connection.execute("select to_regclass('private.new_table')").fetchone() != (None,)


def test_each_key_is_rotated(walked: Walk) -> None:
    """O6: the old SCHEDULER_SECRET works until it is removed. Each role has a new password."""
    ask = 'ask -o /dev/null -w "%{http_code}" "$(out ApiUrl)/jobs"'
    first, *rest = walk("rotation", [pages.DEPLOYMENT])
    walked.shell.type("before=$(secret database)")
    walked.take(first)
    assert walked.shell.type(ask).out == "200"
    for block in rest:
        walked.take(block)
    assert walked.shell.type(ask).out == "401"
    walked.take(walk("runbook", [pages.RUNBOOK])[0])
    assert walked.shell.type(ask).out == "200"
    assert walked.shell.type('psql "$SUPABASE_DB_URL" -c "select 1"').code == 0
    old = walked.shell.type('(eval "$before"; psql "$SUPABASE_DB_URL" -c "select 1")')
    assert "password authentication failed" in old.err
    walked.type("docs/deployment.md", 'mentor-pause monitor --stack "$STACK"')


def test_keys_that_others_issue_come_into_their_secrets(walked: Walk) -> None:
    """O6: each key is written from a variable into its own secret."""
    walked.shell.type("export KEY=issued-by-others")
    for block in walk("issued", [pages.DEPLOYMENT]):
        walked.take(block)
    held = {
        "portal": "PORTAL_CLIENT_SECRET", "database": "SUPABASE_SERVICE_ROLE_KEY",
        "api": "SUPABASE_JWT_SECRET",
    }  # fmt: skip
    for secret, name in held.items():
        found = walked.shell.type(f"secret {secret}").out.splitlines()
        assert f"export {name}=issued-by-others" in found


def test_a_database_made_with_psql_comes_to_the_same_state(walked: Walk) -> None:
    """O6: the push fails as the page says. After the repair it applies the new migration."""
    url = walked.create_project("by_hand")
    walked.shell.type(f"export OWNER_URL='{without_password(url)}'")
    files = " ".join(
        f"-f supabase/migrations/{file.name}" for file in sorted(MIGRATIONS.glob("*.sql"))
    )
    walked.shell.type(f'psql -qX -v ON_ERROR_STOP=1 "$OWNER_URL" {files}')
    (push, *_) = [b for b in walk("deployment", [pages.DEPLOYMENT]) if "db push" in b.text]
    failed = walked.type(push.place, push.text, fails=True)
    assert 'relation "organisations" already exists' in failed.out + failed.err
    for block in walk("repair", [pages.DEPLOYMENT]):
        walked.take(block)
    walked.take(push)
    assert noted(url) == noted(walked.owner_url) - {("29991231000000", "new")}


def noted(url: str) -> set[tuple[str, str]]:
    """Return the applied migrations of a database."""
    with closing(psycopg.connect(url)) as connection:
        return set(
            connection.execute(
                "select version, name from supabase_migrations.schema_migrations"
            ).fetchall()
        )
