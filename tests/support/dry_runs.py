"""Dry runs that a coordinator posts in parallel loops, over scheduled triggers."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import psycopg

from support.deployed import Deployed, eventually, mentor_pause
from support.watch import JOB, Night

_START = f"/jobs/{JOB}/runs"


def statuses(stack: Deployed, trigger: str) -> Counter[str]:
    """Count the statuses of the execution log's rows of a trigger."""
    url = stack.local.database_url()
    with closing(psycopg.connect(url, client_encoding="utf8")) as owner:
        found = owner.execute(
            "select status from public.scheduler_execution_log where trigger = %s", (trigger,)
        ).fetchall()
    return Counter(row[0] for row in found)


def post_dry_runs_over_triggers(
    stack: Deployed, triggers: int, loops: int = 4
) -> tuple[list[str], Counter[int]]:
    """Let a coordinator post dry runs in parallel loops while scheduled triggers arrive.

    Returns: The answer to each trigger, and the HTTP statuses of the dry runs.
    """
    token = mentor_pause("local", "token", "coordinator").stdout.strip()
    enough = threading.Event()
    answered = Counter[int]()

    def post() -> None:
        while not enough.is_set():
            try:
                answer = stack.api("POST", _START, token, json={"dry_run": True})
            except httpx.HTTPError:
                answered[0] += 1
            else:
                answered[answer.status_code] += 1

    found: list[str] = []
    with ThreadPoolExecutor(loops) as pool:
        for _ in range(loops):
            pool.submit(post)
        try:
            eventually(lambda: sum(answered.values()) >= loops)
            for _ in range(triggers):
                night = Night(stack)
                found.append(night.fire()["status"])
                night.finish(300)
        finally:
            enough.set()
    return found, answered
