"""A catalogue of two places, for tests."""

from __future__ import annotations

__all__ = ["BOTH", "TEXT"]

TEXT = """
default_model: fast
models:
  fast:
    aliases: [Quick]
    fallbacks: [good]
    deployments:
      - name: fast-eu
        provider: azure-sora-2
        endpoint: ${EU}
        deployment: ${EU_NAME:-fast-deployment}
        sizes: [720x1280, 1280x720, 1792x1024]
        seconds: [4, 8]
        variants: [video, thumbnail]
        prices: {default: 0.1, 1792x1024: 0.5}
        typical_render_seconds: 60
        quota: {requests_per_minute: 2}
      - name: fast-us
        provider: azure-sora-2
        endpoint: ${US}
        deployment: fast
        sizes: [1280x720]
        seconds: [4, 12]
        prices: {1280x720: 0.2}
  good:
    fallbacks: [fast]
    deployments:
      - name: good-us
        provider: azure-sora-2
        endpoint: ${US}
        deployment: good
        operations: [create]
        sizes: [1280x720]
        seconds: [4]
        prices: {default: 1}
        reference: null
"""
BOTH = {"EU": "https://eu.example.com", "US": "https://us.example.com"}
