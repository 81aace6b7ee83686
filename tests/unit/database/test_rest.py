"""What the REST transport sends, request by request."""

import httpx
import pytest

from local.rest_callers import LEGACY_JWT, SECRET_KEY
from mentor_pause.database.rest import RestTransport
from mentor_pause.errors import DatabaseUnavailable
from mentor_pause.http import Request, Response
from support.played_http import answered, played

CUT, WHOLE = {"Content-Range": "0-1/3"}, {"Content-Range": "0-0/1"}
"""Two of three rows, and the last one."""


def answering(*answers: httpx.Response) -> tuple[list[httpx.Request], RestTransport]:
    """Return the requests that a server of fixed answers gets, and a transport to it."""
    requests, left = list[httpx.Request](), list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return left.pop(0)

    return requests, RestTransport("https://project/", SECRET_KEY, played(answer))


@pytest.mark.parametrize(
    ("function", "queries"),
    [
        ("list_portal_states", ["order=mentor_id.asc", "order=mentor_id.asc&mentor_id=gt.2"]),
        ("list_messages", ["order=id.desc", "order=id.desc&id=lt.2"]),
    ],
)
def test_a_list_is_asked_for_in_the_order_of_its_key(function: str, queries: list[str]) -> None:
    """R4: the order of the function's own query is no promise of PostgREST."""
    key = queries[0].partition("=")[2].partition(".")[0]
    requests, transport = answering(
        httpx.Response(206, json=[{key: "1"}, {key: "2"}], headers=CUT),
        httpx.Response(200, json=[{key: "3"}], headers=WHOLE),
    )
    assert transport.call(function, {"p_org_id": "x"}) == [{key: n} for n in "123"]
    assert [request.url.query.decode() for request in requests] == queries
    for request in requests:
        assert request.method == "POST"
        assert request.url.path == f"/rest/v1/rpc/{function}"
        assert request.content == b'{"p_org_id":"x"}'
        assert request.headers["content-type"] == "application/json"
        assert request.headers["prefer"] == "count=exact"


def test_a_function_without_a_key_is_asked_without_an_order() -> None:
    """PostgREST refuses an order by a column that the answer does not have."""
    requests, transport = answering(httpx.Response(200, json=[{"n": 1}]))
    assert transport.call("numbers", {}) == [{"n": 1}]
    assert str(requests[0].url) == "https://project/rest/v1/rpc/numbers"


@pytest.mark.parametrize(
    ("key", "bearer"), [(SECRET_KEY, None), (LEGACY_JWT, f"Bearer {LEGACY_JWT}")]
)
def test_only_a_token_is_a_bearer(key: str, bearer: str | None) -> None:
    """PostgREST refuses a secret key as Bearer (PGRST301)."""
    found = list[httpx.Headers]()

    def answer(request: httpx.Request) -> httpx.Response:
        found.append(request.headers)
        return httpx.Response(200, json=[])

    RestTransport("https://project", key, played(answer)).call("numbers", {})
    assert (found[0]["apikey"], found[0].get("authorization")) == (key, bearer)


def test_an_answer_is_bounded_in_time_and_in_size() -> None:
    """R2: a function has 512 MB, and a list is cut at `max-rows`."""
    asked = list[Request]()

    class Notes:
        """A network that notes the bounds."""

        def send(self, request: Request) -> Response:
            asked.append(request)
            return answered(200, {}, [])

        def close(self) -> None:
            """There is nothing to close."""

    RestTransport("https://project", SECRET_KEY, Notes()).call("numbers", {})
    assert (asked[0].longest, asked[0].largest) == (10.0, 64 * 2**20)


def test_a_wrong_address_names_the_setting() -> None:
    """R4: the operator reads what to check."""

    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno -2] Name or service not known")

    transport = RestTransport("https://nowhere", SECRET_KEY, played(refuse))
    with pytest.raises(DatabaseUnavailable, match="SUPABASE_URL") as raised:
        transport.call("numbers", {})
    assert "DB_URL" not in str(raised.value)
