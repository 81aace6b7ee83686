"""The commands of the pages for operators, their results, and the steps that a walk cannot type."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from support.documents import ROOT

DEPLOYMENT = ROOT / "docs/deployment.md"
SMOKE_TEST = ROOT / "docs/smoke-test.md"
RUNBOOK = ROOT / "docs/runbook.md"
EXPIRED = 3
"""How many mentors of the walk's roster are to be paused."""

CANNOT_BE_TYPED: Mapping[str, str] = {
    "read -rsp": "asks for a password; the walk's database is on the same machine, without TLS",
    "Confirm the e-mail": "the emulator confirms a subscription by itself and sends no e-mail",
    "the workflow's environment": "needs GitHub; tests/e2e/test_fallbacks.py runs its script",
    "gh ": "needs GitHub",
    "Supabase's dashboard": "addresses, certificate, service-role and signing keys come from there",
    "aws cloudwatch list-metrics": "the emulator makes no metrics of log lines",
    "MetricAlarms[].[AlarmName,StateValue]": "the emulator evaluates no alarm",
    "set-alarm-state": "is typed; the emulator sends no e-mail and never sets the alarm back",
    "cron.job_run_details": "is typed; pg_cron starts at 02:15 UTC, and the walk is over by then",
    "aws lambda get-account-settings": "the emulator has no quotas",
    "aws sesv2 put-email-identity-mail-from-attributes": "not in the emulator's SES",
    "aws sesv2 delete-suppressed-destination": "not in the emulator's SES",
    "DNS records, production access": "need a domain, and people at AWS",
    "aws acm": "needs a domain and its DNS",
    "the console in a browser, Supabase Auth": "tests/e2e/browser signs in; no Supabase is here",
    "`delivered` for one coordinator": "is typed; the emulator publishes no events of SES",
    "metric math": "the emulator has no alarms over several metrics: each gets its first one",
    "sqs:SendMessageBatch, events:source, ses:FromAddress": "not in the emulator's IAM: the"
    " policies are bent",
    "verify-full": "Debian's server has no certificate; tests/unit/config has the rule",
}
"""Each step, or part of one, that the walk leaves out or does not judge, and why."""

_NOT_JUDGED = (
    "after an hour, all `OK`", "an e-mail arrives", "`succeeded`", "`HungRuns` among",
    "within a minute, `delivered`",
)  # fmt: skip
_ALSO_SAYS: Mapping[str, str] = {
    "your address": r"alarms@example\.org",
    "a count, as of today": rf"\b{EXPIRED} active mentors",
    "the same count as before": rf"\b{EXPIRED} active mentors",
    "as many paused as stale": rf"paused\D+{EXPIRED}\b.*error\D+0\b",
    "**pauses**": rf"paused\D+{EXPIRED}\b.*error\D+0\b",
    "0 should have been paused": r"\b0 active mentors should.*that night has a completed run",
    "0 processed": r"processed\D+0\b",
    "twice": r'"0".*"0"',
    "everything in order": r"in order",
    "0 differ": r"\b0 differ|nobody differs|0 .*differ",
    "all is well": r"that night has a completed run",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the smoke test: where it stands, its command, and what it must say."""

    place: str
    command: str
    says: str
    heading: str


def read_smoke_test() -> Iterator[Line]:
    """Yield the lines; a line's heading is the last sentence above it that ends in a colon."""
    heading = ""
    for number, line in enumerate(SMOKE_TEST.read_text().splitlines(), 1):
        if line.endswith(":"):
            heading = line
        if found := re.match(r"- \[ \] `([^`]+)` → (.+)", line):
            yield Line(f"docs/smoke-test.md:{number}", found[1], found[2], heading)


def is_judged(says: str) -> bool:
    """Whether the emulator can say it."""
    return not any(part in says for part in _NOT_JUDGED)


def misses(says: str, shown: str) -> list[str]:
    """Return what a command should have shown, and has not.

    Words in code are to be seen as they are; any of them where the page says "or".
    """
    words = re.findall(r"(?<!no )`([^`]+)`", says)
    unseen = [word for word in words if word not in shown]
    if " or `" in says and len(unseen) < len(words):
        unseen = []
    patterns = [pattern for part, pattern in _ALSO_SAYS.items() if part in says]
    assert words or patterns, f"nothing is known to be seen: {says}"
    return unseen + [p for p in patterns if re.search(p, shown, re.DOTALL) is None]


def read_runbook() -> Iterator[tuple[str, str]]:
    """Yield place and text of each command within the runbook's sentences, the first of each."""
    seen = set[str]()
    typed = re.compile(
        r'`((?:\(eval |(?:SUPABASE_DB_URL="\$OWNER_URL" )?mentor-pause [^`]*"\$STACK"'
        r"|aws |lines |ask |select )[^`]*)`"
    )
    for number, line in enumerate(RUNBOOK.read_text().splitlines(), 1):
        for command in typed.findall(line):
            if command not in seen and not any(step in command for step in CANNOT_BE_TYPED):
                yield f"docs/runbook.md:{number}", command
            seen.add(command)


def draw_left_out() -> str:
    """Return the steps that the walk cannot type, with the reason."""
    return "\n".join(f"not typed: {step}: {why}" for step, why in CANNOT_BE_TYPED.items())
