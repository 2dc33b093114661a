"""Bounds of the requests that a node serves."""

from __future__ import annotations

import time

import pytest

from chainpos.core.checkout.request import SignedRequest
from chainpos.node import requests as requests_module
from chainpos.node.requests import OpenRequests, RequestRefused
from tests.core.contracts.conftest import CHAIN_ID
from tests.node.conftest import signed_request


@pytest.fixture
def now_s() -> int:
    return int(time.time())


@pytest.fixture
def served() -> OpenRequests:
    return OpenRequests(CHAIN_ID)


def read(
    served: OpenRequests, reference: str, now_s: int, *, lives_s: int = 300, till: str = "a.till"
) -> SignedRequest:
    return served.read(*signed_request(reference, lives_s=lives_s, till_name=till), now_s)


def test_a_request_is_served_until_it_expires(served: OpenRequests, now_s: int) -> None:
    signed = read(served, "S1", now_s)
    link_id = served.add(signed, now_s)
    assert served.get(link_id, now_s + 298) == signed
    assert served.get(link_id, now_s + 302) is None
    assert len(served) == 0


def test_the_newest_comes_first(served: OpenRequests, now_s: int) -> None:
    ids = [served.add(read(served, f"S{number}", now_s), now_s) for number in range(3)]
    assert [signed.link_id for signed in served.newest_first(now_s)] == ids[::-1]


def test_a_till_that_publishes_too_many_loses_its_own_oldest(
    served: OpenRequests, now_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "MAX_PER_TILL", 2)
    other = served.add(read(served, "S0", now_s, till="b.till"), now_s)
    ids = [served.add(read(served, f"S{number}", now_s), now_s) for number in range(3)]
    assert [served.get(link_id, now_s) is not None for link_id in (other, *ids)] == [True, False, True, True]


def test_there_is_room_for_so_many_and_no_more(
    served: OpenRequests, now_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "MAX_REQUESTS", 2)
    for number in range(2):
        served.add(read(served, f"S{number}", now_s), now_s)
    with pytest.raises(RequestRefused, match="too_many_requests"):
        served.add(read(served, "S2", now_s), now_s)
    served.add(read(served, "S2", now_s), now_s + 1_000)


def test_a_request_for_another_network_is_refused(now_s: int) -> None:
    with pytest.raises(RequestRefused, match="request_not_signed"):
        read(OpenRequests("elsewhere-1"), "S1", now_s)
