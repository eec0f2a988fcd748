"""Finished videos, looked into: what they are, stills of them, and who signed them."""
