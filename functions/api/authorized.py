"""What the routes know about a request that the request handler has authorised."""

from dataclasses import dataclass
from typing import cast

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from api import problems
from api.authentication import Caller
from api.plans import Plans
from api.runs import Runs
from api.visibility import Role


@dataclass(frozen=True, slots=True)
class AuthorizedRequest:
    """What the request handler knows about a request when it calls a route."""

    caller: Caller
    role: Role
    runs: Runs

    @property
    def plans(self) -> Plans:
        """The plans of the organisation."""
        return Plans(self.runs.org_id, self.runs.database)

    def assert_administrator(self) -> None:
        """Refuse everybody but administrators.

        The request handler has refused them already, but it reads the route from another place.

        Raises:
            RequestProblem: the caller is a coordinator or a machine.
        """
        if self.role != "admin":
            raise problems.permission_denied(problems.ADMINISTRATORS_ONLY)


def request_of(router: BaseRouter) -> AuthorizedRequest:
    """Return the request that a router is answering."""
    return cast("AuthorizedRequest", router.context["request"])
