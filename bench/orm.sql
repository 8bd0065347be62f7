\set id random(1, 100000)
\set amount random(1, 1000)
BEGIN;
SELECT "pgbench_accounts"."aid", "pgbench_accounts"."bid", "pgbench_accounts"."abalance" FROM "pgbench_accounts" INNER JOIN "pgbench_branches" ON ("pgbench_accounts"."bid" = "pgbench_branches"."bid") WHERE "pgbench_accounts"."aid" = :id ORDER BY "pgbench_accounts"."aid" ASC LIMIT 21;
SAVEPOINT "s140213_x1";
INSERT INTO "pgbench_history" ("tid", "bid", "aid", "delta", "mtime") VALUES (1, 1, :id, :amount, '2026-11-25T00:00:00+00:00'::timestamptz) RETURNING "pgbench_history"."tid";
RELEASE SAVEPOINT "s140213_x1";
UPDATE "pgbench_accounts" SET "bid" = 1, "abalance" = :amount WHERE "pgbench_accounts"."aid" = :id;
SELECT "pgbench_tellers"."tid", "pgbench_tellers"."bid", "pgbench_tellers"."tbalance" FROM "pgbench_tellers" WHERE "pgbench_tellers"."bid" IN (1, 2, 3) LIMIT 21;
COMMIT;
