"""What docs/recovery.no.md says to do when a night has gone wrong, done in a browser."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local.mail import Mail, read_mails
from local.seed import find_address
from support.browser import open_page, tab_to
from support.console import Site
from support.deployed import eventually, mentor_pause, rows

pytestmark = pytest.mark.xdist_group("second stack")

HELD = """
select m.id::text, k.display_name, c.email
from plan_mentors as p join peer_mentors as m on m.id = p.mentor_id
join mentor_contacts as k on k.mentor_id = m.id
join coordinator_chapters as r on r.chapter_id = m.chapter_id
join member_contacts as c on c.user_id = r.coordinator_id
where m.status = 'active' and c.email is not null and (
  select count(*) from mentor_contacts as o where o.display_name = k.display_name
) = 1
order by c.email limit 1
"""
A_WEEK_AGO = """
insert into scheduler_execution_log (org_id, job_name, job_run_id, trigger, triggered_by, as_of,
  status, started_at, finished_at, processed_count, paused_count, skipped_count, error_count)
select id, 'certification_expiry', gen_random_uuid(), 'schedule', 'a night', current_date - 7,
  'completed', now() - interval '7 days', now() - interval '7 days', 0, 0, 0, 0
from organisations
"""


@pytest.fixture
def owner(site: Site) -> Iterator[psycopg.Connection]:
    """The owner's connection to the site's database."""
    with psycopg.connect(site.deployed.local.database_url(), autocommit=True) as connection:
        yield connection


def mails_to(site: Site, email: str, text: str) -> list[Mail]:
    """Return the mails to an address that have a text, the newest last."""
    every = read_mails(site.deployed.local.require().aws_port)
    return [mail for mail in every if email in mail.to and text in mail.text]


def read_code(site: Site, email: str) -> str:
    """Return the newest code that was sent to an address."""
    *_, newest = mails_to(site, email, "Your code is")
    return re.findall(r"\d{8}", newest.subject)[0]


def find_held(owner: psycopg.Connection) -> dict[str, Any]:
    """Return a mentor whom the night did not pause, and the address of a coordinator of theirs."""
    (found,) = rows(owner, HELD)
    return found


def test_somebody_who_is_shown_as_available_and_must_not_be_is_gone_from_the_website(
    browser: Browser, site: Site, owner: psycopg.Connection
) -> None:
    """C1, C3, C6: from the link in the e-mail, without JavaScript."""
    mentor = find_held(owner)
    eventually(lambda: mails_to(site, mentor["email"], site.root) != [])
    (link,) = re.findall(r"http\S+", mails_to(site, mentor["email"], site.root)[-1].text)
    with open_page(browser, with_scripts=False) as page:
        page.goto(link)
        page.get_by_label("E-postadresse").fill(mentor["email"])
        page.get_by_role("button", name="Send meg en kode").click()
        page.get_by_label("Kode").fill(read_code(site, mentor["email"]))
        page.get_by_role("button", name="Logg inn").click()
        expect(page.get_by_role("heading", name="I natt")).to_be_visible()
        page.get_by_role("link", name="Likepersoner", exact=True).click()
        page.get_by_label("Navn eller nummer").fill(mentor["display_name"])
        page.get_by_role("button", name="Søk").click()
        page.get_by_role("link", name=mentor["display_name"]).click()
        expect(page.get_by_text("Kontrollen holdt pausen igjen")).to_be_visible()
        page.get_by_label("vises som tilgjengelig, men skal ikke det").check()
        page.get_by_role("button", name="Sett på pause").click()
        expect(page.get_by_role("status")).to_contain_text("nå satt på pause")
        expect(page.get_by_text("vises som tilgjengelig, men skal ikke det")).to_be_visible()
    assert mentor["id"] in site.deployed.shown()["active"]
    assert mentor_pause("run", "hlf_sync", "--json").returncode == 0
    assert mentor["id"] in site.deployed.shown()["paused"]


def has_ended(page: Page) -> bool:
    """Load the page of a run again; return whether the run has ended well."""
    page.reload()
    return page.locator("main", has_text="Fullført").is_visible()


def value_of(page: Page, name: str) -> Locator:
    """Return what a page says behind a name."""
    return page.locator("dt", has_text=re.compile(f"^{name}$")).locator("+ dd")


def test_a_check_that_did_not_run_is_run_by_keyboard_alone(browser: Browser, site: Site) -> None:
    """C1, C6: the page of the run says that it has ended, without errors."""
    site.deployed.local.seed(mentors=300, expired=60, seed=4)
    url = site.deployed.local.database_url()
    with psycopg.connect(url) as owner:
        owner.execute(A_WEEK_AGO)
    email = str(find_address(url, "admin"))
    with open_page(browser) as page:
        page.goto(site.root)
        assert tab_to(page, "email")
        page.keyboard.type(email)
        page.keyboard.press("Enter")
        expect(page.get_by_label("Kode")).to_be_visible()
        assert tab_to(page, "code")
        page.keyboard.type(read_code(site, email))
        page.keyboard.press("Enter")
        expect(page.get_by_text("Last night's check is missing")).to_be_visible()
        assert tab_to(page, "Norsk")  # the setting of this administrator is English
        page.keyboard.press("Enter")
        expect(page.get_by_text("Kontrollen i natt mangler")).to_be_visible()
        assert tab_to(page, "Kjør kontrollen nå")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Startet av deg")).to_be_visible()
        eventually(lambda: has_ended(page))
        expect(value_of(page, "Satt på pause")).to_have_text("60")
        expect(value_of(page, "Feil")).to_have_text("0")
        assert tab_to(page, "I natt")
        page.keyboard.press("Enter")
        expect(page.get_by_text("I natt gikk alt bra")).to_be_visible()
