"""Whom a token belongs to: the project's keys, its legacy secret, and wrong tokens (D3, O3)."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from api.authentication import (
    MACHINE,
    Authenticator,
    Caller,
    Unauthenticated,
    header_values,
    read_credential,
)
from api.tokens import SigningKeys, TokenVerifier
from mentor_pause.errors import JwksUnavailable
from support import identity
from support.identity import ISSUER, MACHINE_SECRET, OURS, legacy_token, public_keys, token_of

if TYPE_CHECKING:
    from collections.abc import Callable

WRONG = identity.wrong_tokens()


def authenticate(*headers: str, legacy: str | None = identity.LEGACY_SECRET) -> Caller:
    """Return the caller."""
    credential = read_credential({"multiValueHeaders": {"Authorization": list(headers)}})
    return Authenticator([MACHINE_SECRET], identity.token_verifier(legacy).verify)(credential)


@pytest.mark.parametrize("kid", sorted(OURS))
def test_a_person_is_known_by_a_token_of_the_projects_keys(kid: str) -> None:
    """With ES256 and RS256."""
    user_id = uuid4()
    assert authenticate(f"Bearer {token_of(user_id, kid)}") == Caller(user_id)


def test_a_token_of_the_legacy_secret_is_accepted() -> None:
    """Projects sign with it until they have their own keys."""
    assert authenticate(f"bearer {legacy_token()}").user_id is not None
    with pytest.raises(Unauthenticated, match="not signed by a key of this project"):
        authenticate(f"Bearer {legacy_token()}", legacy=None)


def test_a_machine_is_known_by_its_secret_and_by_the_one_before() -> None:
    """During a rotation, both are valid for a while."""
    both = Authenticator([MACHINE_SECRET, "previous" * 5], identity.token_verifier().verify)
    assert both(MACHINE_SECRET) == both("previous" * 5) == MACHINE
    for near in (MACHINE_SECRET[:-1], f"{MACHINE_SECRET}x", MACHINE_SECRET.upper()):
        with pytest.raises(Unauthenticated):
            both(near)


@pytest.mark.parametrize("what", sorted(WRONG))
def test_a_wrong_token_is_refused(what: str) -> None:
    """The reason does not repeat the token."""
    with pytest.raises(Unauthenticated) as refused:
        authenticate(f"Bearer {WRONG[what]}")
    if len(WRONG[what]) > 1:
        assert WRONG[what] not in str(refused.value)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        ("Bearer",),
        ("Basic dXNlcjpwYXNz",),
        (token_of(),),
        (f"Bearer\t{token_of()}",),
        (f"Token {MACHINE_SECRET}",),
        (MACHINE_SECRET,),
        (f"Bearer {MACHINE_SECRET}", f"Bearer {MACHINE_SECRET}"),
    ],
)
def test_a_missing_or_malformed_header_is_refused(
    headers: tuple[str, ...],
) -> None:
    """D3."""
    with pytest.raises(Unauthenticated):
        authenticate(*headers)


@pytest.mark.parametrize("credential", ["a" * 8193, "nøkkel", "a b\u2028c"])
def test_a_text_that_cannot_be_a_token_is_refused_without_reading_secrets(credential: str) -> None:
    """Whatever its size."""
    with pytest.raises(Unauthenticated, match="the credential is not a token"):
        read_credential({"headers": {"Authorization": f"Bearer {credential}"}})


def test_the_header_is_found_in_any_spelling() -> None:
    """Several headers are refused."""
    assert header_values({}, "authorization") == []
    assert header_values({"headers": None, "multiValueHeaders": None}, "authorization") == []
    assert header_values({"headers": {"authorization": "a"}}, "authorization") == ["a"]
    event = {"multiValueHeaders": {"AUTHORIZATION": ["a", "b"], "x": ["c"]}, "headers": {"x": "y"}}
    assert header_values(event, "authorization") == ["a", "b"]


class Login:
    """A project's login whose keys change, and which may be down."""

    def __init__(self) -> None:
        """It has its first key."""
        self.keys = {"ec-1": OURS["ec-1"]}
        self.asked = 0
        self.now = 0.0
        self.answer: Callable[[], Any] = lambda: public_keys(self.keys)
        self.tokens = TokenVerifier(ISSUER, SigningKeys(self._fetch, lambda: self.now), None)

    def _fetch(self) -> object:
        self.asked += 1
        return self.answer()

    def down(self) -> object:
        """Do not answer."""
        raise JwksUnavailable("no answer")


