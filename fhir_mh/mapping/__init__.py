"""The two-way engine: a mapping is written once, runs both ways, and reports what it could not carry."""
