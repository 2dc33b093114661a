"""None yet: schedules are set at genesis. A changed schedule will be a rule with a later date, never an edit."""

from __future__ import annotations
