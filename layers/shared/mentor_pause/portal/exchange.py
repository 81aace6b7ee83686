"""One HTTP exchange with the portal or its login, bounded in time and in size (R2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mentor_pause.errors import PortalError, PortalUnavailable
from mentor_pause.http import Http, HttpError, Request, Response, TooLarge
from mentor_pause.http.client import HttpClient
from mentor_pause.retry import OutOfTime

_EXCHANGE_SECONDS = 15.0
LARGEST_ANSWER = 16 * 2**20
"""In bytes. A page has 1,000 rows of some hundred bytes; the function has 512 MB."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections to the portal and to its login."""

    remaining: Callable[[], float]
    """Returns the seconds left for everything."""
    http: Http = field(default_factory=HttpClient)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Send a request, and return its whole answer.

        Raises:
            PortalUnavailable: the whole answer did not come in time, or no time is left.
            PortalError: the answer is larger than `LARGEST_ANSWER`.
        """
        seconds = min(_EXCHANGE_SECONDS, self.remaining())
        if seconds <= 0:
            raise PortalUnavailable("no time is left")
        try:
            return self.http.send(Request(method, url, headers, body, seconds, LARGEST_ANSWER))
        except OutOfTime as error:
            raise PortalUnavailable(f"no answer ({error})") from error
        except TooLarge as error:
            raise PortalError(
                f"the portal's answer is larger than {LARGEST_ANSWER >> 20} MiB"
            ) from error
        except HttpError as error:
            raise PortalUnavailable(f"no answer ({type(error).__name__})") from error
