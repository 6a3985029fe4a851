"""Run the migrations on the connection that `migrate` opened; Alembic calls this file."""

from alembic import context

from stocksync.ledger.tables import Row

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run `stocksync migrate`: it opens the database as the ledger does")

context.configure(
    connection=connection,
    target_metadata=Row.metadata,
    # SQLite changes a table by rebuilding it; PostgreSQL is told the same and alters in place.
    render_as_batch=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
