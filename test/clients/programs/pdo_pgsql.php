<?php
// PDO with its statements prepared on the server and with literals of its own making; ext/pgsql for COPY and cancel.
$url = parse_url($argv[1]);
$database = substr($url['path'], 1);
$result = [];
$find = 'SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ?';
foreach ([false, true] as $emulated) {
    $pdo = new PDO("pgsql:host={$url['host']};port={$url['port']};dbname=$database;sslmode=disable", $url['user'], null, [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_EMULATE_PREPARES => $emulated,
    ]);
    $way = $emulated ? 'emulated' : 'prepared';
    $result["$way types"] = $pdo->query('SELECT * FROM every_type')->fetchAll(PDO::FETCH_NUM);
    foreach ($emulated ? [2, 3] : [4, 5] as $author) {
        $pdo->beginTransaction();
        $select = $pdo->prepare($find);
        $select->execute(["author $author"]);
        $ids = $select->fetchAll(PDO::FETCH_COLUMN);
        $delete = $pdo->prepare('DELETE FROM book WHERE id IN (' . implode(', ', array_fill(0, count($ids), '?')) . ')');
        foreach ($ids as $i => $id) $delete->bindValue($i + 1, $id, PDO::PARAM_INT);
        $delete->execute();
        $result["$way deleted"][] = [count($ids), $delete->rowCount()];
        $pdo->commit();
    }
    $pdo->beginTransaction();
    $pdo->exec('SAVEPOINT s');
    try {
        $pdo->prepare('INSERT INTO setting (name, value) VALUES (?, ?)')->execute(['setting 1', 7]);
    } catch (PDOException $error) {
        $result["$way violated"] = $error->errorInfo;
    }
    $pdo->exec('ROLLBACK TO SAVEPOINT s');
    $read = $pdo->prepare('SELECT id, value FROM setting WHERE name = ?');
    $read->execute(['setting 1']);
    $result["$way existing"] = $read->fetchAll(PDO::FETCH_ASSOC);
    $pdo->rollBack();
    $result["$way copied in"] = $pdo->pgsqlCopyFromArray('author', ["1001\tone\n", "1002\ttwo\n"]);
    $result["$way copied out"] = $pdo->pgsqlCopyToArray('author');
    $pdo->exec('DELETE FROM author WHERE id > 1000');
    $pdo->beginTransaction();
    $large = $pdo->pgsqlLOBCreate();
    $stream = $pdo->pgsqlLOBOpen($large, 'w');
    fwrite($stream, str_repeat('large ', 20000));
    fclose($stream);
    $stream = $pdo->pgsqlLOBOpen($large, 'r');
    $result["$way large"] = md5(stream_get_contents($stream));
    unset($stream);
    $pdo->rollBack();
    $pdo = $select = $delete = $read = null;
}

$connection = pg_connect("host={$url['host']} port={$url['port']} dbname=$database user={$url['user']} sslmode=disable");
$watcher = pg_connect("host={$url['host']} port={$url['port']} dbname=$database user={$url['user']} sslmode=disable", PGSQL_CONNECT_FORCE_NEW);
$pid = pg_get_pid($connection);
pg_send_query($connection, 'SELECT pg_sleep(60)');
do {
    $state = pg_fetch_result(pg_query_params($watcher, 'SELECT wait_event FROM pg_stat_activity WHERE pid = $1', [$pid]), 0, 0);
} while ($state !== 'PgSleep');
pg_cancel_query($connection);
$result['after the cancel'] = pg_fetch_row(pg_query($connection, 'SELECT 1'));
pg_query($connection, 'LISTEN news');
pg_query($watcher, "NOTIFY news, 'heard'");
pg_query($connection, 'SELECT 1');
$result['notified'] = pg_get_notify($connection)['message'];
pg_send_query($connection, 'SELECT 1; SELECT 1/0');
while ($part = pg_get_result($connection))
    $result['several'][] = [pg_num_rows($part), pg_result_error_field($part, PGSQL_DIAG_SQLSTATE)];
$result['left'] = pg_fetch_row(pg_query($connection, 'SELECT count(*) FROM book'));
echo json_encode($result);
