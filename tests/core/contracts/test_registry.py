"""The registry: unique names, codes with their sentences, the tables in the READMEs, genesis sections."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.contracts import codes as envelope_codes
from chainpos.core.contracts import registry
from chainpos.core.contracts.context import BlockFacts, Capability, Context, Violation
from chainpos.core.contracts.network import network, today
from chainpos.core.state.journal import Journal
from chainpos.core.state.state import State
from chainpos.core.values.text import is_safe
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import Code, StateMismatch
from tests.core.contracts.conftest import CHAIN_ID, GENESIS_S, World

CONTRACTS = Path(registry.__file__).parent
NUMBERS = {
    "balances": 100, "institutions": 200, "customers": 300, "merchants": 400, "payments": 500, "refunds": 600,
    "fees": 700, "settlement": 800, "compliance": 900, "governance": 1000,
    "anchors": 1100,
}  # fmt: skip
WITH_FOLDER = [capability for capability in registry.CAPABILITIES if capability.name in NUMBERS]
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", re.MULTILINE)


def named(capability: Capability) -> str:
    return capability.name


def test_the_world_is_sound_at_genesis(world: World) -> None:
    world.check()


@pytest.mark.parametrize("capability", WITH_FOLDER, ids=named)
def test_a_readme_lists_exactly_the_codes(capability: Capability) -> None:
    text = (CONTRACTS / capability.name / "README.md").read_text(encoding="utf-8")
    listed = [(int(number), name, what) for number, name, what in ROW.findall(text)]
    assert listed == [(code.number, code.name, code.what_en) for code in capability.codes]


def test_the_rooms_readme_lists_exactly_the_codes_of_the_envelope() -> None:
    text = (CONTRACTS / "README.md").read_text(encoding="utf-8")
    listed = [(int(number), name, what) for number, name, what in ROW.findall(text)]
    assert listed == [(code.number, code.name, code.what_en) for code in envelope_codes.CODES]


@pytest.mark.parametrize("capability", WITH_FOLDER, ids=named)
def test_codes_are_numbered_in_their_capabilitys_hundred(capability: Capability) -> None:
    first = NUMBERS[capability.name]
    assert all(first < code.number < first + 100 for code in capability.codes)
    assert [code.number for code in capability.codes] == sorted(code.number for code in capability.codes)


@pytest.mark.parametrize("code", registry.ALL_CODES, ids=lambda code: code.name)
def test_every_code_has_its_sentences_in_both_languages(code: Code) -> None:
    for text in (code.what_en, code.next_en):
        assert text.isascii()
        assert text[0].isupper()
        assert text.endswith(".")
    for text in (code.what_zh, code.next_zh):
        assert is_safe(text)
        assert text.endswith("。")
        assert re.search("[\u4e00-\u9fff]", text)
        assert not re.search("[,.;:!?]", text)
    assert re.fullmatch("[a-z][a-z0-9_]*", code.name)


CODE_MODULES = [envelope_codes, *(import_module(f"{registry.__package__}.{each.name}.codes") for each in WITH_FOLDER)]
CONSTANTS = [(name, code) for module in CODE_MODULES for name, code in vars(module).items() if isinstance(code, Code)]


@cache
def words_of_the_tests() -> frozenset[str]:
    """Every name and every quoted word in the tests, but for this file's."""
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parents[2].rglob("test_*.py")]
    return frozenset(re.findall(r"\b[A-Z][A-Z0-9_]+\b|(?<=\")[a-z_]+(?=\")", "\n".join(texts)))


@pytest.mark.parametrize(("name", "code"), CONSTANTS, ids=[code.name for _, code in CONSTANTS])
def test_every_code_is_named_by_a_test(name: str, code: Code) -> None:
    assert {name, code.name} & words_of_the_tests()


def test_every_constant_is_listed_among_the_codes() -> None:
    assert {code for _, code in CONSTANTS} == set(registry.ALL_CODES)


