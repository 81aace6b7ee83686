"""The console's cookies.

`__Host-session` holds the person's token, and ends with it (C3). No script can read it. The others
hold no secret: the address during sign-in, the language, what was searched for (so that no address
of a page holds a name), and a mark by which the console can say that a session has ended.
`__Host-` ties a cookie to this host and to TLS.

Source: RFC 6265bis, "The __Host- Prefix".
"""

import re

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from console.request import Request

SESSION = "__Host-session"
EMAIL = "__Host-email"
LANGUAGE = "__Host-language"
MARK = "__Host-was-signed-in"
SEARCH = "__Host-search"

HALF_A_DAY = 12 * 3600
A_YEAR = 365 * 24 * 3600
MINUTES_FOR_A_CODE = 60

_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


def session_token(request: Request) -> str | None:
    """Return the person's token, if the session's cookie holds what looks like one."""
    token = request.cookies.get(SESSION, "")
    return token if _TOKEN.fullmatch(token) else None


def cookie(name: str, value: str, seconds: int) -> Cookie:
    """Return a cookie for this host, out of reach of scripts and of other sites' forms."""
    return Cookie(
        name, value, path="/", secure=True, http_only=True, max_age=seconds,
        same_site=SameSite.LAX_MODE,
    )  # fmt: skip


def removed(name: str) -> Cookie:
    """Return the cookie that makes the browser forget one."""
    # Powertools writes no `Max-Age=0` unless the number is negative.
    return cookie(name, "", -1)
