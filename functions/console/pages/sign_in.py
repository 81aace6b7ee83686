"""Sign-in by a code that Supabase Auth sends by e-mail (C3)."""

import re
from dataclasses import replace
from http import HTTPStatus
from time import monotonic
from urllib.parse import quote, unquote

from console.answers import NOT_SHOWN, Answer
from console.cookies import (
    A_YEAR,
    EMAIL,
    HALF_A_DAY,
    LANGUAGE,
    MARK,
    MINUTES_FOR_A_CODE,
    SEARCH,
    SESSION,
    cookie,
    removed,
    session_token,
)
from console.request import LONGEST_PAGE
from console.visit import Visit
from mentor_pause.database.person_client import Session
from texts.catalogue import LOCALES

SECONDS_FOR_A_CODE = 2.0
"""The shortest time until the answer about a code."""

_EMAIL = re.compile(r"[^@\s<>,;\"\x00-\x1f\x7f]{1,64}@[^@\s<>,;\"\x00-\x1f\x7f]{1,250}")
_CODE = re.compile(r"\d{6,10}")
_PAGE = re.compile(r"(/[a-z0-9-]+)*(\?[A-Za-z0-9_.~%+=&-]*)?")


def show(visit: Visit) -> Answer:
    """Ask for the e-mail address."""
    return _ask_address(visit)


def send_code(visit: Visit) -> Answer:
    """Send a code, then ask for it. The answer is the same whether or not there is an account.

    Supabase Auth needs longer for a known address, because it sends an e-mail. So no answer comes
    sooner than `SECONDS_FOR_A_CODE`. A slower one may tell that the address is known.
    """
    email = visit.field("email", 320)
    if not _EMAIL.fullmatch(email):
        return _ask_address(visit, HTTPStatus.UNPROCESSABLE_ENTITY, email, "no_address")
    begun = monotonic()
    outcome = visit.site.supabase.send_code(email)
    visit.site.sleep(max(0.0, begun + SECONDS_FOR_A_CODE - monotonic()))
    if outcome == "not sent":
        reason = "Supabase Auth reports that it could not send a code"
        visit.site.logger.error(NOT_SHOWN, extra={"page": "/sign-in", "reason": reason})
    if outcome == "too often":
        return _ask_address(visit, HTTPStatus.TOO_MANY_REQUESTS, email, "too_often")
    remembered = cookie(EMAIL, quote(email, safe=""), MINUTES_FOR_A_CODE * 60)
    return visit.redirect(f"/sign-in/code?next={quote(_next(visit), safe='')}", remembered)


def show_code(visit: Visit) -> Answer:
    """Ask for the code."""
    if EMAIL not in visit.request.cookies:
        return visit.redirect("/sign-in")
    return _ask_code(visit)


def verify(visit: Visit) -> Answer:
    """Begin a session if the code is right, then lead back to where the person was."""
    email = unquote(visit.request.cookies.get(EMAIL, ""))
    if not email:
        return visit.redirect("/sign-in")
    code = re.sub(r"\s", "", visit.field("code", 40))
    if not _CODE.fullmatch(code):
        return _ask_code(visit, HTTPStatus.UNPROCESSABLE_ENTITY, "no_code")
    session = visit.site.supabase.verify(email, code)
    if not isinstance(session, Session):
        if session == "too often":
            return _ask_code(visit, HTTPStatus.TOO_MANY_REQUESTS, "too_many_codes")
        return _ask_code(visit, HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_code")
    return visit.redirect(
        _next(visit),
        cookie(SESSION, session.token, session.seconds),
        cookie(MARK, "1", HALF_A_DAY),
        removed(EMAIL),
        removed(SEARCH),
    )


def sign_out(visit: Visit) -> Answer:
    """End the session here and at Supabase Auth. Here it ends also if Supabase is away.

    PostgREST accepts the token until it expires, because it does not ask Supabase Auth.
    """
    token = session_token(visit.request)
    if token is not None:
        visit.site.supabase.end_session(token)
    forgotten = (removed(name) for name in (SESSION, MARK, EMAIL, SEARCH))
    answer = visit.redirect("/sign-in?out=1", *forgotten)
    return replace(answer, headers=(*answer.headers, ("Clear-Site-Data", '"cache"')))


def choose_language(visit: Visit) -> Answer:
    """Remember the language in this browser."""
    chosen = visit.field("language", 2)
    language = chosen if chosen in LOCALES else "nb"
    return visit.redirect(_next(visit), cookie(LANGUAGE, language, A_YEAR))


def _next(visit: Visit) -> str:
    """Return where to go afterwards, if it is a page below `/console`; otherwise the start page."""
    wanted = visit.request.form.get("next") or visit.request.query.get("next", "")
    is_ours = len(wanted) <= LONGEST_PAGE and _PAGE.fullmatch(wanted)
    return wanted if is_ours else ""


def _ask_address(visit: Visit, status: int = 200, email: str = "", error: str = "") -> Answer:
    notice = next((name for name in ("ended", "out") if name in visit.request.query), "")
    return visit.page(
        "sign_in.html", status, email=email, error=error, notice=notice, next=_next(visit)
    )


def _ask_code(visit: Visit, status: int = 200, error: str = "") -> Answer:
    email = unquote(visit.request.cookies[EMAIL])
    return visit.page("code.html", status, email=email, error=error, next=_next(visit))
