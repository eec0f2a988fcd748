"""The jobs API of Sora 1: its body, its objects, its ids, and what they mean."""
