"""`local mail` waits while the notifier sends (W3)."""

import psycopg

from local.mail import wait_until_sent
from support.cluster import Cluster
from support.post_office import warned
from support.roster import Roster


class Watch:
    """What the command said, and the steps that it slept; after some steps a message is sent."""

    def __init__(self, db: psycopg.Connection, every: int) -> None:
        """`every`: the steps after which the notifier sends one message; 0: it sends none."""
        self.said: list[str] = []
        self.steps = 0
        self._db, self._every = db, every

    def sleep(self, _seconds: float) -> None:
        """Let time pass."""
        self.steps += 1
        if self._every and self.steps % self._every == 0:
            self._db.execute(
                "update messages set state = 'sent'"
                " where id = (select min(id) from messages where state = 'pending')"
            )


def wait(roster: Roster, cluster: Cluster, every: int) -> Watch:
    """Wait as the command does."""
    watch = Watch(roster.db, every)
    url = cluster.server.url(roster.db.info.dbname)
    wait_until_sent(url, watch.said.append, watch.sleep)
    return watch


def test_it_waits_until_every_message_has_left(roster: Roster, cluster: Cluster) -> None:
    """However long the notifier takes, as long as it makes progress."""
    warned(roster, 3)
    watch = wait(roster, cluster, every=30)
    assert (watch.said, watch.steps) == (["3 messages are being sent"], 90)


def test_it_stops_when_nothing_moves(roster: Roster, cluster: Cluster) -> None:
    """After ten seconds, for instance when SES refuses."""
    warned(roster, 1)
    assert wait(roster, cluster, every=0).steps == 40


def test_without_a_message_it_does_not_wait(roster: Roster, cluster: Cluster) -> None:
    """And says nothing."""
    watch = wait(roster, cluster, every=0)
    assert (watch.said, watch.steps) == ([], 0)
