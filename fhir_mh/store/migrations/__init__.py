"""Alembic migrations; they travel in the wheel and run when a store is opened (see fhir_mh.store.migrate)."""
