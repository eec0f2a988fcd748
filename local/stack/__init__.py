"""The one-machine stack: Azurite, the simulated Azure services and the functions host.

Each is a process of its own, as it is a service of its own in Azure; this package starts them,
keeps them running, and ends them together.
"""
