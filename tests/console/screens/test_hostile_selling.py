"""Text from outside in what a shop does all day: bills, articles, paper, payouts, setting up, what customers see."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.console.display import DisplayApp
from chainpos.console.screens.articles import ArticleSearch
from chainpos.console.screens.held import HeldBills
from chainpos.console.screens.receipt import ReceiptScreen
from chainpos.console.screens.refund_items import ChooseItems
from chainpos.console.screens.setup import SetupScreen
from chainpos.console.screens.sign_in import SignIn
from chainpos.console.screens.staff import StaffScreen
from chainpos.console.screens.staff_form import StaffForm
from chainpos.console.screens.tenders import TenderForm
from chainpos.console.setting_up import SetupApp
from chainpos.console.settings import Settings
from chainpos.core.checkout.qr import qr_modules
from chainpos.errors import UserFacingError
from chainpos.till.catalogue import Change, Preview
from chainpos.till.catalogue_file import Fault
from chainpos.till.display import DisplayView
from chainpos.till.doctor import Finding
from chainpos.till.roles import Member
from chainpos.till.setup import Enrolment, NetworkFound, ShopFound, ShopSetup, Step
from chainpos.till.views import (
    ArticleView,
    BillState,
    BillView,
    CycleView,
    ElsewhereRow,
    FaultView,
    HeldView,
    ItemView,
    LineView,
    NetRow,
    PaperView,
    PartRow,
    PartState,
    PartView,
    PayoutParts,
    Qr,
    SaleState,
    TakenView,
    TenderKind,
    WatchRow,
)
from tests.console.looking import HeardApp, go, key_in, opened, scan, settle
from tests.console.prepared_figures import NOON_NS, PARTS, SETTLEMENT, cny
from tests.console.prepared_shift import PEOPLE
from tests.console.prepared_till import NODE, PreparedTill, sale_of
from tests.console.screens.test_hostile_text import CORPUS, TOGETHER, assert_harmless

pytestmark = pytest.mark.slow

ALL = "".join(TOGETHER[name] for name in ("controls", "markup", "widths"))
# The kinds together, and in longer runs those alone that behave otherwise alone.
ALONE = ("markup", "click", "bidi", "nothing", "emoji", "huge escape")
EITHER = [
    pytest.param(ALL, id="all of it"),
    *(pytest.param(CORPUS[name], id=f"only {name}", marks=pytest.mark.slow) for name in ALONE),
]
SIZE = (80, 24)


def bill(text: str, state: BillState = BillState.RINGING) -> BillView:
    """Three lines of the text, one of them weighed."""
    lines = tuple(
        LineView(
            name_en=text, name_zh=text, sku=text, quantity=1_000 + at, weighed=at == 1, unit=cny(600), gross=cny(600),
            discount=cny(10 * at),
        )
        for at in range(3)
    )  # fmt: skip
    part = PartView(kind=TenderKind.CASH, state=PartState.RECEIVED, amount=cny(5), given=cny(5), change=cny(0))
    parts = (part,) if state is BillState.PAYING else ()
    got = cny(5 * len(parts))
    return BillView(
        number=1, reference=text, state=state, lines=lines, gross=cny(1_800), discount=cny(30), cart_discount=cny(0),
        taxes=(), due=cny(1_770), tip=cny(0), charged=cny(1_770), received=got,
        remaining=cny(1_770 - got.minor), over=cny(0),
        parts=parts, at_ns=NOON_NS,
    )  # fmt: skip


def article(text: str, number: int) -> ArticleView:
    return ArticleView(
        sku=f"{number}{text}", barcode=text, name_en=text, name_zh=text, unit=text or "piece",
        price=cny(5) if number else None, favourite=True,
    )  # fmt: skip


class PoisonedTill(PreparedTill):
    """Whatever is asked for is told in the text."""

    text = ""

    async def payout_parts(self, number: int) -> PayoutParts:
        sales = (PartRow(self.text, cny(5), NOON_NS),)
        return msgspec.structs.replace(PARTS, number=number, sales=sales)


def poisoned(text: str) -> PoisonedTill:
    till = PoisonedTill()
    till.text = text
    qr = Qr("X", qr_modules("X"))
    till.paper.view = PaperView(reference=text, lines=(text, f"a{text}", "-" * 32, text), codes=(qr,))
    item = ItemView(place=1, name_en=text, name_zh=text, pieces=3, refunded=1, due=cny(300))
    till.items.items = (item, msgspec.structs.replace(item, place=2))
    cycle = CycleView(
        number=1, time_ns=NOON_NS, gross=cny(9), settled=cny(9), moved=cny(1), saved=cny(8), rolled_over=(text,),
        nets=(NetRow(text, -5), NetRow(f"{text}x", 5)),
    )  # fmt: skip
    till.settlement_view = msgspec.structs.replace(
        SETTLEMENT, last_cycle=cycle, elsewhere=(ElsewhereRow(text, text, cny(5)),)
    )
    till.node_view = msgspec.structs.replace(
        NODE, watched=tuple(WatchRow(kind, text, text, 5) for kind in ("alert", "frozen", "released", text))
    )
    till.push(
        faults=(FaultView("book", 0, text), FaultView("clock_ahead", 9, text)),
        taken=(TakenView(reference=text, amount=cny(5), at_ns=NOON_NS),),
    )
    return till


def present(app: HeardApp) -> type:
    """Which screen is on top."""
    return type(app.screen)


def language_of(text: str) -> str:
    return "zh" if len(text) % 2 else "en"


@pytest.mark.parametrize("text", EITHER)
async def test_hostile_text_harms_neither_bills_nor_articles_nor_other_money(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = poisoned(text)

    async def find(_: str, most: int) -> tuple[ArticleView, ...]:
        return tuple(article(text, number) for number in range(min(3, most)))

    monkeypatch.setattr(till.bills, "find", find)
    held = HeldView(
        number=3, reference=text, first_en=text, first_zh=text, items=3, charged=cny(5), received=cny(0), paying=True,
        since_ns=NOON_NS,
    )  # fmt: skip
    async with opened(till, tmp_path, language=language_of(text)) as (app, pilot):
        assert_harmless(app, SIZE)
        till.push(held=(held, msgspec.structs.replace(held, number=4)))
        await settle(pilot)
        await key_in(pilot, "f6")
        assert present(app) is HeldBills
        assert_harmless(app, SIZE)
        await key_in(pilot, "escape")
        for state in BillState:
            till.push(bill=bill(text, state))
            await settle(pilot)
            assert_harmless(app, SIZE)
        till.push(bill=bill(text))
        await settle(pilot)
        await key_in(pilot, "slash")
        assert present(app) is ArticleSearch
        assert_harmless(app, SIZE)
        await key_in(pilot, "escape", "ctrl+o")
        assert present(app) is TenderForm
        assert_harmless(app, SIZE)
        await key_in(pilot, "escape")
        till.refuse_code = UserFacingError(text, next_step=text, money_moved=text)
        till.push(bill=None)
        await settle(pilot)
        await scan(pilot, "CPC1ABCDEFGH")
        assert_harmless(app, SIZE)
        assert app.is_running


@pytest.mark.parametrize("text", EITHER)
async def test_hostile_text_harms_neither_paper_nor_payouts_nor_who_signs_in(text: str, tmp_path: Path) -> None:
    till = poisoned(text)
    async with opened(till, tmp_path, language=language_of(text)) as (app, pilot):
        till.push(sale=sale_of("K7Q2", 1_250, SaleState.PAID))
        await settle(pilot)
        await key_in(pilot, "v")
        assert present(app) is ReceiptScreen
        assert_harmless(app, SIZE)
        await key_in(pilot, "s")
        assert_harmless(app, SIZE)
        await key_in(pilot, "enter")
        assert_harmless(app, SIZE)
        till.paper.refuse_next = UserFacingError(text, next_step=text)
        await key_in(pilot, "p")
        assert_harmless(app, SIZE)
        await key_in(pilot, "q")
        assert_harmless(app, SIZE)
        await key_in(pilot, "escape", "escape")
        await go(pilot, "sales")
        await key_in(pilot, "r")
        assert present(app) is ChooseItems
        assert_harmless(app, SIZE)
        await key_in(pilot, "escape")
        await go(pilot, "settlement")
        assert_harmless(app, SIZE)
        await key_in(pilot, "enter")
        assert_harmless(app, SIZE)
        await go(pilot, "node")
        await key_in(pilot, "pagedown", "pagedown", "pagedown")
        assert_harmless(app, SIZE)
        somebody = Member(text, "manager")
        till.staff.put(
            msgspec.structs.replace(PEOPLE, present=somebody, members=(somebody, Member(f"{text}x", "cashier")))
        )
        await key_in(pilot, "ctrl+s")
        assert present(app) is SignIn
        assert_harmless(app, SIZE)
        await key_in(pilot, "escape", "ctrl+g", "down", "down")
        assert present(app) is StaffScreen
        assert_harmless(app, SIZE)
        for asked in ("r", "p", "x", "a"):
            await key_in(pilot, asked)
            assert present(app) is StaffForm
            assert_harmless(app, SIZE)
            await key_in(pilot, "escape")
        assert app.is_running


class PoisonedDisplay(DisplayApp):
    """Is told what the test says."""

    says: DisplayView | None = None

    def _told(self) -> DisplayView | None:
        return self.says


@pytest.mark.parametrize("text", EITHER)
async def test_hostile_text_harms_not_what_the_customer_sees(text: str, tmp_path: Path) -> None:
    settings = Settings(theme="light", language="zh" if language_of(text) == "zh" else "en")
    app = PoisonedDisplay(tmp_path / "display.json", now_ns=lambda: NOON_NS, folder=tmp_path, settings=settings)
    async with app.run_test(size=SIZE) as pilot:
        for sale in (None, SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED, SaleState.PAID):
            for state in (BillState.RINGING, BillState.PAYING):
                shown = None if sale is None else sale_of("K7Q2", 1_250, sale, link=text, payer=text)
                app.says = DisplayView(name_en=text, name_zh=text, currency="CNY", sale=shown, bill=bill(text, state))
                app.follow()
                await settle(pilot)
                assert_harmless(app, SIZE)
        assert app.is_running


class PoisonedSetup(ShopSetup):
    """A network, a shop and a file of articles that are called by the text."""

    def __init__(self, folder: Path, text: str) -> None:
        super().__init__(folder, lambda: 0)
        self.text, self.at = text, Step.NETWORK

    def step(self) -> Step:
        return self.at

    async def find_network(self, address: str) -> NetworkFound:  # noqa: ARG002
        return NetworkFound(self.text, self.text, 9, 1, False, b"")

    async def find_shop(self, merchant: str) -> ShopFound:  # noqa: ARG002
        return ShopFound(self.text, self.text, self.text, self.text, True, 9)

    async def enrolment(self) -> Enrolment:
        return Enrolment(self.text, False, Qr("X", qr_modules("X")))

    def preview_articles(self, path: Path) -> Preview:  # noqa: ARG002
        text = self.text
        faults = tuple(Fault(line, text, text) for line in (1, 2))
        return Preview(added=1, changed=1, changes=(Change(text, text, 5, 6),), faults=faults, fault_count=2)


class PoisonedSetupApp(SetupApp):
    """A machine that is told about in the text."""

    async def examine(self) -> list[Finding]:
        text = self.setup.text if isinstance(self.setup, PoisonedSetup) else ""
        return [Finding(text, verdict, text, text) for verdict in ("good", "look", "bad")]


@pytest.mark.slow
@pytest.mark.parametrize("text", EITHER)
async def test_hostile_text_harms_not_the_setting_up(text: str, tmp_path: Path) -> None:
    setup = PoisonedSetup(tmp_path / "shop", text)
    app = PoisonedSetupApp(setup, now_ns=lambda: NOON_NS, folder=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        for step in (Step.NETWORK, Step.SHOP, Step.ENROL, Step.ARTICLES, Step.DONE):
            setup.at = step
            screen = app.screen
            assert isinstance(screen, SetupScreen)
            await screen.follow()
            await settle(pilot)
            assert_harmless(app, SIZE)
            if step in {Step.NETWORK, Step.SHOP, Step.ARTICLES}:
                await key_in(pilot, "x", "enter")
                assert screen.found is not None
                assert_harmless(app, SIZE)
        assert app.is_running
