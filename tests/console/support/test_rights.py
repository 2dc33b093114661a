"""Who may look into the ledger from a till: other people's payments are not for whoever only sells (ux 13)."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.console.screens.sign_in import SignIn
from chainpos.till.roles import RIGHTS, Right
from tests.console.looking import key_in, opened, settle, text_of
from tests.console.looking_into import day_desk
from tests.console.prepared_shift import PEOPLE
from tests.console.prepared_till import PreparedTill


def test_everybody_but_a_cashier_may_look_into_the_ledger() -> None:
    assert {role for role, rights in RIGHTS.items() if Right.INSPECT not in rights} == {"cashier"}


@pytest.mark.slow
async def test_support_is_absent_for_a_cashier_there_for_a_manager_and_shut_by_the_lock(
    till: PreparedTill, tmp_path: Path
) -> None:
    # No question is asked, so that the chain behind the desk is never opened.
    desk = day_desk(tmp_path / "no.db")
    cashier, manager = (next(each for each in PEOPLE.members if each.role == role) for role in ("cashier", "manager"))
    till.staff.put(msgspec.structs.replace(PEOPLE, present=cashier))
    async with opened(till, tmp_path, size=(120, 40), support=desk) as (app, pilot):
        assert "F10" not in text_of(app)
        await key_in(pilot, "f10")
        assert app.current_mode == "counter"
        await key_in(pilot, "f5", "slash")
        assert app.current_mode == "node"
        till.staff.put(msgspec.structs.replace(PEOPLE, present=manager))
        await settle(pilot)
        assert "F10" in text_of(app)
        await key_in(pilot, "slash", *"XM13")
        assert app.current_mode == "support"
        await key_in(pilot, "ctrl+l", "f10", "slash", "escape")
        assert isinstance(app.screen, SignIn)
        assert "XM13" not in text_of(app), "nothing is read behind the lock"
        till.staff.put(msgspec.structs.replace(PEOPLE, present=cashier))
        await settle(pilot)
        assert app.current_mode == "sales", "the next one stands where their role has something to do"
        assert "F10" not in text_of(app)
