"""What may be asked of governance: nothing yet. Roles are set at genesis; proposals and votes will be messages here."""
