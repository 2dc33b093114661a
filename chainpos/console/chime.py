"""For which payments to ring: each once, never before its block is verified, never for what was paid before we looked.

Pure: it is shown views and answers with the sales that have just become money.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chainpos.till.views import CounterView, SaleState, SaleView

MONEY = frozenset({SaleState.PAID, SaleState.CONFIRMED})
_MONEY_OR_AFTER = MONEY | {SaleState.PART_REFUNDED, SaleState.REFUNDED}


@dataclass
class Chime:
    """Remembers what was rung for. A reconnect shows old sales again: they stay silent."""

    rung: set[str] = field(default_factory=set)
    began: bool = False

    def newly_paid(self, view: CounterView) -> tuple[SaleView, ...]:
        """The sales of the view that are PAID for the first time since this began, oldest last seen first."""
        shown = {sale.reference: sale for sale in (*reversed(view.recent), *((view.sale,) if view.sale else ()))}
        fresh = [sale for sale in shown.values() if sale.state in _MONEY_OR_AFTER and sale.reference not in self.rung]
        self.rung.update(sale.reference for sale in fresh)
        if not self.began:
            self.began = True
            return ()
        return tuple(sale for sale in fresh if sale.state in MONEY)
