import psycopg
from sqlalchemy import create_engine, delete, select, update


def connections(url, db):
    # ruleid: connection-without-a-brand
    psycopg.connect(url)
    # ruleid: connection-without-a-brand
    create_engine(url)
    # ruleid: connection-without-a-brand
    with db.engine.connect() as connection:
        connection.close()
    # ruleid: connection-without-a-brand
    with db.engine.begin() as connection:
        connection.close()
    # ok: connection-without-a-brand
    with db.tenant(1) as session:
        session.close()


def brands(session, number):
    # ruleid: brand-set-by-hand
    session.execute("SELECT set_config('app.tenant', '7', true)")
    # ruleid: brand-set-by-hand
    session.execute("SET LOCAL app.tenant = '7'")
    # ruleid: brand-set-by-hand
    session.execute("SET row_security = off")
    # ruleid: brand-set-by-hand
    session.execute("SET ROLE copydesk_owner")
    # ok: brand-set-by-hand
    session.execute("SET LOCAL lock_timeout = '1s'")


class Unprotected(Table):
    # ruleid: brand-column-without-protection
    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True)


class Protected(TenantRow, Table):
    # ok: brand-column-without-protection
    user_id: Mapped[int] = mapped_column(Integer)


def without_brand(db, number):
    with db.installation() as session:
        # ruleid: brand-rows-in-a-session-without-one
        session.execute(select(Account).where(Account.id == number))
        # ruleid: brand-rows-in-a-session-without-one
        session.scalars(select(User))
        # ruleid: brand-rows-in-a-session-without-one
        session.execute(update(Account).values(status="x"))
        # ruleid: brand-rows-in-a-session-without-one
        session.execute(delete(Account))
        # ok: brand-rows-in-a-session-without-one
        session.execute(select(InstallationKey))
    with db.tenant(number) as session:
        # ok: brand-rows-in-a-session-without-one
        session.execute(select(Account))
