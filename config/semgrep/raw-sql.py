import os
import subprocess

from sqlalchemy import text

_COLUMNS = "id, label"
# ok: statement-made-of-values
_QUERY = text(f"SELECT {_COLUMNS} FROM account WHERE id = :id")
# ok: statement-made-of-values
_OTHER = text(f"{_QUERY.text} AND usable")


def statements(session, name, number):
    # ruleid: statement-made-of-values
    session.execute(text(f"SELECT id FROM account WHERE label = '{name}'"))
    # ruleid: statement-made-of-values
    session.execute(f"SELECT id FROM account WHERE id = {number}")
    # ruleid: statement-made-of-values
    session.execute(text("SELECT id FROM account WHERE id = " + number))
    # ruleid: statement-made-of-values
    session.execute(text("SELECT id FROM account WHERE id = %s" % number))
    # ruleid: statement-made-of-values
    session.execute(text("SELECT id FROM account WHERE id = {}".format(number)))
    # ruleid: statement-made-of-values
    batch = text(
        f"SELECT id FROM account WHERE label = '{name}' "
        f"LIMIT {_COLUMNS}"
    )
    # ruleid: statement-made-of-values
    last = text(f"SELECT {_COLUMNS} FROM account " f"WHERE id = {number}")
    # ok: statement-made-of-values
    session.execute(text("SELECT id FROM account WHERE label = :name"), {"name": name})
    # ok: statement-made-of-values
    session.execute(text("SELECT id " + _COLUMNS))


def commands(name):
    # ruleid: shell-with-values
    subprocess.run(f"ls {name}", shell=True)
    # ruleid: shell-with-values
    os.system("ls " + name)
    # ok: shell-with-values
    subprocess.run(["ls", name], check=True)
