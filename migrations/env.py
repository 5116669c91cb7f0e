"""Alembic's entry. The URL comes from `bot.store.migrate.config`, or from DATABASE_URL where it is called by hand."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

from bot.store.engine import driver_url
from bot.store.migrate import sync_url
from bot.store.tables import metadata

url = context.config.attributes.get("url") or sync_url(driver_url(os.environ["DATABASE_URL"]))
engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
