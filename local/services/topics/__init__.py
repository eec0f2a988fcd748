"""An Event Grid custom topic: takes CloudEvents and delivers them to webhooks."""
