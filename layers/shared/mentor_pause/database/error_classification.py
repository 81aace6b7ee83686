"""Makes the error of a failed call: finds its class in the table, and writes its message.

The message of a mentor's error is the database's own, because our functions wrote it (E5). Every
other message begins with the table's text. It may then quote the server or gateway in one bounded
line, without addresses and credentials. A server that may repeat the URL is not quoted (R6).
"""

import re
from collections.abc import Sequence

from mentor_pause.database.error_table import (
    CODES,
    SENTENCES,
    STATUSES,
    UNKNOWN_SENTENCE,
    Kind,
    Rule,
)
from mentor_pause.domain.error_reasons import plain
from mentor_pause.errors import (
    Conflict,
    DatabaseError,
    DatabaseMisconfigured,
    DatabaseUnavailable,
    Forbidden,
    MentorPauseError,
    NotFound,
    RetryableDatabaseError,
    VersionConflict,
    describe,
)

_LONGEST_TEXT = 1000
_LONGEST_QUOTE = 200
_CODE = re.compile(r"[0-9A-Z]{5}|PGRST(\d{3}|X\d{2})")
_MENTOR = Rule("", Kind.MENTOR, "")
_BY_CODE = {"PT403": Forbidden, "PT404": NotFound, "PT409": Conflict}
_BY_HINT = {"version_conflict": VersionConflict}
_BY_KIND = {
    Kind.RETRY: RetryableDatabaseError,
    Kind.UNAVAILABLE: DatabaseUnavailable,
    Kind.MISCONFIGURED: DatabaseMisconfigured,
}
_ANY_OTHER, _SERVER_ERROR = 400, 500
"""The statuses that PostgREST sends with codes that it does not know, and with conflicts."""
_NEVER_ABOUT_A_ROW = (401, 402, 407, 408, 429, 502, 503, 504, *range(520, 600))
"""HTTP statuses that no row causes, also if a gateway sends a code of a row with them."""

_SECRETS = re.compile(
    r"""(?ix)
    [a-z][a-z0-9+.-]*://\S+            # an address
    | \S+@\S+                          # user@host, or an e-mail address
    | \barn:\S+
    | \b(bearer|basic)\s+\S+
    | \b(password|passwd|token|secret|key|apikey|user|host)\s*[=:]\s*\S+
    | \beyJ[\w.-]+ | \bsb_\w+ | \b[\w+/=-]{32,}
    | \b([\w-]+\.){2,}[a-z]{2,}\b      # a host name
    | \b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b | \b\d{12}\b
    """
)


def is_code(value: object) -> bool:
    """Whether a value has the form of a SQLSTATE or of PostgREST's own code."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def error_from_code(
    code: str, message: str, detail: str | None = None, hint: str | None = None
) -> MentorPauseError:
    """Return the error for a SQLSTATE or a code of PostgREST, on either transport."""
    rule = _longest(CODES, code) or _MENTOR
    if rule.kind is Kind.MENTOR:
        error_class = _BY_HINT.get(hint or "", _BY_CODE.get(code, DatabaseError))
        return error_class(message[:_LONGEST_TEXT], code, _cut(detail), _cut(hint))
    error_class, text = _BY_KIND[rule.kind], rule.meaning
    if not rule.is_quoted:
        return error_class(text, code)
    if quoted := quote(message):
        text += f" (it says: {quoted})"
    return error_class(text, code, _quote_or_none(detail), _quote_or_none(hint))


def reason_of(error: Exception) -> str:
    """Return the reason of a failure: the meaning of its code, without the server's message (E13).

    A server's message may name a person, and it differs from mentor to mentor.
    """
    code = getattr(error, "sqlstate", None)
    if isinstance(error, DatabaseError) and code:
        meaning = (_longest(CODES, code) or _MENTOR).meaning or "the database refuses this row"
        return plain(f"{meaning} (SQLSTATE {code})")
    reason = plain(describe(error))
    return plain(f"{reason} (SQLSTATE {code})" if code else reason)


def error_from_answer(
    status: int, code: str | None, message: str, detail: str | None, hint: str | None
) -> MentorPauseError:
    """Return the error for an HTTP answer that is not a success.

    The code decides if it is in the table, or if PostgREST sends this status with codes that it
    does not know. Otherwise the answer comes from a gateway, and the status decides.
    """
    if code is not None and _fits(status, _longest(CODES, code), code):
        return error_from_code(code, message, detail, hint)
    rule = _longest(STATUSES, str(status)) or Rule("", Kind.UNAVAILABLE, "the answer is unknown")
    text = f"HTTP {status}: {rule.meaning}"
    if quoted := quote(message):
        text += f" (it says: {quoted})"
    return _BY_KIND[rule.kind](text)


def error_from_connection(text: str, variable: str = "SUPABASE_DB_URL") -> MentorPauseError:
    """Return the error for a message of the client library, which has no code.

    The error repeats nothing of the message. `variable` names the setting that holds the address.
    """
    lowered = text.lower()
    fitting = (rule for rule in SENTENCES if re.search(rule.key, lowered))
    rule = next(fitting, UNKNOWN_SENTENCE)
    return _BY_KIND[rule.kind](
        f"no connection to the database: {rule.meaning.replace('{url}', variable)}"
    )


def quote(text: str) -> str:
    """Return a server's message in one bounded line, without addresses and credentials."""
    line = " ".join(re.sub(r"[^\x20-\x7e\u00a0-\ud7ff]", " ", text[:_LONGEST_TEXT]).split())
    return _SECRETS.sub("...", line)[:_LONGEST_QUOTE]


def _fits(status: int, rule: Rule | None, code: str) -> bool:
    if rule is None:
        return status == _ANY_OTHER
    if code == f"PT{status}":
        return True
    if rule.kind is Kind.RETRY:
        return status == _ANY_OTHER or status >= _SERVER_ERROR
    return rule.kind is not Kind.MENTOR or status not in _NEVER_ABOUT_A_ROW


def _longest(rules: Sequence[Rule], code: str) -> Rule | None:
    fitting = (rule for rule in rules if code.startswith(rule.key))
    return max(fitting, key=lambda rule: len(rule.key), default=None)


def _cut(text: str | None) -> str | None:
    return text and text[:_LONGEST_TEXT]


def _quote_or_none(text: str | None) -> str | None:
    return quote(text) if text else None
