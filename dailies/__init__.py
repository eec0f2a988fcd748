"""Dailies: prompts and reference images become finished videos.

This package is the library: it holds the rules, speaks to the providers and the stores, and can be
used and tested without Azure Functions. The folders beside it (``triggers``, ``orchestrations``,
``activities``, ``entities``) are thin adapters that put it on the Functions host.
"""
