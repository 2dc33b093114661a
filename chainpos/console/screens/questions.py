"""Which screen answers which question: the one place that knows them all."""

from __future__ import annotations

from chainpos.console.screens.case_form import CaseForm
from chainpos.console.screens.explained import ExplainScreen
from chainpos.console.screens.looking import About
from chainpos.console.screens.timeline import TimelineScreen
from chainpos.console.screens.trace import TraceScreen
from chainpos.console.screens.what_if import WhatIfScreen


def timeline(about: About) -> TimelineScreen:
    """What became of a payment."""
    return TimelineScreen(about.word)


def steps(about: About) -> TraceScreen:
    """A transaction's run, step by step."""
    return TraceScreen(about.height, about.index)


def what_if(about: About) -> WhatIfScreen:
    """A transaction's run with something changed."""
    return WhatIfScreen(about.height, about.index)


def case(about: About) -> CaseForm:
    """A payment's evidence, into a file."""
    return CaseForm(about.word)


def explain(about: About) -> ExplainScreen:
    """What a code means."""
    return ExplainScreen(about.code)
