"""Events as sentences: both languages have the same, none needs what its event does not tell, none can be misled."""

from __future__ import annotations

import pytest

from chainpos.console.language import load_texts, places
from chainpos.console.told_events import event_words
from chainpos.core.contracts.registry import CAPABILITIES
from chainpos.inspect.source import StoreSource
from tests.inspect.recorded import day, day_database

__all__ = ["day", "day_database"]
TOLD = {"subject": "00" * 20, "legal_reference": "Order 7", "until_s": "1"}


@pytest.mark.parametrize(("language", "words"), [("en", "⚠ Frozen by Order 7"), ("zh", "⚠ 依 Order 7 冻结")])
def test_a_freeze_is_a_sentence_in_either_language(language: str, words: str) -> None:
    said = event_words(load_texts(language), "compliance.frozen", TOLD)
    assert said.startswith(words)
    assert "0000000000000000…" in said


def test_an_amount_is_written_in_its_currency() -> None:
    told = {"merchant": "HF01", "number": "2", "amount_minor": "125000", "currency": "CNY", "bank_reference": "B-1"}
    said = event_words(load_texts("en"), "settlement.payout_confirmed", told)
    assert said == "Payout 2 of HF01: 1,250.00 CNY arrived, bank reference B-1."


@pytest.mark.parametrize("told", [{}, {"legal_reference": "{0.__class__}"}, {"amount_minor": "9" * 40}])
def test_what_does_not_fit_its_sentence_has_none(told: dict[str, str]) -> None:
    assert event_words(load_texts("en"), "compliance.frozen", told) == ""
    assert event_words(load_texts("en"), "settlement.payout_failed", told) == ""


def test_an_unknown_event_has_no_sentence() -> None:
    assert event_words(load_texts("en"), "bank.robbed", TOLD) == ""


def test_both_languages_tell_the_same_events_of_capabilities_that_exist() -> None:
    en, zh = (
        {key: places(text) for key, text in load_texts(language).entries.items() if key.startswith("event.")}
        for language in ("en", "zh")
    )
    assert en == zh
    assert {key.split(".")[1] for key in en} <= {capability.name for capability in CAPABILITIES}


def test_every_event_of_the_recorded_day_that_has_a_sentence_fills_it(day: StoreSource) -> None:
    texts, said = load_texts("en"), set()
    for height in range(1, day.span().tip + 1):
        found = day.found(height)
        for event in [event for result in ([] if found is None else found.results) for event in result.events]:
            if texts.known(f"event.{event.type}", ""):
                told = {each.key: each.value for each in event.attributes}
                assert event_words(texts, event.type, told), event
                said.add(event.type)
    assert said >= {"compliance.frozen", "compliance.released", "settlement.netted", "settlement.payout_failed"}
