"""psycopg 3: extended protocol; numbers sent in the smallest type that holds them, here in binary; pipelines."""
import json
import sys

import psycopg

connection = psycopg.connect(sys.argv[1])
cursor = connection.cursor(binary=True)
result = {}

find = "SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = %s"

# A delete in two steps; %b sends the ids as binary int2.
ids = [row[0] for row in cursor.execute(find, ("author 2",))]
marks = ", ".join(["%b"] * len(ids))
cursor.execute(f"DELETE FROM book WHERE id IN ({marks})", ids)
result["found"] = len(ids)
result["deleted"] = cursor.rowcount
connection.commit()

# The same with an array, which psycopg sends as int2[].
ids = [row[0] for row in cursor.execute(find, ("author 3",))]
cursor.execute("DELETE FROM book WHERE id = ANY(%b)", (list(reversed(ids)),))
result["deleted by array"] = cursor.rowcount
connection.commit()

# Prepared on the server after five uses: the last deletes run on a named statement.
deleted = []
for author in range(4, 12):
    with connection.transaction():
        ids = [row[0] for row in cursor.execute(find, (f"author {author}",), prepare=True)]
        cursor.execute("DELETE FROM book WHERE id = ANY(%s)", (ids,), prepare=True)
        deleted.append(cursor.rowcount)
result["deleted prepared"] = deleted

# Update or create: the inner block is a savepoint.
with connection.transaction():
    try:
        with connection.transaction():
            cursor.execute("INSERT INTO setting (name, value) VALUES (%s, %s)", ("setting 1", 7))
    except psycopg.errors.UniqueViolation as error:
        result["violated"] = error.diag.constraint_name
    key, value = cursor.execute(
        "SELECT id, value FROM setting WHERE name = %s", ("setting 1",)
    ).fetchone()
    cursor.execute("UPDATE setting SET value = %s WHERE id = %s", (value + 1, key))

# Things around it.
with connection.cursor("served") as served:
    served.itersize = 50
    served.execute("SELECT id FROM book ORDER BY id")
    result["read by cursor"] = sum(1 for _ in served)
connection.commit()
cursor.execute("CREATE TEMP TABLE copied (id int, t text)")
with cursor.copy("COPY copied FROM STDIN (FORMAT binary)") as copy:
    copy.set_types(["int4", "text"])
    for n in range(1000):
        copy.write_row((n, f"line {n}"))
with cursor.copy("COPY copied TO STDOUT") as copy:
    result["copied"] = sum(bytes(part).count(b"\n") for part in copy)
if psycopg.Pipeline.is_supported():
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", (n,)) for n in range(50)]
    result["pipelined"] = sum(c.fetchone()[0] for c in cursors)
connection.commit()
result["types"] = [[str(v) for v in row] for row in cursor.execute("SELECT * FROM every_type")]
connection.commit()
connection.autocommit = True
result["left"] = connection.execute("SELECT count(*) FROM book").fetchone()[0]
connection.close()
json.dump(result, sys.stdout)
