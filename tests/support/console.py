"""The pages of the console, and people who visit them in a browser with a session of their own."""

from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote
from uuid import UUID

import psycopg
from playwright.sync_api import BrowserContext, Page

from local.seed import find_member
from support.deployed import Deployed, mentor_pause, rows

type Who = Literal["nobody", "asked for a code", "mentor", "coordinator", "admin"]
type Language = Literal["nb", "en"]

LANGUAGES: tuple[Language, ...] = ("nb", "en")
_NUMBERS = """
with told as (
  select person_id as coordinator, mentor_ids[1] as paused
  from messages where audience = 'coordinator' and kind = 'paused' order by id limit 1
)
select told.*,
  (select job_run_id from scheduler_execution_log
   where job_name = 'certification_expiry' order by id desc limit 1) as run,
  (select person_id from messages
   where audience = 'mentor' and kind = 'paused' order by id limit 1) as mentor,
  (select mentor_ids[1] from messages as m
   where m.person_id = told.coordinator and m.kind = 'warning' order by m.id limit 1) as active,
  (select m.id from peer_mentors as m join certifications as c on c.mentor_id = m.id
   where m.status = 'active' group by m.id
   having max(c.expires_on) <= current_date order by m.id limit 1) as held
from told
"""


class Place(NamedTuple):
    """A page, as one person sees it."""

    name: str
    """Names a screenshot."""
    path: str
    """Below `/console`; `{...}` stands for a number that `Site` knows."""
    who: Who
    title: str
    """The Norwegian title, without the name of the site."""


PLACES = (
    Place("sign-in", "/sign-in", "nobody", "Logg inn"),
    Place("signed-out", "/sign-in?out=1", "nobody", "Logg inn"),
    Place("code", "/sign-in/code", "asked for a code", "Skriv inn koden"),
    Place("tonight", "", "admin", "I natt"),
    Place("tonight-coordinator", "", "coordinator", "I natt"),
    Place("mentors", "/mentors", "coordinator", "Likepersoner"),
    Place("mentors-none", "/mentors?show=set_active", "coordinator", "Likepersoner"),
    Place("mentors-wrong", "/mentors?show=paused&after=7", "coordinator", "Likepersoner"),
    Place("mentor-active", "/mentors/{active}", "coordinator", ""),
    Place("mentor-paused", "/mentors/{paused}", "coordinator", ""),
    Place("mentor-held", "/mentors/{held}", "admin", ""),
    Place("me", "/me", "mentor", "Min side"),
    Place("messages", "/messages", "coordinator", "Meldinger"),
    Place("messages-mentor", "/messages", "mentor", "Meldinger"),
    Place("checks", "/checks", "admin", "Kontroller"),
    Place("preview", "/checks/preview", "admin", "Hvem som ville blitt satt på pause"),
    Place("check", "/checks/{run}", "admin", ""),
    Place("withdraw", "/checks/{run}/withdraw", "admin", "Trekk tilbake pauser"),
    Place("held", "/held", "admin", "Holdt igjen"),
    Place("website", "/website", "admin", "Nettside"),
    Place("undelivered", "/undelivered", "admin", "Ikke nådd"),
    Place("no-access", "/held", "coordinator", "Du har ikke tilgang til denne siden"),
    Place("no-page", "/no-such-page", "admin", "Siden finnes ikke"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """The deployed console, after a night on a fresh roster."""

    deployed: Deployed
    numbers: dict[str, str]
    """What stands in for `{...}` in the path of a place."""
    people: dict[Who, UUID]

    @property
    def root(self) -> str:
        """The address of the console."""
        return f"{self.deployed.stack.outputs['ApiUrl']}/console"

    def address(self, place: Place) -> str:
        """Return the address of a page."""
        return self.root + place.path.format_map(self.numbers)


def open_site(deployed: Deployed) -> Site:
    """Load a roster, run a night that pauses 48 and holds 12, and compare with the portal.

    The portal hears nothing of it, so the page of the website has something to show.
    """
    deployed.let_the_sync_follow(follow=False)
    deployed.local.seed(mentors=300, expired=60, seed=3, unforeseen=12, brake="hold")
    assert mentor_pause("run", "certification_expiry", "--json").returncode == 0
    assert deployed.stack.invoke("PortalDrift", {})["status"] == "measured"
    url = deployed.local.database_url()
    with psycopg.connect(url) as owner:
        (found,) = rows(owner, _NUMBERS)
    people: dict[Who, UUID] = {"mentor": found["mentor"], "coordinator": found["coordinator"]}
    if admin := find_member(url, "admin"):
        people["admin"] = admin
    return Site(deployed, {name: str(number) for name, number in found.items()}, people)


def come_as(context: BrowserContext, site: Site, who: Who, language: Language) -> Page:
    """Open a page of a context as a person who has chosen a language and signed in.

    Playwright cannot set a cookie whose name begins with `__Host-`; Chromium itself can.
    """
    cookies = {"__Host-language": language}
    if who in site.people:
        cookies["__Host-session"] = site.deployed.local.token(site.people[who])
    if who == "asked for a code":
        cookies["__Host-email"] = quote("kari@example.com", safe="")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    for name, value in cookies.items():
        found = {"name": name, "value": value, "url": site.root, "path": "/", "secure": True}
        assert session.send("Network.setCookie", found)["success"]
    return page
