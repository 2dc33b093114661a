"""Why a network did not come up is told where it was started, in the words of who knows."""

from __future__ import annotations

from pathlib import Path

from chainpos.pilot.trial import last_words

WHY = "CometBFT's genesis has another set of consensus parameters than the application's. No money moved."


def test_the_last_plain_sentence_of_a_log_is_told_whole_and_cleaned(tmp_path: Path) -> None:
    log = tmp_path / "node0-application.log"
    log.write_text(f'{{"level": "info", "what": "ready"}}\nan older word\n{WHY}\x1b[2J\n{{"level": "error"}}\n\n')
    (told,) = last_words(log)
    assert WHY in told
    assert "older" not in told
    assert "\x1b" not in told


def test_what_an_earlier_start_said_is_not_why_this_one_does_not_answer(tmp_path: Path) -> None:
    log = tmp_path / "node0-application.log"
    log.write_text(f'{WHY}\n{{"ready": true}}\n{{"level": "info"}}\n')
    assert last_words(log) == ()
    log.write_text(f'{{"ready": true}}\n{WHY}\n')
    assert WHY in last_words(log)[0]


def test_a_long_log_costs_no_more_than_its_end(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    log.write_bytes(b"an early word\n" + b'{"level": "info"}\n' * 100_000)
    assert last_words(log) == ()
    with log.open("ab") as more:
        more.write(WHY.encode() + b"\n" + b"\xff" * 5_000)
    assert len(last_words(log)[0]) < 350


def test_where_nothing_was_said_nothing_is_told(tmp_path: Path) -> None:
    assert last_words(tmp_path / "none.log") == ()
    (tmp_path / "silent.log").write_text('{"level": "info", "what": "ready"}\n')
    assert last_words(tmp_path / "silent.log") == ()
