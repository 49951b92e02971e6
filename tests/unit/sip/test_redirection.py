"""Which contacts of a 3xx are tried, and in which order."""

from __future__ import annotations

from channels.sip.headers import Headers
from channels.sip.message import Response
from channels.sip.redirection import MOST_TARGETS, Redirection, contacts_of
from channels.sip.uri import Uri


def moved(*contacts: str) -> Response:
    return Response(status=302, headers=Headers(("Contact", contact) for contact in contacts))


def user(uri: Uri) -> str | None:
    return uri.user if uri.user != "premium" else None


def all_of(redirection: Redirection[str]) -> list[str]:
    return list(iter(redirection.next, None))


def test_the_most_wanted_contact_comes_first_and_malformed_ones_not_at_all() -> None:
    response = moved("<sip:b@x.invalid>;q=0.2, <sip:a@x.invalid>", "nonsense", "<sip:c@x.invalid>;q=many")

    assert [uri.user for uri in contacts_of(response)] == ["a", "b", "c"]


def test_what_is_not_permitted_is_not_tried() -> None:
    redirection = Redirection("a")
    redirection.add(moved("<sip:premium@x.invalid>", "<sip:b@x.invalid>"), user)

    assert all_of(redirection) == ["b"]


def test_nothing_is_tried_twice_so_that_no_circle_is_run() -> None:
    redirection = Redirection("a")
    redirection.add(moved("<sip:b@x.invalid>"), user)
    assert redirection.next() == "b"
    redirection.add(moved("<sip:a@x.invalid>", "<sip:b@x.invalid>"), user)

    assert redirection.next() is None


def test_a_later_redirection_goes_before_what_waits_from_an_earlier_one() -> None:
    redirection = Redirection("a")
    redirection.add(moved("<sip:b@x.invalid>, <sip:c@x.invalid>"), user)
    redirection.next()
    redirection.add(moved("<sip:d@x.invalid>"), user)

    assert all_of(redirection) == ["d", "c"]


def test_not_more_than_a_few_are_tried_in_all() -> None:
    redirection = Redirection("a")
    redirection.add(moved(*(f"<sip:n{number}@x.invalid>" for number in range(50))), user)

    assert len(all_of(redirection)) == MOST_TARGETS
