"""Every error that mentor-pause raises on purpose.

MentorPauseError
├── ConfigurationError            a setting is missing or contradicts another
├── InvalidRequest                an event or a message has the wrong shape
│   └── UnprovenEvent             an event that no run of this stack caused
├── LeaseLost                     another holder has the lock: stop writing
├── SessionEnded                  a person's token is not valid any more
├── TransientError                the same call may succeed later
│   ├── LedgerUnavailable         DynamoDB
│   │   └── LedgerContended       two writes of one item at the same moment
│   ├── PagesChanged              another page was planned: read the run again
│   ├── Unfinished                the time ran out; the work is saved, and another call goes on
│   ├── QueueUnavailable          SQS
│   ├── EventBusUnavailable       EventBridge
│   ├── SettingsUnavailable       Parameter Store, Secrets Manager
│   ├── DispatcherUnavailable     the dispatcher's function
│   ├── JwksUnavailable           the public keys of the Supabase project
│   ├── AuthUnavailable           the sign-in of the Supabase project
│   ├── PortalUnavailable         HLF's portal, or its login
│   │   └── PortalThrottled       it says how long to wait (429, or `Retry-After`)
│   └── RetryableDatabaseError    lock time-out, deadlock: the same call may succeed in a moment
│       └── DatabaseUnavailable   no connection, no answer in time, overload: every call fails
│           └── DatabaseMisconfigured   wrong credential, quota, schema: a person has to act
├── DatabaseError                 the database refused, with its SQLSTATE
│   ├── Forbidden                 PT403
│   ├── NotFound                  PT404
│   └── Conflict                  PT409
│       └── VersionConflict       PT409 with the hint version_conflict
└── PortalError                   the portal refused, or its answer cannot be understood
    └── PortalRefused             the credentials do not work; every request would fail
"""

import traceback
from typing import Literal

type ErrorSource = Literal["client", "server"]
"""`client`: the request cannot be done as sent. `server`: mentor-pause or a service failed."""


class MentorPauseError(Exception):
    """Base of all of them."""


def describe(error: Exception) -> str:
    """Say what went wrong, for people and for the execution log.

    For an error of another library this is only its type, because its message may hold personal
    data or a password (E12, E13).
    """
    return str(error) if isinstance(error, MentorPauseError) else type(error).__name__


def origin(error: Exception) -> str:
    """Return the functions and lines where an error was raised, innermost first."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-4:])
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in frames)


def error_source(error: Exception) -> ErrorSource:
    """Return which side caused a failure."""
    return "client" if isinstance(error, InvalidRequest) else "server"


class ConfigurationError(MentorPauseError):
    """A setting is missing or contradicts another; the message names the variable."""


class InvalidRequest(MentorPauseError):
    """An event or message has the wrong shape; the message says what is wrong with it."""


class UnprovenEvent(InvalidRequest):
    """An event names a run that the ledger does not know, or that is still in progress."""


class LeaseLost(MentorPauseError):
    """The lock now has another holder; nothing was written."""


class SessionEnded(MentorPauseError):
    """A person's token has expired, or Supabase does not accept it."""


class TransientError(MentorPauseError):
    """The call failed in a way that may pass; repeating it is safe."""


class LedgerUnavailable(TransientError):
    """DynamoDB did not answer, or answered with an error."""


class LedgerContended(LedgerUnavailable):
    """DynamoDB refused a write, because another write of the same item was in progress."""


class PagesChanged(TransientError):
    """Another page was planned since the caller read the run; nothing was written."""


class Unfinished(TransientError):
    """The time ran out. The finished part is saved, and another call goes on from there."""


class QueueUnavailable(TransientError):
    """SQS did not accept a message."""


class EventBusUnavailable(TransientError):
    """EventBridge did not accept an event."""


class SettingsUnavailable(TransientError):
    """A parameter or a secret could not be read now."""


class DispatcherUnavailable(TransientError):
    """The dispatcher's function could not be called, or crashed."""


class JwksUnavailable(TransientError):
    """The public keys of the Supabase project could not be read, or are not a key set."""


class AuthUnavailable(TransientError):
    """Supabase Auth did not answer, or answered with a failure of its own."""


class PortalUnavailable(TransientError):
    """The portal did not answer, or not as it should."""


class PortalThrottled(PortalUnavailable):
    """The portal, or its login, asks the client to wait."""

    def __init__(self, message: str, seconds: float, *, has_failed: bool = False) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.has_failed = has_failed
        """It failed (5xx) and says how long to wait; False for a 429, which is not a failure."""


class PortalError(MentorPauseError):
    """The portal refused, or its answer makes no sense; the same request would fail again."""

    def __init__(
        self, message: str, status: int = 0, code: str = "", vendor_message: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status of the portal's answer; 0 without an answer of the portal."""
        self.code = code
        """Dataverse's code, such as `0x80040220`; often empty."""
        self.vendor_message = vendor_message
        """The portal's own message: for a person who asks, not for logs (E13)."""


class PortalRefused(PortalError):
    """The login refuses us, or the portal refuses its token: every request would fail."""


class _WithSqlstate(MentorPauseError):
    def __init__(
        self,
        message: str,
        sqlstate: str | None = None,
        detail: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        """The SQLSTATE, or PostgREST's own code (`PGRST...`); None without an answer."""
        self.detail = detail
        self.hint = hint
        """Our functions' own code, for programs: `not_yours`, `version_conflict` and so on."""


class RetryableDatabaseError(_WithSqlstate, TransientError):
    """Another transaction was in the way; the same call may succeed in a moment."""


class DatabaseUnavailable(RetryableDatabaseError):
    """The database cannot be reached, or does not answer in time: every call fails."""


class DatabaseMisconfigured(DatabaseUnavailable):
    """Every call fails until a person has changed what the message names.

    The credential, the quota, the schema or the address is wrong. The page waits as it does for a
    database that is down, because the fault is not in a mentor's data (R3).
    """


class DatabaseError(_WithSqlstate):
    """The database refused the call, and would refuse it again."""


class Forbidden(DatabaseError):
    """The caller may not call the function, or not for this mentor (PT403)."""


class NotFound(DatabaseError):
    """The row that the call is about does not exist in this organisation (PT404)."""


class Conflict(DatabaseError):
    """The row is not in the state that the call expects (PT409)."""


class VersionConflict(Conflict):
    """Another process changed the row after the caller read it; the detail has both versions."""
