"""Alembic's entry: migrate the connection that fhir_mh.store.migrate hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from fhir_mh.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
