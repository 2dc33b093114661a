"""Making a node's home."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.engine.keys import SigningKey, load_node_key, load_validator_key
from chainpos.engine.sign_state import SignState, load_sign_state
from chainpos.errors import UserFacingError
from chainpos.node.cometbft_home import loopback_places
from chainpos.node.config import NodeSettings, load_settings
from chainpos.node.home import Home, init_peer, init_validator, init_validator_of
from chainpos.node.ledger import Ledger
from tests.core.contracts.conftest import CHAIN_ID, make_app_state

VALIDATOR = NodeSettings(mode="validator", moniker="one")
PEER = NodeSettings(mode="peer", moniker="two", upstreams=("127.0.0.1:26657",))
TIME_NS = 1_790_000_000 * 10**9


def init(folder: Path, *, app_state: bytes | None = None, chain_id: str = CHAIN_ID) -> bytes:
    state = json.dumps(make_app_state()).encode() if app_state is None else app_state
    return init_validator(folder, VALIDATOR, chain_id=chain_id, app_state=state, genesis_time_ns=TIME_NS)


def test_a_validators_home_has_all_that_it_needs(tmp_path: Path) -> None:
    genesis = init(tmp_path / "home")
    home = Home(tmp_path / "home")
    assert sorted(str(path.relative_to(home.folder)) for path in home.folder.rglob("*") if path.is_file()) == [
        "config/chainpos.toml",
        "config/genesis.json",
        "config/node_key.json",
        "config/priv_validator_key.json",
        "data/chain.db",
        "data/chain.db.lock",
        "data/priv_validator_state.json",
    ]
    assert home.genesis.read_bytes() == genesis
    assert load_settings(home.settings) == VALIDATOR
    assert load_sign_state(home.sign_state) == SignState()
    assert load_genesis(genesis).validators[0].public_key == load_validator_key(home.validator_key).public_key
    ledger = Ledger.open(home.database)
    assert (ledger.tip.height, ledger.tip.chain_id) == (0, CHAIN_ID)
    ledger.close()


def test_a_peers_home_begins_the_same_chain_without_a_validators_key(tmp_path: Path) -> None:
    genesis = init(tmp_path / "one")
    init_peer(tmp_path / "two", PEER, genesis=genesis)
    one, two = Home(tmp_path / "one"), Home(tmp_path / "two")
    assert not two.validator_key.exists()
    assert not two.sign_state.exists()
    assert load_node_key(one.node_key).address != load_node_key(two.node_key).address
    first, second = Ledger.open(one.database), Ledger.open(two.database)
    assert first.tip == second.tip
    first.close()
    second.close()


def test_a_validators_home_can_be_made_for_a_key_and_a_genesis_that_are_there(tmp_path: Path) -> None:
    genesis = init(tmp_path / "one")
    key = load_validator_key(Home(tmp_path / "one").validator_key)
    init_validator_of(tmp_path / "moved", VALIDATOR, genesis=genesis, key=key)
    assert load_validator_key(Home(tmp_path / "moved").validator_key).address == key.address


def test_nobody_else_may_look_into_a_home(tmp_path: Path) -> None:
    init(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    keys = list((tmp_path / "home").rglob("*key.json"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_a_home_is_never_made_where_something_is(tmp_path: Path) -> None:
    init(tmp_path / "home")
    before = (tmp_path / "home" / "config" / "genesis.json").read_bytes()
    with pytest.raises(UserFacingError, match="something at"):
        init(tmp_path / "home")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserFacingError, match="something at"):
        init(tmp_path / "file")
    assert (tmp_path / "home" / "config" / "genesis.json").read_bytes() == before
    (tmp_path / "empty").mkdir()
    init(tmp_path / "empty")


@pytest.mark.parametrize("app_state", [b"{}", b'{"network": 1}', b"[", b'{"network": {"name": "x"}, "strange": {}}'])
def test_a_genesis_that_cannot_be_leaves_nothing_behind(tmp_path: Path, app_state: bytes) -> None:
    with pytest.raises(UserFacingError):
        init(tmp_path / "home", app_state=app_state)
    assert list(tmp_path.iterdir()) == []


def test_a_chain_id_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="cannot begin"):
        init(tmp_path / "home", chain_id="x" * 51)


def test_the_keys_come_from_the_entropy_that_is_passed_in(tmp_path: Path) -> None:
    seeds = iter([bytes([1]) * 32, bytes([2]) * 32])
    state = json.dumps(make_app_state()).encode()
    init_validator(
        tmp_path / "home",
        VALIDATOR,
        chain_id=CHAIN_ID,
        app_state=state,
        genesis_time_ns=TIME_NS,
        entropy=lambda _: next(seeds),
    )
    home = Home(tmp_path / "home")
    assert load_validator_key(home.validator_key).address == SigningKey(bytes([1]) * 32).address
    assert load_node_key(home.node_key).address == SigningKey(bytes([2]) * 32).address


def test_no_two_servers_of_a_trial_network_are_given_one_port(tmp_path: Path) -> None:
    offered = iter([4, 4, 5, 5, 4, 6, 7, 7, 8, 9])
    places = loopback_places(tmp_path / ("deep" * 40), 2, lambda: next(offered))
    ports = [int(each.rpartition(":")[2]) for place in places for each in (place.p2p, place.rpc, place.abci)]
    assert ports == [4, 5, 6, 7, 8, 9]
