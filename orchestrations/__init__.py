"""What happens in which order. One generator a file, pure: names, plain data and decisions.

An orchestrator is replayed from its history, so it reads no clock, makes no id, looks at no setting
and logs nothing. A changed sequence of yields gets a new version in its name.
"""
