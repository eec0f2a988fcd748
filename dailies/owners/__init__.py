"""Who is calling, and what that owner may do: keys and their limits, as values."""
