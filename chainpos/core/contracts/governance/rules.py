"""Rules of governance: none yet. Whoever needs a role asks `port.require_role`."""
