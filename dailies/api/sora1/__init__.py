"""The jobs API of Sora 1, on the same records and orchestration as the videos protocol."""
