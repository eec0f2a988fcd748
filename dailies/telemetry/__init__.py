"""Traces, metrics and logs: how they are told, and nothing of what they tell about.

======================  ========================================================================
``tracecontext``        W3C trace contexts as text, as records and events carry them
``providers``           who makes spans and counts: nobody, until ``app.exporters`` says so
``spans``               how a span is made, and those of requests, providers and events
``logs``                structured lines
``loop_lag``            how late the event loop is
======================  ========================================================================

Only OpenTelemetry's API is imported at import time; it does nothing by itself. No prompt, no key,
no token and no exception's text is ever an attribute. Orchestrators are replayed, so nothing here
is for them.
"""
