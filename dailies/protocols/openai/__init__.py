"""OpenAI's videos protocol: its bodies, its objects, and what they mean."""
