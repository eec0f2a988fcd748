"""Guards look at a prompt, at pictures and at finished videos, and say whether they may pass."""
