"""Remapping of keys from a person's keymap file. It refuses unknown actions and two actions on one key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from textual.binding import Binding
from textual.keys import _character_to_key

from chainpos.console.language import flatten
from chainpos.errors import EXIT_USAGE, UserFacingError

FILE_NAME: Final = "keymap.toml"


def key(keys: str, action: str, binding_id: str, *, show: bool = True, priority: bool = False) -> Binding:
    """A binding as this console makes them: its id is what a keymap names and what its text is found by."""
    return Binding(keys, action, binding_id, show=show, priority=priority, id=binding_id)


# On every screen that has no search of its own.
SEARCH: Final = key("slash", "app.search", "support.search", show=False)


def _refuse(path: Path, why: str) -> UserFacingError:
    return UserFacingError(
        f"The keymap {path.name} cannot be used: {why}.",
        money_moved="",
        next_step='Mend the file; a line reads counter.enlarge = "f16". The help screen (?) lists the names.',
        exit_code=EXIT_USAGE,
    )


def _long_form(keys: str) -> tuple[str, ...]:
    return tuple(
        _character_to_key(each) if len(each) == 1 else each for each in (part.strip() for part in keys.split(","))
    )


EVERYWHERE: Final = "app"
# Over a dialog nothing else can be pressed.
ALONE: Final = "dialog"


def load_keymap(folder: Path, places: Mapping[str, Iterable[Binding]]) -> dict[str, str]:
    """Binding id to keys, from the file in a folder; empty where there is none.

    `places` are the bindings of each place by its name; those of EVERYWHERE hold in all others but ALONE, so they must
    not share a key with them. Raises UserFacingError that names what is wrong.
    """
    path = folder / FILE_NAME
    try:
        table = flatten("", tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise _refuse(path, str(error)) from error
    usual = {place: _keys_by_id(bindings) for place, bindings in places.items()}
    known = {binding_id for ids in usual.values() for binding_id in ids}
    keymap: dict[str, tuple[str, ...]] = {}
    for binding_id, keys in table.items():
        if binding_id not in known:
            raise _refuse(path, f"there is no action {binding_id!r}")
        keymap[binding_id] = _long_form(keys)
        if not all(keymap[binding_id]):
            raise _refuse(path, f"{binding_id} has no key")
    for place, ids in usual.items():
        also = {} if place == ALONE else usual.get(EVERYWHERE, {})
        for pressed, actions in _users({**also, **ids}, keymap).items():
            if len(actions) > 1:
                raise _refuse(path, f"the key {pressed!r} would mean {' and '.join(sorted(actions))} in {place}")
    return {binding_id: ",".join(keys) for binding_id, keys in keymap.items()}


def _keys_by_id(bindings: Iterable[Binding]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for binding in Binding.make_bindings(bindings):
        if binding.id:
            found[binding.id] = (*found.get(binding.id, ()), binding.key)
    return found


def _users(ids: Mapping[str, tuple[str, ...]], keymap: Mapping[str, tuple[str, ...]]) -> dict[str, set[str]]:
    users: dict[str, set[str]] = {}
    for binding_id, keys in ids.items():
        for pressed in keymap.get(binding_id, keys):
            users.setdefault(pressed, set()).add(binding_id)
    return users
