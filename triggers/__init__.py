"""The ways in: HTTP, dropped images, timers. Thin adapters over the library."""
