"""The app beside LiteLLM's proxy, over the same simulated upstream, in one run."""
