from __future__ import annotations

import pytest

from gateway.domain.errors import Conflict, GatewayError, IllegalTransition, OurMistake, PeerError, Refused, Unavailable
from gateway.domain.transfer import TransferEvent, TransferState
from gateway.http_api.problems import problem_of


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (Unavailable("the store is away"), 503, "unavailable"),
        (Conflict("revision 2, not 1"), 409, "conflict"),
        (Refused("no"), 409, "refused"),
        (OurMistake("not so"), 409, "not_now"),
        (IllegalTransition(TransferState.TALKING, TransferEvent.AGENT_LEFT), 409, "not_now"),
        (PeerError("nonsense"), 502, "peer"),
    ],
)
def test_every_kind_of_failure_has_its_status_and_a_chinese_sentence(
    failure: GatewayError, status: int, code: str
) -> None:
    problem = problem_of(failure, "不行")

    assert (problem.status, problem.view.error.code) == (status, code)
    assert problem.view.error.message.isascii() is False
    assert problem.view.error.detail == str(failure)


def test_a_final_no_says_what_it_means_at_its_route() -> None:
    assert problem_of(Refused("no"), "该单位没有电话").view.error.message == "该单位没有电话"


@pytest.mark.parametrize(("after", "told"), [(None, "1"), (0.2, "1"), (2.1, "3")])
def test_when_to_try_again_is_told_in_whole_seconds(after: float | None, told: str) -> None:
    assert problem_of(Unavailable("away", retry_after=after), "").headers == {"Retry-After": told}
