"""Screens: they hold the use cases, hand attributes down to widgets and answer the messages that come up."""
