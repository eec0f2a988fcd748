"""Simulated Azure services for the one-machine stack: identity, Sora 2 and Sora 1, Event Grid.

One process speaks the wire protocols of all of them (``python -m local.services``). It knows
nothing of the app that calls it.
"""
