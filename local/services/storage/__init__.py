"""The events of the storage account: what is uploaded is told to a webhook, as Event Grid does."""
