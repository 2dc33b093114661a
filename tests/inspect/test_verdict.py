"""Did money move? The one sentence for each kind of story, and the moment that it comes from."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.inspect.source import StoreSource
from chainpos.inspect.timeline import Timeline, timeline
from chainpos.inspect.verdict import deciding_moment, is_given_back, verdict_told


@pytest.mark.parametrize(
    ("word", "told", "stage"),
    [
        ("XM13-00180", "Did money move? YES: 90.00 CNY to XM13.", "paid"),
        ("HF02-00001", "Did money move? YES: 86.80 CNY to HF02, and back: 86.80 CNY.", "paid"),
        ("XM02-00224", "Did money move? YES: 70.00 CNY to XM02.", "paid"),
        ("KM03-00122", "Did money move? NO, as of height 1,200.", "refused"),
        ("KM04-00054", "Did money move? NO, as of height 1,200.", "cancelled"),
    ],
)
def test_the_sentence_and_the_moment_that_decides_it(day: StoreSource, word: str, told: str, stage: str) -> None:
    story = timeline(day, word)
    assert verdict_told(story, "en") == told
    assert verdict_told(story, "zh").startswith("资金是否变动？")
    assert story.moments[deciding_moment(story)].stage == stage


def _with_amounts(story: Timeline, paid: str, *refunds: str) -> Timeline:
    """The story of a payment of another amount, with those refunds."""
    moments = [
        msgspec.structs.replace(each, detail=f"{paid} from somebody at a bank") if each.stage == "paid" else each
        for each in story.moments
        if each.stage != "refunded"
    ]
    back = next(each for each in story.moments if each.stage == "refunded")
    moments += [msgspec.structs.replace(back, detail=f"{each}, refund R{at}") for at, each in enumerate(refunds)]
    return msgspec.structs.replace(story, moments=tuple(moments))


def test_a_refund_of_a_thousand_is_told_whole(day: StoreSource) -> None:
    story = _with_amounts(timeline(day, "HF02-00001"), "2,336.00 CNY", "1,336.00 CNY", "999.00 CNY")
    assert verdict_told(story, "en").endswith("2,336.00 CNY to HF02, and back: 1,336.00 CNY + 999.00 CNY.")
    assert not is_given_back(story)
    whole = ["600.00 CNY"] * 3 + ["536.00 CNY"]
    assert is_given_back(_with_amounts(story, "2,336.00 CNY", *whole))
