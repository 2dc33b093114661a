"""Taking in a customer's proof at the counter: code by code, whatever stands there, until it proves a sale."""

from __future__ import annotations

from chainpos.console.screens.with_paper import WithPaper
from chainpos.console.widgets.notice import Told
from chainpos.core.values.amount import format_amount


class WithProof(WithPaper):
    """A page to which a proof may be scanned."""

    def scan_proof(self, code: str) -> bool:
        """Whether the scan was a part of a proof; then it is taken in."""
        proofs = self.console_app.till.proofs
        if not proofs.is_proof(code):
            return False

        async def work() -> None:
            texts, view = self.console_app.texts, await proofs.take(code)
            if view.amount is None:
                self.told(Told(texts("counter.proof_part", have=view.have, of=view.of), good=True))
                return
            self.console_app.take(self.console_app.till.counter())
            amount = format_amount(view.amount)
            words = texts("counter.proof_whole", amount=amount, reference=view.reference)
            self.told(Told(words, next_step=texts("counter.proved"), good=True))

        self.run_worker(self._told_if_refused(work), name="proof", group="proof")
        return True
