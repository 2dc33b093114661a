"""Widgets: attributes in, messages out. They know the views, the texts and the clock; no till, no SQL."""
