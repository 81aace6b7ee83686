"""Which texts are e-mail addresses to which SES can send (W4)."""

import pytest

from support.outbox import Outbox, unreachable
from support.roster import Roster


@pytest.fixture
def outbox(roster: Roster) -> Outbox:
    """The organisation's messages."""
    return Outbox(roster)


GOOD = (
    "a@b.no", " a@b.no ", "Ola.Nordmann+hlf@Example.NO", "o'brien@sub.example.co.uk",
    "a@blåbær.no", f"{'a' * 64}@b.no", f"a@{'b' * 63}.no",
)  # fmt: skip
BAD = (
    None, "", " ", "a", "@b.no", "a@", "a@b", "a@b..no", ".a@b.no", "a.@b.no", "a..b@c.no",
    "a@-b.no", "a@b-.no", "a b@c.no", "a@b.no\n", "a\n@b.no", "a@b.no\r\nBcc: c@d.no",
    "a@b.no,c@d.no", "a@b.no;c@d.no", "Ola <a@b.no>", "å@b.no", "a@b@c.no", "a@b_c.no",
    "a@b.1", f"{'a' * 65}@b.no", f"a@{'b' * 64}.no", f"a@{'b' * 255}.no", "a@b.no\u00a0",
    "a@\u200bb.no",
)  # fmt: skip


@pytest.mark.parametrize("email", GOOD)
def test_an_address_that_ses_takes(outbox: Outbox, email: str) -> None:
    """W4: one address, its local part in ASCII; blanks around it do not count."""
    assert unreachable(outbox, email) is None


@pytest.mark.parametrize("email", BAD)
def test_a_text_that_is_no_address(outbox: Outbox, email: str | None) -> None:
    """W4: an adopter's view may hold any text; a line break could add a header."""
    assert unreachable(outbox, email) == "no_address"
