"""Batches: many shots in one request, each made as a create of the videos protocol would be."""
