"""Who is let in: names and origins, counts of connections, and how fast one may ask."""

from __future__ import annotations

import pytest

from chainpos.rpc.admission import MAX_PACES, Crowd, Doorman, Pace, Paces

KNOWN = ["127.0.0.1", "127.0.0.1:26657", "10.1.2.3:80", "localhost", "LocalHost:26657", "[::1]:26657", "shop-1.city:8"]
UNKNOWN = ["", "evil.example", "evil.example:26657", "localhost.evil.example", "127.0.0.1.evil.example", "[::1",
           "a b", "127.0.0.1:26657:1", "127.0.0.1:http", "127.0.0.1:٥", "[::1]x", "127.0.0.1/", "2130706433",
           "@127.0.0.1"]  # fmt: skip


@pytest.mark.parametrize("host", KNOWN)
def test_an_address_localhost_and_a_configured_name_are_known(host: str) -> None:
    assert Doorman(["Shop-1.city"]).refusal({"host": host}) == ""


@pytest.mark.parametrize("host", UNKNOWN)
def test_any_other_name_is_refused_so_that_dns_rebinding_fails(host: str) -> None:
    assert Doorman(["shop-1.city"]).refusal({"host": host})


def test_a_request_without_a_host_is_refused() -> None:
    assert Doorman().refusal({})


def test_a_page_of_the_nodes_own_may_ask() -> None:
    headers = {"host": "127.0.0.1:26657", "origin": "http://127.0.0.1:26657", "sec-fetch-site": "same-origin"}
    assert Doorman().refusal(headers) == ""


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1:26657",
        "http://127.0.0.1:80",
        "http://127.0.0.1",
        "null",
        "",
        "file://",
    ],
)
def test_a_page_of_another_site_is_refused(origin: str) -> None:
    assert Doorman().refusal({"host": "127.0.0.1:26657", "origin": origin})


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_a_browser_that_comes_from_another_site_is_refused_without_an_origin_too(site: str) -> None:
    assert Doorman().refusal({"host": "127.0.0.1:26657", "sec-fetch-site": site})


def test_an_address_that_a_person_typed_is_answered() -> None:
    assert Doorman().refusal({"host": "127.0.0.1:26657", "sec-fetch-site": "none"}) == ""


def test_connections_are_counted_in_all_and_for_each_address() -> None:
    crowd = Crowd(3, 2)
    assert [crowd.enter("a"), crowd.enter("a"), crowd.enter("a")] == [True, True, False]
    assert [crowd.enter("b"), crowd.enter("c")] == [True, False]
    crowd.leave("a")
    assert crowd.enter("c")
    assert crowd.count == 3


def test_nothing_is_kept_of_addresses_that_left() -> None:
    crowd = Crowd(10, 10)
    for number in range(1000):
        assert crowd.enter(str(number))
        crowd.leave(str(number))
    assert crowd.count == 0
    assert crowd._by_address == {}


def test_a_burst_is_free_and_the_rest_waits_in_proportion() -> None:
    now = [100.0]
    pace = Pace(10.0, 5, lambda: now[0])
    assert [pace.take() for _ in range(5)] == [0.0] * 5
    assert pace.take() == pytest.approx(0.1)
    assert pace.take(4) == pytest.approx(0.5)
    now[0] += 0.5
    assert pace.take() == pytest.approx(0.1)
    now[0] += 1000.0
    assert [pace.take() for _ in range(5)] == [0.0] * 5
    assert pace.take() > 0


def test_many_connections_of_one_address_ask_no_faster_than_one() -> None:
    paces = Paces(10.0, 5, lambda: 0.0)
    assert paces.of("192.0.2.7").take(5) == 0.0
    assert paces.of("192.0.2.7").take(5) == 0.5
    assert paces.of("192.0.2.8").take(5) == 0.0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_s_own_programs_have_a_pace_for_each_connection(address: str) -> None:
    paces = Paces(10.0, 5, lambda: 0.0)
    assert [paces.of(address).take(5), paces.of(address).take(5)] == [0.0, 0.0]


def test_so_many_addresses_are_remembered_and_no_more() -> None:
    paces = Paces(10.0, 5, lambda: 0.0)
    paces.of("first").take(5)
    for number in range(MAX_PACES):
        paces.of(str(number))
    assert len(paces._by_address) == MAX_PACES
    assert paces.of("first").take(5) == 0.0
