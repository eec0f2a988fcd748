"""The one way in behind all ways in."""
