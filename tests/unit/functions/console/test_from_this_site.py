"""A form counts only if a page of the console sent it (C5)."""

from itertools import product

from console.request import Request
from support.console_requests import HOST, event_of

SITES = ("same-origin", "none", "same-site", "cross-site", "", "SAME-ORIGIN", None)
ORIGINS = (
    f"https://{HOST}", f"http://{HOST}", "https://evil.example", f"https://{HOST}.evil.example",
    f"https://evil.example/{HOST}", f"https://{HOST}@evil.example", f"https://x@{HOST}",
    f"https://{HOST}:8443", "null", "", "https://[", None,
)  # fmt: skip
HOSTS = (HOST, "", None)


def is_ours(site: str | None, origin: str | None, host: str | None) -> bool:
    """Whether the console takes a form with these headers; None: the header is missing."""
    headers = {
        "Sec-Fetch-Site": site, "Origin": origin, "Host": host, "X-Forwarded-Proto": "https",
    }  # fmt: skip
    sent = {name: value for name, value in headers.items() if value is not None}
    return Request.parse(event_of("POST", "/me", sent)).is_from_this_site


def test_each_combination() -> None:
    """`Sec-Fetch-Site` decides. Without it, `Origin` must name exactly this host, with TLS."""
    taken = {case for case in product(SITES, ORIGINS, HOSTS) if is_ours(*case)}
    assert taken == {
        (site, origin, host)
        for site, origin, host in product(SITES, ORIGINS, HOSTS)
        if site in ("same-origin", "none")
        or (site, origin, host) == (None, f"https://{HOST}", HOST)
    }
