"""psycopg2: literals in the text, simple protocol, BEGIN by itself before the first statement."""
import io
import json
import sys

import psycopg2

connection = psycopg2.connect(sys.argv[1])
cursor = connection.cursor()
result = {}

# A delete in two steps, as an ORM's collector sends it.
cursor.execute(
    "SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = %s", ("author 2",)
)
ids = [row[0] for row in cursor.fetchall()]
cursor.execute("DELETE FROM book WHERE id IN %s", (tuple(ids),))
result["found"] = len(ids)
result["deleted"] = cursor.rowcount
connection.commit()

# The same with an array.
cursor.execute(
    "SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = %s", ("author 3",)
)
ids = [row[0] for row in cursor.fetchall()]
cursor.execute("DELETE FROM book WHERE id = ANY(%s)", (list(reversed(ids)),))
result["deleted by array"] = cursor.rowcount
connection.commit()

# Update or create.
cursor.execute("SAVEPOINT s")
try:
    cursor.execute("INSERT INTO setting (name, value) VALUES (%s, %s)", ("setting 1", 7))
except psycopg2.errors.UniqueViolation as error:
    result["violated"] = error.diag.constraint_name
    cursor.execute("ROLLBACK TO SAVEPOINT s")
cursor.execute("SELECT id, value FROM setting WHERE name = %s", ("setting 1",))
(key, value) = cursor.fetchone()
cursor.execute("UPDATE setting SET value = %s WHERE id = %s", (value + 1, key))
connection.commit()

# Things around it: a named (server-side) cursor, COPY both ways, notices, an error, autocommit.
with connection.cursor("served") as served:
    served.itersize = 50
    served.execute("SELECT id FROM book ORDER BY id")
    result["read by cursor"] = sum(1 for _ in served)
connection.commit()
cursor.execute("CREATE TEMP TABLE copied (id int, t text)")
with open(sys.argv[0], "rb") as itself:
    lines = itself.read().count(b"\n")
cursor.copy_expert("COPY copied FROM STDIN", io.StringIO("".join(f"{n}\tline\n" for n in range(lines))))
out = io.StringIO()
cursor.copy_expert("COPY copied TO STDOUT", out)
result["copied"] = out.getvalue().count("\n") == lines
try:
    cursor.execute("SELECT 1 / 0")
except psycopg2.errors.DivisionByZero:
    connection.rollback()
cursor.execute("SELECT * FROM every_type")
result["types"] = [[str(bytes(v) if isinstance(v, memoryview) else v) for v in row] for row in cursor.fetchall()]
connection.rollback()
connection.autocommit = True
cursor.execute("SELECT count(*) FROM book")
result["left"] = cursor.fetchone()[0]
connection.close()
json.dump(result, sys.stdout)
