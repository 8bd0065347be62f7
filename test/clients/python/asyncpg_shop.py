"""asyncpg: every statement is a named prepared one, everything is binary."""
import asyncio
import json
import sys

import asyncpg

find = "SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = $1"


async def main():
    connection = await asyncpg.connect(sys.argv[1])
    result = {}

    # A delete in two steps with one parameter an id.
    async with connection.transaction():
        ids = [row["id"] for row in await connection.fetch(find, "author 2")]
        marks = ", ".join(f"${n + 1}" for n in range(len(ids)))
        tag = await connection.execute(f"DELETE FROM book WHERE id IN ({marks})", *ids)
    result["found"] = len(ids)
    result["deleted"] = int(tag.split()[1])

    # The same prepared long before, with one array, and used again and again.
    finder = await connection.prepare(find)
    deleter = await connection.prepare("DELETE FROM book WHERE id = ANY($1::bigint[])")
    deleted = []
    for author in range(3, 8):
        async with connection.transaction():
            ids = [row["id"] for row in await finder.fetch(f"author {author}")]
            await deleter.fetch(list(reversed(ids)))
            deleted.append(int(deleter.get_statusmsg().split()[1]))
    result["deleted prepared"] = deleted

    # Update or create: the inner block is a savepoint.
    async with connection.transaction():
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO setting (name, value) VALUES ($1, $2)", "setting 1", 7)
        except asyncpg.UniqueViolationError as error:
            result["violated"] = error.constraint_name
        row = await connection.fetchrow("SELECT id, value FROM setting WHERE name = $1", "setting 1")
        await connection.execute("UPDATE setting SET value = $1 WHERE id = $2", row["value"] + 1, row["id"])

    # Things around it: a portal read in portions, executemany (a pipeline), COPY, LISTEN, a timeout that cancels.
    async with connection.transaction():
        result["read by cursor"] = len([1 async for _ in connection.cursor("SELECT id FROM book", prefetch=7)])
    await connection.execute("CREATE TEMP TABLE many (id int, t text)")
    await connection.executemany("INSERT INTO many VALUES ($1, $2)", [(n, f"line {n}") for n in range(1000)])
    await connection.copy_records_to_table("many", records=[(n, "copied") for n in range(1000)])
    result["many"] = await connection.fetchval("SELECT count(*) FROM many")
    heard = asyncio.get_running_loop().create_future()
    await connection.add_listener("news", lambda *args: heard.set_result(args[3]))
    await connection.execute("NOTIFY news, 'ünï'")
    result["heard"] = await heard
    try:
        await connection.fetch("SELECT pg_sleep(600)", timeout=0.2)
    except asyncio.TimeoutError:
        result["after a cancel"] = await connection.fetchval("SELECT 1")
    result["types"] = [[str(v) for v in row] for row in await connection.fetch("SELECT * FROM every_type")]
    result["left"] = await connection.fetchval("SELECT count(*) FROM book")
    await connection.close()

    pool = await asyncpg.create_pool(sys.argv[1], min_size=2, max_size=4)
    result["pool"] = sum(await asyncio.gather(*(pool.fetchval("SELECT $1::int", n) for n in range(50))))
    await pool.close()
    json.dump(result, sys.stdout)


asyncio.run(main())
