"""Run the migrations on the connection that `migrate` opened; Alembic calls this file."""

from alembic import context

from stocksync.ledger.tables import Row

context.configure(
    # Not from an alembic.ini: `stocksync migrate` opens the database as the ledger does.
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    # SQLite changes a table by rebuilding it; PostgreSQL is told the same and alters in place.
    render_as_batch=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
