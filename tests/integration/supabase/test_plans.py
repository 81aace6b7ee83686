"""The questions of `make plans` on a small roster (R1, S4, O1)."""

from dataclasses import replace

import pytest

from bench.plans import MOST_SECONDS, QUESTIONS, Answer, Report, ask, load
from support.cluster import Cluster


def test_every_question_can_be_asked(cluster: Cluster) -> None:
    """Each caller may ask it, and what it changes is undone."""
    with cluster.database() as db:
        load(cluster.server.url(str(db.info.dbname)), 2000)
        rows = {
            (question.title, answer.place): answer.rows
            for question in QUESTIONS
            for answer in ask(db, question)
        }
        assert db.execute("select count(*) from coordinator_notifications").fetchone() == (0,)
    assert rows["expired, nobody", ""] == 0
    assert rows["expired, all", "start"] == 500
    assert rows["unsynced, a thousand", "middle"] == 500
    for who in ("coordinator of all, by assignment", "policy, of all by chapter"):
        assert [rows[who, place] for place in ("start", "middle", "end")] == [50, 50, 50]


ANSWER = Answer(QUESTIONS[4], "start", 0.1, 100, 500)


@pytest.mark.parametrize(
    ("answers", "mistakes"),
    [
        ([ANSWER, replace(ANSWER, place="end")], 0),
        ([replace(ANSWER, blocks=151)], 1),
        ([replace(ANSWER, seconds=MOST_SECONDS + 1)], 1),
        ([replace(ANSWER, blocks=10), replace(ANSWER, place="end", blocks=121)], 1),
    ],
)
def test_an_answer_beyond_its_bounds_is_a_mistake(answers: list[Answer], mistakes: int) -> None:
    """Too many blocks, too many seconds, or a later page that costs more than the first one."""
    report = Report()
    report.add(answers)
    assert len(report.mistakes) == mistakes
