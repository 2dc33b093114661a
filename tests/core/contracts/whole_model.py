"""The plain models of money and of standing as one: who may not act moves no money, and money keeps accounts open."""

from __future__ import annotations

from collections.abc import Callable

from tests.core.contracts.plain_model import PlainModel
from tests.core.contracts.register_model import RegisterModel

SHOP = "TEAHOUSE"
TIERS = {"tier_3": (500_000, 1_000_000), "tier_2": (5_000_000, 10_000_000)}
CLASSES = {"A": 2**63, "B": 500_000, "C": 100_000}


class WholeMoney(PlainModel):
    """Money, where shops, tills, payers and banks may be refused. Alice and Bob are people, the others only pay."""

    standing: RegisterModel
    # The key that a person signs with, where it is not the present one.
    stale_key = ""

    def mode(self, shop: str) -> str:
        return self.standing.shop_terms()[0] if shop == SHOP else super().mode(shop)

    def rate(self, shop: str, /) -> int:
        return 20 if shop == SHOP and self.standing.certified()[4] == "small" else super().rate(shop)

    def account(self, shop: str) -> str:
        return self.standing.shop_terms()[1] if shop == SHOP else super().account(shop)

    def limits(self, payer: str) -> tuple[int, int, int]:
        person = self.standing.people.get(payer)
        return super().limits(payer) if person is None else (*TIERS[person.tier], CLASSES[person.code_class])

    def shop_refuses(self, shop: str, total: int, /) -> str:
        most = self.standing.tills["TEAHOUSE.till"].most if shop == SHOP else 10_000_000
        refusal = self.shop_is_closed(shop) or self.actor_refuses(shop, "till")
        return refusal or ("over_till_limit" if total > most else self.money_is_held(shop))

    def payer_refuses(self, payer: str, /) -> str:
        if payer not in self.standing.people:
            return self.bank_refuses(self.payers[payer])
        refusal = self.standing.pays(self.stale_key or self.standing.people[payer].key)
        return refusal or ("frozen_account" if self.standing.frozen(payer) else "")

    def shop_is_closed(self, shop: str, /) -> str:
        if shop == SHOP and self.standing.shop.status != "open":
            return "merchant_not_open"
        return self.bank_refuses(self.shops[shop][0])

    def actor_refuses(self, shop: str, actor: str, /) -> str:
        if shop != SHOP:
            return ""
        if actor == "owner":
            # Whose key is being replaced is no owner, and no till either.
            return "unknown_till" if self.standing.owner_rests() else ""
        return self.standing.till_refuses("TEAHOUSE.till")

    def money_is_held(self, shop: str, /) -> str:
        return "frozen_merchant" if shop == SHOP and self.standing.frozen(SHOP) else ""

    def payer_is_gone(self, payer: str, /) -> str:
        person = self.standing.people.get(payer)
        return "account_closed" if person is not None and person.status == "closed" else ""

    def bank_refuses(self, bank: str, /) -> str:
        return "institution_suspended" if self.standing.suspended.get(bank) else ""

    def till_refunds_most(self, shop: str, /) -> int:
        return self.standing.tills["TEAHOUSE.till"].refunds if shop == SHOP else super().till_refunds_most(shop)

    def cap_of(self, bank: str, /) -> int:
        return self.standing.caps.get(bank, self.cap)


class WholeStanding(RegisterModel):
    """Standing, where what is held is the money's model to say, and the time is the city's."""

    def __init__(self, money: WholeMoney, clock: Callable[[], int]) -> None:
        self.money, self.clock = money, clock
        super().__init__(clock())

    @property
    def now_s(self) -> int:
        return self.clock()

    @now_s.setter
    def now_s(self, _: int) -> None:
        """It passes by itself."""

    def held(self, name: str) -> int:
        return sum(minor for (holder, _), minor in self.money.held.items() if holder == name)

    def move(self, name: str, change: int) -> None:
        self.money.held[name, "CNY"] += change

    def shop_holds(self) -> int:
        return self.held(SHOP)