def test_kinds_and_events_begin_with_their_capability() -> None:
    for capability in registry.CAPABILITIES:
        assert all(message.kind.startswith(f"{capability.name}.") for message in capability.messages)


def test_every_code_belongs_to_a_codespace() -> None:
    assert set(registry.CODESPACES) == set(registry.CODES_BY_NUMBER)
    assert registry.CODESPACES[1] == "chainpos"
    assert registry.CODESPACES[101] == "balances"


def test_two_owners_of_one_thing_are_refused() -> None:
    with pytest.raises(ValueError, match="belongs to both"):
        registry._by_unique([(1, "balances"), (2, "fees"), (1, "customers")])


def load(app_state: bytes) -> Journal:
    journal = Journal(State(registry.TABLES))
    facts = BlockFacts(CHAIN_ID, 0, GENESIS_S * SECOND_NS)
    registry.load_genesis(Context(journal, facts, registry.PORTS, signer=b"", tx_hash=b"", body_hash=b""), app_state)
    return journal


Change = Callable[[dict[str, Any]], Any]
FAULTS: list[tuple[str, Change, str]] = [
    ("unknown section", lambda s: s.update(lottery={}), r"no such section - at `\$\.lottery`"),
    ("no network", lambda s: s.pop("network"), r"missing - at `\$\.network`"),
    ("section of another type", lambda s: s.update(balances=[]), r"object - at `\$\.balances`"),
    ("unknown field", lambda s: s["network"].update(colour="red"), r"unknown field `colour` - at `\$\.network`"),
    ("a wrong type", lambda s: s["network"].update(demo=1), r"at `\$\.network\.demo`"),
    ("an offset of days", lambda s: s["network"].update(utc_offset_s=90_000), r"at `\$\.network\.utc_offset_s`"),
    ("a hostile name", lambda s: s["network"].update(name="\u202egnp"), r"at `\$\.network`"),
    ("a short key", lambda s: s["governance"]["roles"].update(city=["ab"]), r"at `\$\.governance\.roles\.city\[0\]`"),
    (
        "a key twice",
        lambda s: s["governance"]["roles"].update(city=["ab" * 32] * 2),
        r"named twice - at `\$\.governance\.roles\.city\[1\]`",
    ),
    (
        "too many keys",
        lambda s: s["governance"]["roles"].update(city=[f"{i:064x}" for i in range(17)]),
        r"at `\$\.governance\.roles\.city`",
    ),
    (
        "a bad institution",
        lambda s: s["institutions"]["institutions"][1].update(institution="West Pay"),
        r"bad_institution_id - at `\$\.institutions\.institutions\[1\]`",
    ),
    (
        "an institution twice",
        lambda s: s["institutions"]["institutions"].append(s["institutions"]["institutions"][0]),
        r"institution_exists - at `\$\.institutions\.institutions\[2\]`",
    ),
    (
        "an account at no institution",
        lambda s: s["customers"]["accounts"][2].update(institution="northbank"),
        r"unknown_institution - at `\$\.customers\.accounts\[2\]`",
    ),
    (
        "a tier twice",
        lambda s: s["customers"]["tiers"].append(s["customers"]["tiers"][0]),
        r"given twice - at `\$\.customers\.tiers\[4\]`",
    ),
    (
        "a tier without steps",
        lambda s: s["customers"]["tiers"][1].update(steps=[]),
        r"no limits at genesis.* - at `\$\.customers\.tiers\[1\]`",
    ),
    (
        "a tier that begins later",
        lambda s: s["customers"]["tiers"][1]["steps"][0].update(effective_from_s=GENESIS_S + 1),
        r"no limits at genesis.* - at `\$\.customers\.tiers\[1\]`",
    ),
    (
        "a date beyond all dates",
        lambda s: s["customers"]["tiers"][1]["steps"][0].update(effective_from_s=2**70),
        r"at `\$\.customers\.tiers\[1\]\.steps\[0\]\.effective_from_s`",
    ),
    (
        "steps out of order",
        lambda s: s["customers"]["code_classes"][0]["steps"].append(s["customers"]["code_classes"][0]["steps"][0]),
        r"do not ascend.* - at `\$\.customers\.code_classes\[0\]`",
    ),
    (
        "a class twice",
        lambda s: s["customers"]["code_classes"].append(s["customers"]["code_classes"][0]),
        r"given twice - at `\$\.customers\.code_classes\[4\]`",
    ),
    (
        "a currency twice",
        lambda s: s["customers"]["tiers"][0]["steps"][0]["limits"].append(
            s["customers"]["tiers"][0]["steps"][0]["limits"][0]
        ),
        r"a currency twice - at `\$\.customers\.tiers\[0\]`",
    ),
    (
        "an unknown currency",
        lambda s: s["customers"]["code_classes"][0]["steps"][0]["caps"][0].update(currency="XXX"),
        r"unknown_currency - at `\$\.customers\.code_classes\[0\]`",
    ),
    (
        "more than a wallet may hold",
        lambda s: s["balances"]["issues"][0].update(amount_minor=2_000_001),
        r"over_balance_limit - at `\$\.balances\.issues\[0\]`",
    ),
    (
        "money of another institution",
        lambda s: s["balances"]["issues"][0].update(institution="westpay"),
        r"wrong_institution - at `\$\.balances\.issues\[0\]`",
    ),
    (
        "a reserve of no institution",
        lambda s: s["balances"]["reserves"][1].update(institution="northbank"),
        r"unknown_institution - at `\$\.balances\.reserves\[1\]`",
    ),
    (
        "a shop of no institution",
        lambda s: s["merchants"]["merchants"][0].update(acquirer="northbank"),
        r"unknown_institution - at `\$\.merchants\.merchants\[0\]`",
    ),
    (
        "a till twice",
        lambda s: s["merchants"]["merchants"][1]["tills"].append(s["merchants"]["merchants"][0]["tills"][0]),
        r"till_key_in_use - at `\$\.merchants\.merchants\[1\]\.tills\[1\]`",
    ),
    ("a freeze", lambda s: s.update(compliance={"freezes": []}), r"unknown field `freezes` - at `\$\.compliance`"),
    ("a mark of replay", lambda s: s.update(replay={}), r"at `\$\.replay`"),
]


