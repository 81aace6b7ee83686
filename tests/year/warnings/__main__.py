"""Lives through a year of warnings and e-mails: `make year-of-warnings`.

Prints what differed between the product and the oracle, which claims were broken, the figures of
the year, and each pause without a warning 14 days before.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

from support.faked_clock import NOTICE, find_library, open_faked_cluster
from year.warnings.harness import Plan, Year, live_through

ENOUGH = 0.95
"""The share of pauses that must be forewarned in a year in which few dates are moved."""


def main() -> int:
    """Live through the year that the command line asks for; 0: all is as the rules say."""
    parser = argparse.ArgumentParser(prog="python -m year.warnings", description=__doc__)
    for part in fields(Plan):
        parser.add_argument(f"--{part.name}", type=type(part.default), default=part.default)
    plan = Plan(**vars(parser.parse_args()))
    if find_library() is None:
        sys.stderr.write(f"{NOTICE}; install it: apt-get install faketime\n")
        return 2
    with TemporaryDirectory() as folder, open_faked_cluster(Path(folder)) as faked:
        year = live_through(faked, plan)
    wrong = [*year.report.differences, *year.claims.broken, *map(str, year.claims.unnamed())]
    if plan.unrest <= 1 and year.claims.share() < ENOUGH:
        wrong.append(f"less than {ENOUGH:.0%} of the pauses were forewarned")
    for line in (*wrong, *_figures(year)):
        sys.stdout.write(f"{line}\n")
    return int(bool(wrong))


def _figures(year: Year) -> Iterator[str]:
    report, claims, oracle = year.report, year.claims, year.oracle
    yield f"{report.nights} nights, {report.looks} comparisons, {report.seconds:.0f} s"
    yield f"{len(oracle.world.mentors)} mentors, {len(claims.pauses)} pauses"
    yield f"{len(claims.warnings)} warnings, {claims.mails} e-mails"
    yield f"at most {claims.most_own_warnings()} e-mails warned a person of one date"
    states = Counter(message.state for message in oracle.post.messages)
    yield f"messages: {', '.join(f'{n} {state}' for state, n in states.most_common())}"
    yield f"{claims.share():.1%} of the pauses after the first 14 nights were forewarned"
    for why, count in Counter(map(oracle.why_unwarned, claims.unwarned())).most_common():
        yield f"not forewarned: {count}, {why}"
    for pause in claims.unwarned():
        yield f"  {pause.day} {pause.mentor}, of {pause.expires_on}: {oracle.why_unwarned(pause)}"


if __name__ == "__main__":
    sys.exit(main())
