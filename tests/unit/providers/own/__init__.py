"""A package of providers, as ``DAILIES_PROVIDERS`` names one."""
