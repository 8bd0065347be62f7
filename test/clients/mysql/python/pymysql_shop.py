"""PyMySQL and mysqlclient, which share an interface: literals in COM_QUERY, warnings, procedures, LOAD DATA LOCAL."""
import importlib
import json
import sys
from urllib.parse import urlparse

driver = importlib.import_module(sys.argv[1])
url = urlparse(sys.argv[2])
rows = sys.argv[3]
options = {"local_infile": 1, "charset": "utf8mb4", "host": url.hostname, "port": url.port, "user": url.username}
name = url.path[1:]
if sys.argv[1] == "pymysql":
    connection = driver.connect(password=url.password, database=name, **options)
else:
    connection = driver.connect(passwd=url.password, db=name, **options)
cursor = connection.cursor()
result = {}


def read(sql, values=None):
    cursor.execute(sql, values)
    return [[repr(value) for value in row] for row in cursor.fetchall()]


result["types"] = read("SELECT * FROM every_type")
cursor.execute("SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = %s", ("author 2",))
ids = [row[0] for row in cursor.fetchall()]
cursor.execute("DELETE FROM book WHERE id IN (%s)" % ", ".join(["%s"] * len(ids)), ids)
result["deleted"] = cursor.rowcount
connection.commit()
try:
    cursor.execute("INSERT INTO setting (name, value) VALUES (%s, %s)", ("setting 1", 7))
except driver.IntegrityError as error:
    result["violated"] = [error.args[0], error.args[1]]
result["existing"] = read("SELECT id, name, value FROM setting WHERE name = %s", ("setting 1",))
connection.rollback()
cursor.executemany("INSERT INTO loaded (n, t) VALUES (%s, %s)", [(n, "row %d" % n) for n in range(500)])
result["inserted"] = [cursor.rowcount, cursor.lastrowid]
connection.commit()
cursor.execute("LOAD DATA LOCAL INFILE %s INTO TABLE loaded CHARACTER SET utf8mb4 (n, t)", (rows,))
result["loaded"] = cursor.rowcount
connection.commit()
cursor.callproc("two_results")
results = [cursor.fetchall()]
while cursor.nextset():
    results.append(cursor.fetchall())
result["called"] = [list(map(list, part)) for part in results if part]
result["long"] = read("SELECT LENGTH(%s), REPEAT('y', 17000000) = %s", ("x" * 17000000, "z"))
connection.ping()
connection.autocommit(True)
result["left"] = read("SELECT COUNT(*) FROM book") + read("SELECT COUNT(*), SUM(LENGTH(t)) FROM loaded")
connection.close()
json.dump(result, sys.stdout, sort_keys=True)
