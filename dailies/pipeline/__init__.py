"""The steps of a video's life, one side effect each, all safe to run again.

An activity of the app is a thin adapter over one function of this package. Every function looks at
the record first and does only what has not been done, since Durable Functions runs an activity at
least once.
"""
