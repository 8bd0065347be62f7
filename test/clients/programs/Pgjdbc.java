// pgjdbc in its three query modes: named statements after the fifth use, portals with a fetch size, batches, COPY, cancel.
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;

public class Pgjdbc {
  static final List<String> lines = new ArrayList<>();

  static void say(String what, Object value) {
    lines.add(what + ": " + value);
  }

  static String rows(ResultSet found) throws SQLException {
    StringBuilder text = new StringBuilder();
    int columns = found.getMetaData().getColumnCount();
    while (found.next()) for (int i = 1; i <= columns; i++) text.append(found.getString(i)).append(i == columns ? ";" : ",");
    return text.toString();
  }

  static void deletes(Connection connection, int author, boolean array) throws SQLException {
    connection.setAutoCommit(false);
    List<Long> ids = new ArrayList<>();
    try (PreparedStatement find = connection.prepareStatement(
        "SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ?")) {
      find.setString(1, "author " + author);
      try (ResultSet found = find.executeQuery()) {
        while (found.next()) ids.add(found.getLong(1));
      }
    }
    String marks = String.join(", ", Collections.nCopies(ids.size(), "?"));
    String list = array ? "= ANY(?)" : "IN (" + marks + ")";
    try (PreparedStatement delete = connection.prepareStatement("DELETE FROM book WHERE id " + list)) {
      if (array) delete.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
      else for (int i = 0; i < ids.size(); i++) delete.setLong(i + 1, ids.get(i));
      say("deleted", ids.size() + "/" + delete.executeUpdate());
    }
    connection.commit();
    connection.setAutoCommit(true);
  }

  static void everything(Connection connection, Connection watcher, String mode, int author) throws Exception {
    boolean extended = mode.startsWith("extended");
    try (Statement statement = connection.createStatement()) {
      say("types", rows(statement.executeQuery("SELECT * FROM every_type")));
      deletes(connection, author, false);
      if (extended) deletes(connection, author + 1, true);
      connection.setAutoCommit(false);
      Savepoint savepoint = connection.setSavepoint();
      try (PreparedStatement insert = connection.prepareStatement("INSERT INTO setting (name, value) VALUES (?, ?)")) {
        insert.setString(1, "setting 1");
        insert.setInt(2, 7);
        insert.executeUpdate();
      } catch (SQLException error) {
        say("violated", error.getSQLState() + " " + error.getMessage());
      }
      connection.rollback(savepoint);
      try (PreparedStatement read = connection.prepareStatement("SELECT id, value FROM setting WHERE name = ?")) {
        read.setString(1, "setting 1");
        say("existing", rows(read.executeQuery()));
      }
      connection.rollback();
      try (PreparedStatement again = connection.prepareStatement("SELECT title FROM book WHERE id = ?")) {
        for (int i = 1; i <= 12; i++) {
          again.setLong(1, i);
          say("again", rows(again.executeQuery()));
        }
      }
      try (PreparedStatement fetched = connection.prepareStatement("SELECT a.id, b.id FROM book a, book b ORDER BY 1, 2")) {
        fetched.setFetchSize(97);
        long sum = 0;
        try (ResultSet found = fetched.executeQuery()) {
          while (found.next()) sum += found.getLong(1) * 31 + found.getLong(2);
        }
        say("fetched", sum);
      }
      connection.commit();
      connection.setAutoCommit(true);
      statement.execute("CREATE TEMP TABLE IF NOT EXISTS batched (id serial PRIMARY KEY, n int, t text)");
      try (PreparedStatement batch = connection.prepareStatement(
          "INSERT INTO batched (n, t) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
        for (int i = 0; i < 700; i++) {
          batch.setInt(1, i);
          batch.setString(2, "row " + i);
          batch.addBatch();
        }
        say("batch", Arrays.stream(batch.executeBatch()).sum());
        say("keys", rows(batch.getGeneratedKeys()).length());
      }
      var copy = connection.unwrap(PGConnection.class).getCopyAPI();
      say("copied in", copy.copyIn("COPY batched (n, t) FROM STDIN", new StringReader("1\tone\n2\ttwo\n")));
      StringWriter out = new StringWriter();
      copy.copyOut("COPY batched TO STDOUT", out);
      say("copied out", out.toString().length());
      int pid = connection.unwrap(PGConnection.class).getBackendPID();
      Thread canceller = new Thread(() -> {
        try (Statement asks = watcher.createStatement()) {
          String sql = "SELECT wait_event FROM pg_stat_activity WHERE pid = " + pid;
          while (!"PgSleep;".equals(rows(asks.executeQuery(sql))));
          statement.cancel();
        } catch (SQLException error) {
          say("not cancelled", error);
        }
      });
      canceller.start();
      try {
        statement.execute("SELECT pg_sleep(60)");
      } catch (SQLException error) {
        say("cancelled", error.getSQLState());
      }
      canceller.join();
      say("left", rows(statement.executeQuery("SELECT count(*) FROM book")));
    }
  }

  public static void main(String[] args) throws Exception {
    String url = "jdbc:postgresql://" + args[0] + "?user=postgres&sslmode=disable&preferQueryMode=";
    int author = 2;
    for (String mode : List.of("simple", "extendedForPrepared", "extended&prepareThreshold=1", "extendedCacheEverything")) {
      say("mode", mode);
      try (Connection connection = DriverManager.getConnection(url + mode); Connection watcher = DriverManager.getConnection(url + "simple")) {
        everything(connection, watcher, mode, author);
      }
      author += 2;
    }
    System.out.println(String.join("\n", lines));
  }
}
