"""Asks every route of the console as every person, and writes what came back as a table (C1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from console.routes import ROUTES, Route
from support.console_requests import Page
from support.console_world import GROUPS, PERSONAS, SEES, World

ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "/mentors": ("/mentors", "/mentors?show=held", "/mentors?searched=1"),
}
"""Queries that could show more than the bare address."""
HEAD = """\
# Who sees what in the console

Each row is a page or a form of the console. Each column is a person. `make console-access` writes
this page: it asks the real console every route as every person, over a real database. A test fails
if an answer is not as in the table, if a person sees the name or the number of a mentor who is not
theirs, or if a form acts for a person without the right (C1, C2).

A cell has the HTTP status. *sign-in*: the redirect leads to the page for signing in. *n*: so many
mentors are named. A person who is a mentor is named on each page, at "Signed in as". *acts*: the
form changed something or started a run.

| page or form | {personas} |
| --- |{lines}
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """The answer of a route to a person."""

    method: str
    label: str
    persona: str
    page: Page
    named: frozenset[UUID]
    acts: bool

    @property
    def text(self) -> str:
        """The text of the cell in the table."""
        goes = self.page.leads_to if self.page.status == 303 else ""
        parts = [str(self.page.status)]
        parts += ["*sign-in*"] if goes.startswith("/sign-in?next") else []
        parts += [f"n = {len(self.named)}"] if self.named else []
        parts += ["*acts*"] if self.acts else []
        return ", ".join(parts)


def cells_of(world: World, persona: str) -> list[Cell]:
    """Ask every route as a person; forms follow the pages."""
    routes = sorted(ROUTES, key=lambda route: route.method)
    return [
        _ask(world, persona, route, label, address)
        for route in routes
        for label, address in _addresses(world, route)
    ]


def leaks(world: World, cell: Cell) -> frozenset[UUID]:
    """Return whom an answer names although the person may not see them."""
    return cell.named - world.of(SEES.get(cell.persona, ()))


def table_of(cells: list[Cell]) -> str:
    """Return the page."""
    rows = dict.fromkeys((cell.method, cell.label) for cell in cells)
    found = {(cell.method, cell.label, cell.persona): cell.text for cell in cells}
    lines = [
        " | ".join((f"| {method} `{label}`", *(found[method, label, p] for p in PERSONAS)))
        for method, label in rows
    ]
    head = HEAD.format(personas=" | ".join(PERSONAS), lines=" --- |" * len(PERSONAS))
    return head + "".join(f"{line} |\n" for line in lines)


def _addresses(world: World, route: Route) -> Iterator[tuple[str, str]]:
    if "{}" not in route.path:
        yield from ((f"/console{a}", a) for a in ADDRESSES.get(route.path, (route.path,)))
    elif route.path.startswith("/mentors"):
        for group in GROUPS:
            label = route.path.replace("{}", f"({group})")
            yield f"/console{label}", route.path.replace("{}", str(world.mentors[group][0]))
    else:
        run = world.held if route.path.startswith("/held") else world.night
        yield f"/console{route.path.replace('{}', '(run)')}", route.path.replace("{}", str(run))


def _ask(world: World, persona: str, route: Route, label: str, address: str) -> Cell:
    before, token = world.fingerprint(), world.tokens[persona]
    if route.method == "GET":
        page = world.console.get(address, token, Cookie="__Host-search=Xq")
    else:
        page = world.console.post(address, _form(world, address), token)
    text = page.text + "".join(page.headers.values()) + "".join(page.cookies.values())
    named = frozenset(world.named_in(text, address))
    return Cell(route.method, label, persona, page, named, world.fingerprint() != before)


def _form(world: World, address: str) -> dict[str, str]:
    """Return a form in which nothing is missing."""
    form = {
        "email": "nobody@example.org", "code": "123456", "language": "nb", "up_to": "1000",
        "note": "The dates are right.", "plan_hash": world.plan_hash, "request_id": "a" * 32,
    }  # fmt: skip
    if address == "/mentors/search":
        return {"search": "Xq", "show": "all"}
    if address.startswith("/mentors"):
        mentor = UUID(address.split("/")[2])
        reason = "on_leave" if address.endswith("pause") else "back_again"
        form |= {"reason": reason, "version": world.version(mentor)}
    return form
