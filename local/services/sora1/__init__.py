"""Sora 1: the preview jobs API."""
