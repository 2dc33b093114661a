"""What a customer asks first: did money move? One sentence for a payment's story, and the moment that decides it.

It refuses to say no wherever more may still come.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.values.amount import AmountError, parse_amount
from chainpos.core.values.currency import UnknownCurrency
from chainpos.inspect.absence import NOT_SYNCED, PENDING, PRUNED
from chainpos.inspect.timeline import LEDGER, Timeline
from chainpos.inspect.words import words_in

MOST_REFUNDS: Final = 3
_EN: Final = {
    "paid": "Did money move? YES: {amount} to {merchant}.",
    "refunded": "Did money move? YES: {amount} to {merchant}, and back: {refunds}.",
    "done": "Done on the ledger: {detail}",
    "none": "Did money move? NO, as of height {height}.",
    "unknown": "Did money move? This cannot be said yet, as of height {height}: see below.",
}
_ZH: Final = {
    "paid": "资金是否变动？是：{amount} 已付给商户 {merchant}。",
    "refunded": "资金是否变动？是：{amount} 已付给商户 {merchant}，其中已退回：{refunds}。",
    "done": "已在账本上完成：{detail}",
    "none": "资金是否变动？否，截至高度 {height}。",
    "unknown": "资金是否变动？截至高度 {height} 尚无法判断，见下方。",
}


def verdict_of(story: Timeline) -> tuple[str, dict[str, str]]:
    """Whether money moved: "paid", "refunded", "done", "none" or "unknown", and what the sentence tells."""
    stages = {moment.stage: moment for moment in story.moments}
    paid = stages.get("paid") if story.money else None
    if paid is not None and paid.source == LEDGER:
        told = {"amount": paid.detail.partition(" from ")[0], "merchant": story.merchant}
        back = _given_back(story)
        return ("refunded", told | {"refunds": " + ".join(back[:MOST_REFUNDS])}) if back else ("paid", told)
    if stages.keys() & {"paid_out", "executed"}:
        return "done", {"detail": stages.get("executed", story.moments[-1]).detail}
    kinds = {absence.kind for absence in story.absences}
    if not kinds or kinds & {PENDING, NOT_SYNCED, PRUNED}:
        return "unknown", {"height": f"{story.height:,}"}
    return "none", {"height": f"{story.height:,}"}


def verdict_told(story: Timeline, language: str) -> str:
    """The sentence, in "en" or "zh"."""
    key, values = verdict_of(story)
    words = words_in(language)
    sentences = _ZH if language == "zh" else _EN
    return sentences[key].format(**{name: words.told(value) for name, value in values.items()})


def deciding_moment(story: Timeline) -> int:
    """The place of the moment that the answer comes from: the payment, else the last refusal or cancellation."""
    key, _ = verdict_of(story)
    deciding = ("paid",) if key in ("paid", "refunded") else ("refused", "cancelled")
    places = [at for at, moment in enumerate(story.moments) if moment.stage in deciding and moment.source == LEDGER]
    return places[-1] if places else 0


def is_given_back(story: Timeline) -> bool:
    """Whether all of what was paid went back: the shop has nothing of it any more."""
    key, told = verdict_of(story)
    if key != "refunded":
        return False
    try:
        return sum(map(_minor, _given_back(story))) == _minor(told["amount"])
    except (AmountError, UnknownCurrency):
        return False


def _given_back(story: Timeline) -> list[str]:
    return [moment.detail.partition(", refund ")[0] for moment in story.moments if moment.stage == "refunded"]


def _minor(text: str) -> int:
    amount, _, currency = text.rpartition(" ")
    return parse_amount(amount, currency).minor
