"""Traces and metrics, by OpenTelemetry.

======================  ========================================================================
``tracecontext``        W3C trace contexts as text, as records and events carry them
``providers``           who makes spans and counts: nobody, until ``setup`` has put someone there
``spans``               the spans that the app makes, and their attributes
``metrics``             what the app counts and measures
``setup``               from the settings to exporters; imports the SDK, and only when it is wanted
======================  ========================================================================

Only OpenTelemetry's API is imported at import time; it does nothing by itself. No prompt, no key,
no token and no exception's text is ever an attribute. Orchestrators are replayed, so nothing here
is for them.
"""