@pytest.mark.parametrize(("change", "message"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_in_genesis_is_told_by_its_path(app_state: dict[str, Any], change: Change, message: str) -> None:
    change(app_state)
    with pytest.raises(ValueError, match=message):
        load(json.dumps(app_state).encode())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[]", "expected an object"),
        (b'{"network": {}, "network": {}}', "'network' is given twice"),
        (b'{"network": {"name": "x", "demo": true, "utc_offset_s": 1.0}}', "not a whole number"),
        (b'{"network": {"name": "x", "demo": true, "utc_offset_s": NaN}}', "not a whole number"),
        (b"{", "property name"),
        (b"\xff", "utf-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_plain_json_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(text)


def test_days_begin_by_the_networks_own_clock(world: World) -> None:
    ctx = world.context()
    assert network(ctx).utc_offset_s == 28_800
    before = today(ctx)
    world.advance(6_399)  # 23:59:59 in China
    assert today(world.context()) == before
    world.advance(1)
    assert today(world.context()) == before + 1


def test_a_ledger_without_a_network_record_halts() -> None:
    facts = BlockFacts(CHAIN_ID, 1, 0)
    ctx = Context(Journal(State()), facts, registry.PORTS, signer=b"", tx_hash=b"", body_hash=b"")
    with pytest.raises(StateMismatch):
        network(ctx)


def test_a_violation_of_any_invariant_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    violation = Violation("money", "gone")
    monkeypatch.setattr(registry, "INVARIANTS", (*registry.INVARIANTS, lambda _: [violation]))
    assert registry.check_invariants(world.state) == [violation]
