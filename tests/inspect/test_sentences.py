"""Every code has its sentences, and a code from a newer network is not an error."""

from __future__ import annotations

from chainpos.core.contracts.registry import ALL_CODES
from chainpos.inspect.sentences import sentence_of


def test_every_code_is_told_in_both_languages() -> None:
    assert ALL_CODES
    for code in ALL_CODES:
        sentence = sentence_of(code.number)
        assert sentence.name == code.name
        assert all((sentence.what_en, sentence.what_zh, sentence.next_en, sentence.next_zh))


def test_an_unknown_code_says_that_it_is_unknown() -> None:
    sentence = sentence_of(98_765)
    assert sentence.name == "code_98765"
    assert "98765" in sentence.what_en
    assert "98765" in sentence.what_zh
