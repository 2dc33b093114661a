"""Skipping verification, step by step: which header to ask for next when trust does not reach the target. Pure.

It refuses what `verifier.py` refuses, and answers of another height than was asked for. Whoever drives it fetches.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.verifier import Outcome, TrustedState, TrustOptions, UntrustedBlock, Verdict, verify

# CometBFT light/client.go verifySkippingNumerator, verifySkippingDenominator.
_NUMERATOR: Final = 9
_DENOMINATOR: Final = 16


class Search(msgspec.Struct, frozen=True):
    """From `trusted` towards `pending[0]`, the target; later entries are nearer, and `depth` is tried next."""

    trusted: TrustedState
    pending: tuple[UntrustedBlock, ...]
    depth: int = 0
    trace: tuple[TrustedState, ...] = ()


class Fetch(msgspec.Struct, frozen=True):
    """The block of `height` is wanted; go on with `resume`."""

    search: Search
    height: int


class Found(msgspec.Struct, frozen=True):
    """The target is believed; `trace` are the heights believed on the way, the target last."""

    trusted: TrustedState
    trace: tuple[TrustedState, ...]


class Refused(msgspec.Struct, frozen=True):
    """Somebody lied about `height`: drop whoever it was."""

    height: int
    verdict: Verdict


def pivot_height(trusted_height: int, target_height: int) -> int:
    """A height between the two, excluding both. Raises ValueError when they are adjacent."""
    if target_height - trusted_height < 2:
        raise ValueError("there is no height in between")
    return trusted_height + (target_height - trusted_height) * _NUMERATOR // _DENOMINATOR


def begin(trusted: TrustedState, target: UntrustedBlock, options: TrustOptions, now_ns: int) -> Fetch | Found | Refused:
    """The first step of believing `target`. Source: CometBFT light/client.go `verifySkipping`."""
    return _go_on(Search(trusted, (target,)), options, now_ns)


def resume(wanted: Fetch, block: UntrustedBlock, options: TrustOptions, now_ns: int) -> Fetch | Found | Refused:
    """The next step, with the block that was asked for."""
    if block.header.height != wanted.height:
        return Refused(wanted.height, Verdict(Outcome.INVALID, "wrong_height"))
    search = wanted.search
    pending = (*search.pending, block)
    return _go_on(msgspec.structs.replace(search, pending=pending, depth=len(pending) - 1), options, now_ns)


def _go_on(search: Search, options: TrustOptions, now_ns: int) -> Fetch | Found | Refused:
    trusted, pending, depth, trace = search.trusted, search.pending, search.depth, search.trace
    while True:
        block = pending[depth]
        verdict = verify(trusted, block, options, now_ns)
        if verdict.outcome is Outcome.INVALID:
            return Refused(block.header.height, verdict)
        if verdict.trusted is not None:
            trusted = verdict.trusted
            trace = (*trace, trusted)
            if depth == 0:
                return Found(trusted, trace)
            # From the new foothold the target is tried first, then what was fetched on the way.
            pending, depth = pending[:depth], 0
            continue
        if depth == len(pending) - 1:
            wanted = pivot_height(trusted.height, block.header.height)
            return Fetch(Search(trusted, pending, depth, trace), wanted)
        depth += 1
