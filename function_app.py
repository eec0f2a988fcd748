"""The app: registers the blueprints of the triggers, orchestrations, activities and entities."""
