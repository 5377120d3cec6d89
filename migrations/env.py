"""Run the migrations on the connection, or for the dialect, that `consentgate.storage.schema` hands over."""

from alembic import context

from consentgate.storage.tables import VERSION_TABLE, metadata

connection = context.config.attributes.get("connection")
if connection is None:
    context.configure(
        dialect_name=context.config.attributes["dialect"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        literal_binds=True,
        output_buffer=context.config.output_buffer,
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    # Lock and transaction are the caller's: alembic sees them and adds none.
    context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
    context.run_migrations()
