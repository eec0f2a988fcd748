"""``make demo``: two videos on a stack of their own, from a prompt and from a dropped image."""
