// lib/pq and pgx through database/sql, pgx's own interface with its batches: parameters, COPY, cancel by context.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	_ "github.com/jackc/pgx/v4/stdlib"
	"github.com/lib/pq"
)

const find = "SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = $1"

var result = map[string]interface{}{}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func code(err error) string {
	var a *pq.Error
	var b *pgconn.PgError
	if errors.As(err, &a) {
		return string(a.Code) + " " + a.Constraint
	}
	if errors.As(err, &b) {
		return b.Code + " " + b.ConstraintName
	}
	return fmt.Sprint(err)
}

func deletes(db *sql.DB, author int) []int64 {
	tx, err := db.Begin()
	must(err)
	rows, err := tx.Query(find, fmt.Sprintf("author %d", author))
	must(err)
	ids, marks := []interface{}{}, []string{}
	for rows.Next() {
		var id int64
		must(rows.Scan(&id))
		ids = append(ids, id)
		marks = append(marks, fmt.Sprintf("$%d", len(ids)))
	}
	done, err := tx.Exec("DELETE FROM book WHERE id IN ("+strings.Join(marks, ", ")+")", ids...)
	must(err)
	affected, _ := done.RowsAffected()
	must(tx.Commit())
	return []int64{int64(len(ids)), affected}
}

func throughSQL(driver, url string, author int) {
	db, err := sql.Open(driver, url)
	must(err)
	defer db.Close()
	result[driver+" deleted"] = [][]int64{deletes(db, author), deletes(db, author+1)}
	tx, err := db.Begin()
	must(err)
	_, err = tx.Exec("SAVEPOINT s")
	must(err)
	_, err = tx.Exec("INSERT INTO setting (name, value) VALUES ($1, $2)", "setting 1", 7)
	result[driver+" violated"] = code(err)
	_, err = tx.Exec("ROLLBACK TO SAVEPOINT s")
	must(err)
	var id, value int
	must(tx.QueryRow("SELECT id, value FROM setting WHERE name = $1", "setting 1").Scan(&id, &value))
	result[driver+" existing"] = []int{id, value}
	must(tx.Rollback())
	var sum int64
	rows, err := db.Query("SELECT a.id FROM book a, book b WHERE $1", true)
	must(err)
	for rows.Next() {
		var id int64
		must(rows.Scan(&id))
		sum += id
	}
	result[driver+" read"] = sum
	cancelled := make(chan string)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, err := db.ExecContext(ctx, "SELECT pg_sleep(60)")
		cancelled <- fmt.Sprint(err != nil)
	}()
	for asleep := 0; asleep == 0; time.Sleep(time.Millisecond) {
		must(db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()").Scan(&asleep))
	}
	cancel()
	result[driver+" cancelled"] = <-cancelled
	for asleep := 1; asleep > 0; time.Sleep(time.Millisecond) {
		must(db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()").Scan(&asleep))
	}
}

func copyIn(url string) {
	db, err := sql.Open("postgres", url)
	must(err)
	defer db.Close()
	tx, err := db.Begin()
	must(err)
	_, err = tx.Exec("CREATE TEMP TABLE copied (n int, t text)")
	must(err)
	statement, err := tx.Prepare(pq.CopyIn("copied", "n", "t"))
	must(err)
	for n := 0; n < 3000; n++ {
		_, err = statement.Exec(n, fmt.Sprint("line ", n))
		must(err)
	}
	_, err = statement.Exec()
	must(err)
	must(statement.Close())
	var count int
	must(tx.QueryRow("SELECT count(*) FROM copied").Scan(&count))
	result["lib/pq copied"] = count
	must(tx.Commit())
}

func native(url string) {
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, url)
	must(err)
	defer connection.Close(ctx)
	batch := &pgx.Batch{}
	for n := 0; n < 200; n++ {
		batch.Queue("SELECT $1::int + 1", n)
	}
	results := connection.SendBatch(ctx, batch)
	sum := 0
	for n := 0; n < 200; n++ {
		var next int
		must(results.QueryRow().Scan(&next))
		sum += next
	}
	must(results.Close())
	result["pgx batch"] = sum
	_, err = connection.Exec(ctx, "CREATE TEMP TABLE copied (n int, t text)")
	must(err)
	lines := [][]interface{}{}
	for n := 0; n < 3000; n++ {
		lines = append(lines, []interface{}{int32(n), fmt.Sprint("line ", n)})
	}
	copied, err := connection.CopyFrom(ctx, pgx.Identifier{"copied"}, []string{"n", "t"}, pgx.CopyFromRows(lines))
	must(err)
	result["pgx copied"] = copied
	rows, err := connection.Query(ctx, "SELECT b, i2, i4, i8, f, t, y, d, u, a FROM every_type")
	must(err)
	for rows.Next() {
		values, err := rows.Values()
		must(err)
		result["pgx types"] = append([]string{fmt.Sprint(result["pgx types"])}, fmt.Sprint(values...))
	}
}

func main() {
	url := os.Args[1] + "?sslmode=disable"
	throughSQL("postgres", url, 2)
	throughSQL("postgres", url+"&binary_parameters=yes", 4)
	throughSQL("pgx", url, 6)
	copyIn(url)
	native(url)
	text, err := json.Marshal(result)
	must(err)
	fmt.Println(string(text))
}
