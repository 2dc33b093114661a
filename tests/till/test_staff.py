"""Staff: who may do what, PINs that slow a guesser down across restarts, locking, and names in the book."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from chainpos.core.chain.genesis import load_genesis
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_shifts import ShopShifts
from chainpos.till import pin as pin_room
from chainpos.till.bill_views import BillState
from chainpos.till.counter import Till
from chainpos.till.home import TillSettings
from chainpos.till.pin import OWNER, Cost, Guesses, has_pin, require_one_of, require_pin, set_pin, wait_s
from chainpos.till.roles import OWNER_NAME, RIGHTS, Right
from chainpos.till.staff import add_member, decides, remove_member
from tests.node.conftest import validator_home

from .conftest import HandClock, cny, signing_key

CHEAP = Cost()
S = 1_000_000_000


class FixedClock:
    def __init__(self) -> None:
        self.time_ns = 1_790_000_000 * S

    def now_ns(self) -> int:
        return self.time_ns

    def monotonic_ns(self) -> int:
        return self.time_ns


@pytest.fixture(autouse=True)
def _cheap_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainpos.till.pin.COST", CHEAP)


@pytest.fixture
def book(tmp_path: Path) -> ShopBook:
    return ShopBook(tmp_path / "shop.db")


def till_on(book: ShopBook, folder: Path, clock: FixedClock | None = None) -> Till:
    """A till that meets no node: what its people may do needs none."""
    genesis = load_genesis(validator_home(folder / "validator"))
    where = TillSettings("TEAHOUSE", "127.0.0.1:1", "CNY")
    return Till(where, genesis, signing_key("TEAHOUSE.till"), book, clock=clock)


async def test_a_shop_without_staff_is_its_owners_without_ceremony(book: ShopBook, tmp_path: Path) -> None:
    till = till_on(book, tmp_path)
    view = till.counter().staff
    assert view.present is not None
    assert (view.present.name, view.named, view.can_lock) == (OWNER_NAME, False, False)
    sale = await till.request(cny(100))
    till.staff.lock()
    assert till.counter().staff.present is not None
    row = book.sale(sale.reference)
    assert row is not None
    assert row.staff == OWNER_NAME
    await till.stop()


async def test_a_till_with_staff_begins_locked_and_every_sale_names_who_made_it(book: ShopBook, tmp_path: Path) -> None:
    shifts = ShopShifts(book)
    add_member(shifts, "Mei", "manager", "1111", 1)
    add_member(shifts, "小王", "cashier", "2222", 2)
    till = till_on(book, tmp_path)
    assert till.counter().staff.present is None
    with pytest.raises(UserFacingError, match="locked"):
        await till.request(cny(100))
    with pytest.raises(UserFacingError, match="Nobody of this name"):
        await till.staff.sign_in("owner", "1111")
    await till.staff.sign_in("小王", "2222")
    sale = await till.request(cny(100))
    row = book.sale(sale.reference)
    assert row is not None
    assert row.staff == "小王"
    with pytest.raises(UserFacingError, match="role may not"):
        await till.request_payout(cny(1))
    till.staff.lock()
    with pytest.raises(UserFacingError, match="locked"):
        await till.shifts.close(cny(0))
    await till.staff.sign_in("Mei", "1111")
    await till.shifts.draw("in", cny(5), "float")
    assert [each.staff for each in shifts.drawn(1)] == ["Mei"]
    await till.stop()


async def test_a_till_of_its_owner_alone_never_locks_by_itself_and_one_with_staff_does(
    book: ShopBook, tmp_path: Path
) -> None:
    set_pin(book, "9999")
    till = till_on(book, tmp_path)
    assert (till.counter().staff.can_lock, till.counter().staff.lock_after_s) == (True, 0)
    till.staff.lock()
    assert till.counter().staff.present is None
    await till.staff.sign_in(OWNER_NAME, "9999")
    await till.stop()
    with ShopBook(book.path) as again:
        add_member(ShopShifts(again), "Mei", "manager", "1111", 1)
        till = till_on(again, tmp_path / "again")
        assert till.counter().staff.lock_after_s == 300
        assert [each.name for each in till.counter().staff.members] == [OWNER_NAME, "Mei"]
        await till.stop()


async def test_support_looks_and_touches_nothing(book: ShopBook, tmp_path: Path) -> None:
    shifts = ShopShifts(book)
    add_member(shifts, "Mei", "manager", "1111", 1)
    add_member(shifts, "Support", "support", "2222", 2)
    till = till_on(book, tmp_path)
    await till.staff.sign_in("Support", "2222")
    for attempt in (
        till.request(cny(1)), till.request_payout(cny(1)), till.shifts.open(cny(1)), till.shifts.close(cny(0)),
        till.shifts.draw("out", cny(1), "x"),
    ):  # fmt: skip
        with pytest.raises(UserFacingError, match="role may not"):
            await attempt
    assert (await till.shifts.report()).number == 0
    await till.stop()


async def test_support_rings_up_nothing_and_gives_no_goods_away(book: ShopBook, tmp_path: Path) -> None:
    shifts = ShopShifts(book)
    add_member(shifts, "Mei", "manager", "1111", 1)
    add_member(shifts, "Support", "support", "2222", 2)
    till = till_on(book, tmp_path)
    await till.staff.sign_in("Mei", "1111")
    await till.bills.add_amount(cny(100))
    await till.bills.discount("100%")
    till.staff.lock()
    with pytest.raises(UserFacingError, match="locked"):
        await till.bills.add_amount(cny(100))
    await till.staff.sign_in("Support", "2222")
    bills = till.bills
    for attempt in (
        bills.add_amount(cny(1)), bills.undo(), bills.show_code(), bills.give_up(), bills.take_up(1)
    ):  # fmt: skip
        with pytest.raises(UserFacingError, match="role may not"):
            await attempt
    bill = till.counter().bill
    assert bill is not None
    assert bill.state is BillState.RINGING
    assert till.counter().shift == 0
    await till.stop()


async def test_a_cashiers_refund_is_approved_by_the_pin_of_somebody_who_may(book: ShopBook, tmp_path: Path) -> None:
    shifts = ShopShifts(book)
    add_member(shifts, "Mei", "manager", "1111", 1)
    add_member(shifts, "Wang", "cashier", "2222", 2)
    till = till_on(book, tmp_path)
    with pytest.raises(UserFacingError, match="locked"):
        await till.staff.approved(Right.REFUND, "1111")
    await till.staff.sign_in("Wang", "2222")
    with pytest.raises(UserFacingError, match="wrong"):
        await till.staff.approved(Right.REFUND, "2222")
    assert await till.staff.approved(Right.REFUND, "1111") == "Mei"
    await till.staff.sign_in("Mei", "1111")
    assert await till.staff.approved(Right.REFUND, "1111") == "Mei"
    await till.stop()


def test_the_owner_may_do_everything_and_support_may_only_look() -> None:
    assert RIGHTS["owner"] == frozenset(Right)
    assert RIGHTS["support"] == {Right.INSPECT}
    assert Right.REFUND not in RIGHTS["cashier"]
    assert Right.SELL not in RIGHTS["operator"]


def test_the_first_member_must_be_able_to_decide_and_one_who_does_always_stays(book: ShopBook) -> None:
    shifts = ShopShifts(book)
    with pytest.raises(UserFacingError, match="first one must be a manager"):
        add_member(shifts, "Wang", "cashier", "2222", 1)
    add_member(shifts, "Mei", "manager", "1111", 1)
    add_member(shifts, "Wang", "cashier", "2222", 2)
    assert decides(shifts) == ["Mei"]
    with pytest.raises(UserFacingError, match="would be left"):
        remove_member(shifts, "Mei")
    remove_member(shifts, "Wang")
    remove_member(shifts, "Mei")
    assert shifts.staff() == []
    set_pin(book, "9999")
    add_member(shifts, "Wang", "cashier", "2222", 3)
    assert decides(shifts) == [OWNER]


@pytest.mark.parametrize(
    ("name", "role", "pin", "said"),
    [
        ("", "cashier", "3333", "no name"),
        ("x\x1b[31m", "cashier", "3333", "no name"),
        ("A" * 49, "cashier", "3333", "no name"),
        ("Mei", "cashier", "3333", "works here already"),
        ("owner", "cashier", "3333", "works here already"),
        ("Li", "boss", "3333", "no such role"),
        ("Li", "cashier", "1111", "has this PIN already"),
        ("Li", "cashier", "33", "digits"),
    ],
)
def test_a_member_that_cannot_be_is_refused_and_leaves_no_trace(
    book: ShopBook, name: str, role: str, pin: str, said: str
) -> None:
    shifts = ShopShifts(book)
    add_member(shifts, "Mei", "manager", "1111", 1)
    with pytest.raises(UserFacingError, match=said):
        add_member(shifts, name, role, pin, 2)
    assert [row.name for row in shifts.staff()] == ["Mei"]


def test_a_pin_whose_cost_was_lowered_in_the_file_is_damaged(book: ShopBook) -> None:
    set_pin(book, "1111", "Mei")
    with book.writing() as db:
        db.execute("""UPDATE settings SET value = replace(value, '"n":16384', '"n":2')""")
    with pytest.raises(Exception, match="damaged"):
        has_pin(book, "Mei")


class GuessingMachine(RuleBasedStateMachine):
    """Right and wrong guesses, waits and restarts, at one person's door and at the approvers'; a fixed clock."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.guesses = Guesses(self.clock)
        self.wrong = {"Mei": 0, "": 0}
        self.closed = {"Mei": 0, "": 0}
        # What a hash costs is not what is tested here: hundreds of guesses are.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(pin_room, "_digest", lambda pin, salt, _: hashlib.sha256(salt + pin.encode()).digest())

    @property
    def now(self) -> int:
        return self.clock.wall_ns

    @initialize(folder=st.uuids())
    def begin(self, folder: object) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"pins-{folder}"))
        self.book = ShopBook(self.folder / "shop.db")
        set_pin(self.book, "1111", "Mei", cost=CHEAP)

    def _try(self, door: str, pin: str) -> str:
        try:
            if door:
                require_pin(self.book, pin, self.guesses, door)
            else:
                assert require_one_of(self.book, pin, self.guesses, ["Mei"]) == "Mei"
        except UserFacingError as error:
            return "closed" if "next try" in error.what else "wrong"
        return "open"

    @rule(door=st.sampled_from(["Mei", ""]), right=st.booleans())
    def guess(self, door: str, right: bool) -> None:
        found = self._try(door, "1111" if right else "2222")
        if self.now < self.closed[door]:
            assert found == "closed"
        elif right:
            assert found == "open"
            self.wrong[door] = self.closed[door] = 0
        else:
            assert found == "wrong"
            self.wrong[door] += 1
            self.closed[door] = self.now + wait_s(self.wrong[door]) * S

    @rule(seconds=st.sampled_from([5, 80, 1_799, 1_800]))
    def wait(self, seconds: int) -> None:
        self.clock.go_on(seconds)

    @rule()
    def restart(self) -> None:
        self.book.close()
        self.clock.restart()
        self.guesses = Guesses(self.clock)
        self.book = ShopBook(self.folder / "shop.db")

    # What takes many steps to be reached, so that it is reached.
    @rule(door=st.sampled_from(["Mei", ""]))
    def ten_in_a_row_cost_half_an_hour(self, door: str) -> None:
        while self.wrong[door] < 10:
            self.clock.go_on(max(self.closed[door] - self.now, 0) // S)
            self.guess(door, right=False)
        self.clock.go_on((self.closed[door] - self.now) // S - 1)
        assert self._try(door, "1111") == "closed"

    def teardown(self) -> None:
        self.patch.undo()
        if hasattr(self, "book"):
            self.book.close()
            shutil.rmtree(self.folder)


TestGuessing = GuessingMachine.TestCase
TestGuessing.settings = settings(max_examples=8, stateful_step_count=14, deadline=None)


async def test_staff_is_set_up_at_the_counter_by_who_may_with_their_pin(book: ShopBook, tmp_path: Path) -> None:
    till = till_on(book, tmp_path)
    desk = till.staff
    # Nobody has a PIN yet: nothing is asked; from the first one on the shop is locked.
    with pytest.raises(UserFacingError, match="must be a manager"):
        await desk.add("Wang", "cashier", "2222", approval="")
    await desk.add(" Mei ", "manager", "1111", approval="")
    assert desk.view.present is None
    assert desk.view.lock_after_s > 0
    with pytest.raises(UserFacingError, match="locked"):
        await desk.add("Wang", "cashier", "2222", approval="1111")
    await desk.sign_in("Mei", "1111")
    with pytest.raises(UserFacingError, match="PIN is wrong"):
        await desk.add("Wang", "cashier", "2222", approval="2222")
    await desk.add("Wang", "cashier", "2222", approval="1111")
    with pytest.raises(UserFacingError, match="has this PIN"):
        await desk.reset_pin("Wang", "1111", approval="1111")
    await desk.reset_pin("Wang", "3333", approval="1111")
    for refused in (desk.change_role("Mei", "cashier", approval="1111"), desk.remove("Mei", approval="1111")):
        with pytest.raises(UserFacingError, match="Nobody who may refund"):
            await refused
    await desk.change_role("Wang", "manager", approval="1111")
    # Who takes themselves out stands there no longer.
    await desk.remove("Mei", approval="1111")
    assert [(each.name, each.role) for each in desk.view.members] == [("Wang", "manager")]
    assert desk.view.present is None
    await desk.sign_in("Wang", "3333")
    await desk.reset_pin(OWNER_NAME, "9999", approval="3333")
    assert has_pin(book, OWNER)
    await desk.change_role("Wang", "cashier", approval="3333")
    for refused in (desk.add("Li", "cashier", "4444", approval="3333"), desk.remove("Wang", approval="3333")):
        with pytest.raises(UserFacingError, match="role may not"):
            await refused
    await till.stop()
