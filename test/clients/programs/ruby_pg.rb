# ruby-pg: parameters, named statements, the array of ids, COPY, libpq's pipeline mode, cancel.
require "json"
require "pg"
require "uri"

url = URI(ARGV[0])
options = { host: url.host, port: url.port, user: url.user, dbname: url.path[1..], sslmode: "disable" }
connection = PG.connect(**options)
result = {}
find = "SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = $1"

result["types"] = connection.exec("SELECT * FROM every_type").values
result["binary"] = connection.exec_params("SELECT i2, i4, y FROM every_type", [], 1).values.map { |r| r.map { |v| v&.unpack1("H*") } }

connection.transaction do
  ids = connection.exec(find.sub("$1", "'author 2'")).column_values(0)
  result["literals"] = connection.exec("DELETE FROM book WHERE id IN (#{ids.join(", ")})").cmd_tuples
end
connection.transaction do
  ids = connection.exec_params(find, ["author 3"]).column_values(0)
  marks = (1..ids.size).map { |n| "$#{n}" }.join(", ")
  result["parameters"] = connection.exec_params("DELETE FROM book WHERE id IN (#{marks})", ids).cmd_tuples
end
connection.prepare("find", find)
connection.prepare("drop", "DELETE FROM book WHERE id = ANY($1)")
result["prepared"] = [4, 5].map do |author|
  connection.transaction do
    ids = connection.exec_prepared("find", ["author #{author}"]).column_values(0)
    connection.exec_prepared("drop", [PG::TextEncoder::Array.new.encode(ids)]).cmd_tuples
  end
end

connection.transaction do
  connection.exec("SAVEPOINT s")
  begin
    connection.exec_params("INSERT INTO setting (name, value) VALUES ($1, $2)", ["setting 1", 7])
  rescue PG::UniqueViolation => error
    result["violated"] = [error.result.error_field(PG::PG_DIAG_SQLSTATE), error.message]
  end
  connection.exec("ROLLBACK TO SAVEPOINT s")
  result["existing"] = connection.exec_params("SELECT id, value FROM setting WHERE name = $1", ["setting 1"]).values
end

connection.exec("CREATE TEMP TABLE copied (n int, t text)")
connection.copy_data("COPY copied FROM STDIN") { 5000.times { |n| connection.put_copy_data("#{n}\tline #{n}\n") } }
copied = []
connection.copy_data("COPY copied TO STDOUT") { while (row = connection.get_copy_data); copied << row; end }
result["copied"] = copied.sum(&:bytesize)
begin
  connection.copy_data("COPY copied FROM STDIN") { connection.put_copy_data("x\ty\n") }
rescue PG::Error => error
  result["bad copy"] = error.message
end

connection.enter_pipeline_mode
300.times { |n| connection.send_query_params("SELECT $1::int + 1", [n.to_s]) }
connection.send_query_params("SELECT 1/0", [])
connection.send_query_params("SELECT 'never'", [])
connection.pipeline_sync
connection.send_query_params("SELECT 'after'", [])
connection.pipeline_sync
pipelined = []
syncs = 0
until syncs == 2
  part = connection.get_result
  next if part.nil?
  case part.result_status
  when PG::PGRES_PIPELINE_SYNC then syncs += 1
  when PG::PGRES_TUPLES_OK then pipelined << part.getvalue(0, 0)
  else pipelined << part.res_status(part.result_status) << part.error_field(PG::PG_DIAG_SQLSTATE)
  end
end
connection.exit_pipeline_mode
result["pipelined"] = pipelined

connection.send_query("SELECT * FROM generate_series(1, 20000)")
connection.set_single_row_mode
result["single rows"] = connection.get_result.stream_each.sum { |row| row["generate_series"].to_i }
connection.get_result

watcher = PG.connect(**options)
connection.send_query("SELECT pg_sleep(60)")
until watcher.exec_params("SELECT wait_event FROM pg_stat_activity WHERE pid = $1", [connection.backend_pid]).getvalue(0, 0) == "PgSleep"; end
connection.cancel
begin
  connection.get_last_result
rescue PG::QueryCanceled => error
  result["cancelled"] = error.message
end
watcher.exec("LISTEN news")
connection.exec("NOTIFY news, 'heard'")
result["notified"] = watcher.wait_for_notify(10) { |_, _, payload| result["payload"] = payload }
result["left"] = connection.exec("SELECT count(*) FROM book").values
puts JSON.generate(result)