def test_keys_are_read_once_and_again_after_ten_minutes() -> None:
    """A revoked key is accepted no longer than that."""
    login = Login()
    token = token_of()
    for seconds in (0, 1, 599):
        login.now = seconds
        login.tokens.verify(token)
    assert login.asked == 1
    login.keys = {"rsa-1": OURS["rsa-1"]}
    login.now = 600
    with pytest.raises(Unauthenticated):
        login.tokens.verify(token)
    assert login.asked == 2


def test_a_new_key_is_found_at_once_but_a_made_up_one_is_not_looked_for_each_time() -> None:
    """Made-up key ids must not cause a request each time."""
    login = Login()
    login.tokens.verify(token_of())
    login.keys |= {"rsa-1": OURS["rsa-1"]}
    login.now = 31
    login.tokens.verify(token_of(kid="rsa-1"))
    assert login.asked == 2
    for number in range(50):
        with pytest.raises(Unauthenticated):
            login.tokens.verify(
                identity.unsigned({"alg": "ES256", "kid": f"made-up-{number}"}, {}, "eHh4eA")
            )
        login.now += 0.1
    assert login.asked == 2
    login.now += 31
    with pytest.raises(Unauthenticated):
        login.tokens.verify(identity.unsigned({"alg": "ES256", "kid": "made-up"}, {}, "eHh4eA"))
    assert login.asked == 3, "the look-up is made, or the count above says nothing"


def test_a_login_that_is_down_is_not_the_callers_fault() -> None:
    """Known keys stay valid. Without keys, the entry cannot know the caller."""
    login = Login()
    login.answer = login.down
    for _ in range(20):
        with pytest.raises(JwksUnavailable):
            login.tokens.verify(token_of())
    assert login.asked == 1, "it is left alone for some seconds"
    login.answer, login.now = lambda: public_keys(login.keys), 6
    login.tokens.verify(token_of())
    login.answer, login.now = login.down, 3000
    login.tokens.verify(token_of())


def test_keys_that_cannot_be_read_again_expire() -> None:
    """One of them may have been revoked."""
    login = Login()
    login.tokens.verify(token_of())
    login.answer, login.now = login.down, 3600
    with pytest.raises(JwksUnavailable, match="cannot be read: no answer"):
        login.tokens.verify(token_of())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": 7},
        {"keys": [{}]},
        {"keys": [{"kty": "EC", "kid": ["x"], "alg": ["y"]}]},
    ],
)
def test_an_invalid_key_set_is_one_error(document: object) -> None:
    """The error is the same for each kind of document."""
    login = Login()
    login.answer = lambda: document
    with pytest.raises(JwksUnavailable, match="not a JWKS document"):
        login.tokens.verify(token_of())


def test_a_project_without_keys_of_its_own_knows_only_its_legacy_secret() -> None:
    """An empty key set is valid, and is not read again for each token."""
    login = Login()
    login.answer = lambda: {"keys": []}
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            login.tokens.verify(token_of())
    assert login.asked == 1


def test_a_secret_among_the_public_keys_is_not_used() -> None:
    """RFC 8725: an algorithm uses only its own kind of key."""
    login = Login()
    secret = {
        "kty": "oct",
        "kid": "ec-1",
        "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldC0wMQ",
        "alg": "HS256",
    }
    login.answer = lambda: {"keys": [secret]}
    forged = identity._hs256(
        b"secret-secret-secret-secret-secret-01", {"alg": "HS256", "kid": "ec-1"}
    )
    for token in (forged, token_of()):
        with pytest.raises(Unauthenticated):
            login.tokens.verify(token)
