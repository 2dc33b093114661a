"""A node's settings file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.errors import UserFacingError
from chainpos.node.config import (
    EngineSettings,
    MempoolSettings,
    NodeSettings,
    dump_settings,
    load_settings,
    split_address,
)

PEER = NodeSettings(
    mode="peer",
    moniker='Wang\'s "noodles" 面馆 \\ \t\x7f',
    listen="127.0.0.1:0",
    hosts=("till.example",),
    upstreams=("validator.example:26657", "[::1]:26658"),
    engine=EngineSettings(block_interval_ms=50),
    mempool=MempoolSettings(max_per_signer=7),
)


def test_settings_survive_being_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "chainpos.toml"
    path.write_text(dump_settings(PEER), encoding="utf-8")
    assert load_settings(path) == PEER


def test_settings_left_out_have_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "chainpos.toml"
    path.write_text('mode = "validator"\nmoniker = "one"\n')
    assert load_settings(path) == NodeSettings(mode="validator", moniker="one")


@pytest.mark.parametrize(
    "text",
    [
        'mode = "validator"',
        'mode = "boss"\nmoniker = "one"',
        'mode = "validator"\nmoniker = "one"\nblock_interval = 5',
        'mode = "validator"\nmoniker = "one"\n[engine]\nblock_interval_ms = 0',
        'mode = "validator"\nmoniker = "one"\nlisten = "nowhere"',
        'mode = "validator"\nmoniker = "one"\nlisten = "127.0.0.1:70000"',
        'mode = "validator"\nmoniker = "one"\nupstreams = ["a:1"]',
        'mode = "peer"\nmoniker = "one"\nupstreams = ["a:1", "a:1"]',
        'mode = "peer"\nmoniker = "one"\nupstreams = ["http://a:1"]',
        "mode = ",
    ],
)
def test_settings_that_are_not_right_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "chainpos.toml"
    path.write_text(text)
    with pytest.raises(UserFacingError):
        load_settings(path)


def test_missing_settings_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError) as caught:
        load_settings(tmp_path / "absent.toml")
    assert "node init" in caught.value.next_step


def test_an_address_is_a_host_and_a_port() -> None:
    assert split_address("127.0.0.1:80") == ("127.0.0.1", 80)
    assert split_address("[::1]:80") == ("::1", 80)


@pytest.mark.parametrize("wrong", [{"moniker": ""}, {"moniker": "x" * 61}, {"mode": "boss"}])
def test_settings_that_could_not_be_read_back_are_refused_before_they_are_written(wrong: dict[str, str]) -> None:
    with pytest.raises(UserFacingError, match="not right"):
        dump_settings(msgspec.structs.replace(PEER, **wrong))
