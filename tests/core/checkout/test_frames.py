"""Frames: a proof in several codes comes back whole or is refused, in whatever order it was scanned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout import frames
from chainpos.core.checkout.frames import (
    SMALL_FRAME,
    Collected,
    RefusedFrame,
    frame_for,
    looks_like_frame,
    parse_frame,
    to_frames,
)
from chainpos.core.checkout.qr import ALPHANUMERIC, MAX_VERSION, qr_modules
from chainpos.core.values.hashes import sha256


def collected(texts: list[str]) -> Collected:
    whole = Collected()
    for text in texts:
        whole.add(parse_frame(text))
    return whole


@given(content=st.binary(min_size=1, max_size=1500), room=st.integers(60, 700), order=st.randoms())
def test_what_was_cut_into_frames_comes_back_whatever_the_order_and_however_often(
    content: bytes, room: int, order: object
) -> None:
    texts = list(to_frames(content, room))
    assert all(len(text) <= room and set(text) <= ALPHANUMERIC for text in texts)
    shuffled = [*texts, *texts]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = collected([f" {text.lower()}\n" for text in shuffled])
    assert (whole.is_whole, whole.have, whole.content()) == (True, len(texts), content)


@given(at=st.integers(0, 200), letter=st.sampled_from("A7Z0"))
def test_a_frame_with_one_wrong_or_missing_character_is_refused(at: int, letter: str) -> None:
    text = to_frames(bytes(range(100)), 300)[0]
    at %= len(text)
    for broken in (text[:at] + text[at + 1 :], text[:at] + letter + text[at + 1 :]):
        if broken != text:
            with pytest.raises(RefusedFrame):
                parse_frame(broken)


def test_frames_of_another_whole_begin_anew_and_half_a_whole_says_how_much_there_is() -> None:
    one, other = to_frames(b"one" * 50, 50), to_frames(bytes(range(120)), 50)
    whole = collected([one[0], other[0]])
    assert (whole.have, whole.of) == (1, len(other))
    with pytest.raises(RefusedFrame, match=f"1 of {len(other)} codes"):
        whole.content()
    assert Collected().of == 0


def test_a_bomb_is_refused_and_so_is_what_no_frames_can_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_CONTENT_BYTES", 10_000_000)
    bomb = to_frames(bytes(5_000_000), 4000)
    monkeypatch.undo()
    with pytest.raises(RefusedFrame) as refused:
        collected(list(bomb)).content()
    assert refused.value.reason == "malformed"
    with pytest.raises(ValueError, match="codes"):
        to_frames(b"".join(sha256(bytes([each])) for each in range(200)), 40)
    with pytest.raises(ValueError, match="no frames"):
        to_frames(b"", 100)


def test_what_is_no_frame_is_said_to_be_none() -> None:
    assert looks_like_frame("ｃｐｆ１ABC")
    assert not looks_like_frame("CPC1ABC")
    for text in ("", "HTTP://X", "CPF1", "CPF1" + "A" * 30, "CPF1AAAA0501" + "A" * 8):
        with pytest.raises(RefusedFrame):
            parse_frame(text)


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (80, 21), (80, 24), (100, 30), (120, 37), (200, 60)])
def test_a_frame_for_a_terminal_is_a_code_that_fits_it(columns: int, rows: int) -> None:
    room = frame_for(columns, rows)
    texts = to_frames(b"".join(sha256(bytes([each])) for each in range(40)), room)
    side = len(qr_modules(texts[0], max_version=MAX_VERSION)) + 8
    assert room == SMALL_FRAME or (side <= columns and (side + 1) // 2 <= rows)
    assert side <= 41 or room > SMALL_FRAME
