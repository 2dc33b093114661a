"""Text from outside cannot draw, act or crash: the corpus in every field, on every screen, in both languages."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from chainpos.core.values.text import is_safe
from chainpos.till.roles import Member
from chainpos.till.shift_views import DifferenceView, Figure, RequestView, difference_sentence
from chainpos.till.views import (
    Alarm,
    BlockRow,
    LegView,
    Link,
    PayoutRow,
    PendingRow,
    SaleState,
    SaleView,
    Sentence,
    TransactionRow,
    UpstreamRow,
    ValidatorRow,
)
from tests.console.looking import PAGES, ansi_of, go, key_in, opened, settle, strips_of, text_of
from tests.console.prepared_figures import NOON_NS, SETTLEMENT, cny
from tests.console.prepared_shift import OPEN, PEOPLE, move
from tests.console.prepared_till import NODE, SHOP, PreparedTill, block_of, network_of, sale_of

pytestmark = pytest.mark.slow

CORPUS = {
    "escape": "\x1b[2J\x1b[31m✓ PAID",
    "osc": "\x1b]0;owned\x07\x1b]52;c;aGk=\x07",
    "c1": "\x9b2J\x9d0;owned\x9c",
    "bidi": "abc\u202e\u2066DIAP\u2069\u200f",
    "return": "fine\r✓ PAID 99.00",
    "newline": "one\ntwo\x0b\x0cthree\u2028four",
    "tab": "a\tb\tc",
    "backspace": "no\x08\x08yes\x7f",
    "bell": "\x07\x07",
    "markup": "[bold red]PAID[/] [/bold] [link=http://x]y[/link]",
    "click": "[@click=app.quit]press[/] [@click='app.bell']x[/]",
    "braces": "{amount} {0.__class__} {{}} %s",
    "variables": "$good-ink [$accent on $bad]x[/]",
    "zero width": "P\u200bA\u200dI\ufeffD\u2060",
    "towers": "a" + "\u0301" * 500,
    "wide": "老" * 300,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 20,
    "surrogates": "\ud800\udc00 lone \udfff",
    "tags": "x\U000e0041\U000e0042\U000f0000",
    "nothing": "",
    "blank": "   \u3000 ",
    "huge": "A" * 10_000_000,
    "huge escape": "\x1b[31m" * 2_000_000,
}

# The usual run takes the kinds together; each alone, on every screen, is a longer one.
TOGETHER = {
    "controls": "".join(CORPUS[name] for name in ("escape", "osc", "c1", "return", "newline", "backspace", "bell")),
    "markup": "".join(
        CORPUS[name] for name in ("markup", "click", "braces", "variables", "bidi", "zero width", "tags")
    ),
    "widths": "".join(CORPUS[name] for name in ("towers", "emoji", "surrogates", "tab", "wide")),
    "huge": CORPUS["huge escape"],
}
EITHER = [
    *(pytest.param(text, id=name) for name, text in TOGETHER.items()),
    *(pytest.param(text, id=f"only {name}", marks=pytest.mark.slow) for name, text in CORPUS.items()),
]


def poisoned(text: str) -> PreparedTill:
    """A till in which everything that came from outside is the text."""
    sentence = Sentence(503, text, text, text, text, text)
    sale = sale_of(
        "K7Q2", 1_250, SaleState.REFUSED, payer=text, tx_hash=text, problem=sentence, money_state=text, link=text
    )
    paid = msgspec.structs.replace(sale_of("H3ZD", 88, SaleState.PAID), payer=text, reference=text, money_state=text)
    till = PreparedTill(recent=(sale, paid))
    till.book = (sale, paid)
    till.view = msgspec.structs.replace(
        till.view,
        shop=msgspec.structs.replace(SHOP, name_en=text, name_zh=text, till=text, merchant=text),
        network=network_of(Link.HALTED, chain_id=text, halted_reason=text),
    )
    till.settlement_view = msgspec.structs.replace(
        SETTLEMENT,
        pending_by_debtor=(PendingRow(text, cny(5), True), PendingRow(text, cny(6), False)),
        payouts=(PayoutRow(1, cny(5), text, NOON_NS, text), PayoutRow(2, cny(5), "failed", NOON_NS, text)),
    )
    till.node_view = msgspec.structs.replace(
        NODE,
        network=till.view.network, moniker=text, version=text, app_hash=text,
        upstreams=(UpstreamRow(text, True, 5, text), UpstreamRow(text, False, 5, "")),
        validators=(ValidatorRow(text, 5, True),), alarms=(Alarm(text, text, NOON_NS), Alarm("halted", text)),
    )  # fmt: skip
    return till


class PoisonedLedger(PreparedTill):
    """Blocks and transactions of the text."""

    text = ""

    async def blocks(self, *, before: int = 0, limit: int = 100) -> tuple[BlockRow, ...]:  # noqa: ARG002
        row = block_of(7)
        return (msgspec.structs.replace(row, hash=self.text, proposer=self.text, app_hash=self.text, transactions=1),)

    async def transactions(self, height: int) -> tuple[TransactionRow, ...]:  # noqa: ARG002
        text = self.text
        problem = Sentence(503, text, text, text, text, text)
        return (
            TransactionRow(
                hash=text, height=7, index=0, kind=text, code=503, summary=text, amount=cny(5), problem=problem,
                legs=(LegView(text, -5, "CNY"), LegView(text, 5, "CNY")), events=((text, ((text, text),)),),
            ),
        )  # fmt: skip


def assert_harmless(app: object, size: tuple[int, int]) -> None:
    rows = strips_of(app)  # type: ignore[arg-type]
    assert len(rows) == size[1]
    for row in rows:
        assert is_safe(row.text), ascii(row.text)
        assert cell_len(row.text) == size[0]
        # No word that came from outside became something to click, or to follow.
        assert not [part for part in row if part.style and (part.style.link or "@click" in (part.style.meta or {}))]
    # What reaches the terminal holds colours and cursor moves of our own, and no other control sequence.
    sent = ansi_of(app)  # type: ignore[arg-type]
    for part in sent.split("\x1b")[1:]:
        assert part.startswith("["), ascii(part[:20])
        assert part[1:].lstrip("0123456789;")[0] in "mH", ascii(part[:20])
    assert not any(each in sent for each in "\x07\r\n\t\x9b\x9d")


@pytest.mark.parametrize("text", EITHER)
async def test_hostile_text_harms_no_screen(text: str, tmp_path: Path) -> None:
    till = poisoned(text)
    async with opened(till, tmp_path, language="zh" if len(text) % 2 else "en") as (app, pilot):
        for page in PAGES:
            await go(pilot, page)
            assert_harmless(app, (80, 24))
        await go(pilot, "sales")
        await key_in(pilot, "down", "r")
        assert_harmless(app, (80, 24))
        assert app.is_running
        assert app.bells == 0


@pytest.mark.parametrize("text", EITHER)
async def test_hostile_text_harms_neither_the_sale_in_hand_nor_the_ledger(text: str, tmp_path: Path) -> None:
    till = PoisonedLedger()
    till.text = text
    async with opened(till, tmp_path) as (app, pilot):
        for state in (SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED, SaleState.PAID):
            sale: SaleView = sale_of("K7Q2", 1_250, state, link=text, payer=text)
            if sale.problem is not None:
                sale = msgspec.structs.replace(sale, problem=Sentence(1, text, text, text, text, text))
            till.push(sale=msgspec.structs.replace(sale, reference=text))
            await settle(pilot)
            assert_harmless(app, (80, 24))
        await go(pilot, "ledger")
        await key_in(pilot, "right")
        assert_harmless(app, (80, 24))
        # A link in a text is a text: clicking anywhere runs nothing of its making.
        for row in range(2, 22, 4):
            await pilot.click(offset=(20, row))
        await settle(pilot)
        assert app.is_running
        assert app.current_mode == "ledger"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("".join(TOGETHER[name] for name in ("controls", "markup", "widths")), id="all of it"),
        *(pytest.param(text, id=f"only {name}", marks=pytest.mark.slow) for name, text in CORPUS.items()),
    ],
)
async def test_hostile_text_harms_neither_the_shift_nor_the_lock(text: str, tmp_path: Path) -> None:
    till = PreparedTill()
    line = move(text, 5, 60, staff=text, where=text, kind="refund", problem=difference_sentence("not_in_book"))
    shift = msgspec.structs.replace(
        OPEN, opened_by=text, lines=(line,), requests=(RequestView(text, cny(5), text),),
        by_tender=(Figure(text, cny(5), cny(0), 1),), by_staff=(Figure(text, cny(5), cny(0), 1),),
        differences=(DifferenceView(text, -5, 5, difference_sentence("cash_short")),),
    )  # fmt: skip
    till.shifts.put(shift)
    till.shifts.old = {2: msgspec.structs.replace(shift, number=2, closed_ns=NOON_NS, closed_by=text, counted=cny(1))}
    somebody = Member(text, "manager")
    till.staff.put(msgspec.structs.replace(PEOPLE, present=somebody, members=(somebody,)))
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "f11")
        assert_harmless(app, (80, 24))
        await key_in(pilot, "left")
        assert_harmless(app, (80, 24))
        await key_in(pilot, "ctrl+l")
        assert_harmless(app, (80, 24))
        assert app.is_running


async def test_a_forged_mark_is_drawn_as_text_in_its_place_and_not_as_a_state(tmp_path: Path) -> None:
    till = PreparedTill()
    async with opened(till, tmp_path) as (app, pilot):
        till.push(sale=sale_of("K7Q2", 1_250, SaleState.SEEN, payer="\r✓ PAID", link="\x1b[2J✓ PAID"))
        await settle(pilot)
        assert app.screen.query_one("#face").has_class("-seen")
        assert not app.screen.query_one("#face").has_class("-paid")
        assert "NOT PAID YET" in text_of(app)
        assert app.bells == 0
