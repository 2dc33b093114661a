"""What every capability has in common: strict messages, plain records, events by full name, a documented genesis."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainpos.core.contracts import registry
from chainpos.core.contracts.codes import MALFORMED, UNKNOWN_KIND
from chainpos.core.contracts.context import BlockFacts, Context, Message, decode_section, genesis_row, no_subject
from chainpos.core.state.journal import Journal
from chainpos.core.state.state import State
from chainpos.core.state.tables import Table
from chainpos.core.values.hashes import address_of, sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import Rejected
from tests.core.contracts.conftest import CHAIN_ID, GENESIS_S, World, attributes_of

README = Path(registry.__file__).parent / "README.md"
MESSAGES = list(registry.MESSAGES.values())


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.kind)
def test_a_message_has_one_form_and_a_price(message: Message) -> None:
    config = message.type.__struct_config__
    assert config.frozen
    assert config.array_like
    assert config.forbid_unknown_fields
    assert message.gas > 0
    assert message.type.__doc__
    assert f'"{message.kind}"' in message.type.__doc__


@pytest.mark.parametrize("table", registry.TABLES, ids=lambda table: table.name)
def test_a_record_is_a_frozen_array(table: Table[Any]) -> None:
    config = table.record_type.__struct_config__
    assert config.frozen
    assert config.array_like


def test_every_event_is_named_by_its_capability() -> None:
    for capability in registry.CAPABILITIES:
        folder = README.parent / capability.name
        if folder.is_dir():
            names = re.findall(r'^[A-Z_]+: Final = "([^"]+\.[^"]+)"', (folder / "events.py").read_text(), re.MULTILINE)
            assert all(name.startswith(f"{capability.name}.") for name in names), names


def readme_example() -> dict[str, Any]:
    """The README's app_state, with keys in the places of "<key>"."""
    (text,) = re.findall(r"```json\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    numbers = iter(range(100))
    text = re.sub("<key>", lambda _: sha256(b"key %d" % next(numbers)).hex(), text)
    read: dict[str, Any] = json.loads(text.replace("<32 bytes>", "ab" * 32))
    customer = bytes.fromhex(read["customers"]["accounts"][0]["key"])
    read["customers"]["code_classes"].append({**read["customers"]["code_classes"][0], "code_class": "B"})
    read["balances"]["issues"][0]["account"] = address_of(customer).hex()
    return read


def test_the_readmes_genesis_loads_as_written() -> None:
    journal = Journal(State(registry.TABLES))
    facts = BlockFacts(CHAIN_ID, 0, GENESIS_S * SECOND_NS)
    ctx = Context(journal, facts, registry.PORTS, signer=b"", tx_hash=b"", body_hash=b"")
    registry.load_genesis(ctx, json.dumps(readme_example()).encode())
    assert set(readme_example()) <= {capability.name for capability in registry.CAPABILITIES}
    assert journal.changes()


def test_a_context_says_no_by_code(world: World) -> None:
    ctx = world.context()
    ctx.require(True, MALFORMED)
    assert ctx.found(Shape((3,)), MALFORMED) == Shape((3,))
    ctx.require_text("茶", MALFORMED, max_bytes=3)
    nothing: Shape | None = None
    refusals: list[Callable[[], object]] = [
        lambda: ctx.require(False, UNKNOWN_KIND, "why"),
        lambda: ctx.found(nothing, UNKNOWN_KIND, "why"),
        lambda: ctx.require_text("茶", UNKNOWN_KIND, max_bytes=2),
        lambda: ctx.require_text("a\x1b[31m", UNKNOWN_KIND, max_bytes=20),
    ]
    for refuse in refusals:
        with pytest.raises(Rejected) as refusal:
            refuse()
        assert refusal.value.code == UNKNOWN_KIND
        assert refusal.value.detail
        assert "\x1b" not in str(refusal.value)


def test_an_events_attributes_are_text(world: World) -> None:
    ctx = world.context()
    ctx.emit("tests.done", number=-5, raw=b"\x01\xff", text="茶")
    assert attributes_of(ctx.events[0]) == {"number": "-5", "raw": "01ff", "text": "茶"}
    assert all(attribute.index for attribute in ctx.events[0].attributes)


def test_a_context_writes_and_removes(world: World) -> None:
    ctx = world.context()
    table = registry.TABLES_BY_PREFIX[b"nw"]
    record = ctx.get(table, b"")
    ctx.delete(table, b"")
    assert ctx.get(table, b"") is None
    ctx.put(table, b"", record)
    assert ctx.journal.changes() == []
    assert ctx.block.time_s == GENESIS_S


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rows: tuple[int, ...] = ()


def test_a_section_is_read_strictly() -> None:
    assert decode_section({"rows": [1]}, Shape) == Shape((1,))
    for section, path in (([], "object"), ({"rows": ["1"]}, r"\$\.rows\[0\]"), ({"more": 1}, "more")):
        with pytest.raises(msgspec.ValidationError, match=path):
            decode_section(section, Shape)


def test_a_row_tells_where_it_is_at_fault() -> None:
    for error in (Rejected(MALFORMED, "why"), ValueError("why")):
        with pytest.raises(ValueError, match=r"why - at `\$\.rows\[3\]`"), genesis_row("rows[3]"):
            raise error
    with pytest.raises(KeyError), genesis_row("rows[3]"):
        raise KeyError("a bug")


def test_a_message_concerns_nothing_unless_it_says_so() -> None:
    assert no_subject(object()) == {}
