// The client of the recordings that uses JDBC, MySQL's driver or MariaDB's: says, a JSON line each, what it
// asked and got. Arguments: what to call itself, the URL.
import java.sql.*;
import java.util.*;

class Client {
    static String name;

    static long now() {
        var t = java.time.Instant.now();
        return t.getEpochSecond() * 1_000_000_000L + t.getNano();
    }

    static String quoted(Object value) {
        if (value == null || value instanceof Number)
            return String.valueOf(value);
        return '"' + value.toString().replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    static void say(String query, Object[] params, long sentAt, String more) {
        var line = new StringBuilder("{\"client\": \"" + name + "\", \"query\": " + quoted(query));
        if (params != null && params.length > 0)
            line.append(", \"params\": [").append(String.join(", ", Arrays.stream(params).map(Client::quoted).toList()))
                .append(']');
        System.out.println(line + ", " + more + ", \"sent_at\": " + sentAt + ", \"done_at\": " + now() + "}");
    }

    static long count(ResultSet rows) throws SQLException {
        long n = 0;
        while (rows.next())
            n++;
        return n;
    }

    static String failure(SQLException e) {
        return "\"code\": " + e.getErrorCode();
    }

    static void ask(Connection db, String query) {
        long sentAt = now();
        try (var statement = db.createStatement()) {
            if (!statement.execute(query)) {
                say(query, null, sentAt, "\"affected\": " + statement.getUpdateCount());
                return;
            }
            long rows = count(statement.getResultSet());
            while (statement.getMoreResults())
                rows += count(statement.getResultSet());
            say(query, null, sentAt, "\"rows\": " + rows);
        } catch (SQLException e) {
            say(query, null, sentAt, failure(e));
        }
    }

    static void execute(PreparedStatement statement, String query, long sentAt, Object... params) {
        try {
            for (int i = 0; i < params.length; i++)
                statement.setObject(i + 1, params[i]);
            if (statement.execute())
                say(query, params, sentAt, "\"rows\": " + count(statement.getResultSet()));
            else
                say(query, params, sentAt, "\"affected\": " + statement.getUpdateCount());
        } catch (SQLException e) {
            say(query, params, sentAt, failure(e));
        }
    }

    static void prepared(Connection db, String query, Object[]... all) {
        long sentAt = now();
        try (var statement = db.prepareStatement(query)) {
            for (var params : all)
                execute(statement, query, sentAt, params);
        } catch (SQLException e) { // at once, where the server prepares
            say(query, null, sentAt, failure(e));
        }
    }

    /** Many rows in one go, in one message or many. */
    static void batch(Connection db) throws SQLException {
        String query = "insert into line values (?, ?, ?)";
        try (var statement = db.prepareStatement(query)) {
            long sentAt = now();
            var params = new ArrayList<Object>();
            for (int i = 0; i < 4; i++) {
                Object[] row = {7000 + i, i, i == 2 ? null : i * i};
                for (int k = 0; k < 3; k++)
                    statement.setObject(k + 1, row[k], Types.INTEGER);
                params.addAll(Arrays.asList(row));
                statement.addBatch();
            }
            statement.executeBatch();
            if (name.equals("mariadb-java"))
                say(query, params.toArray(), sentAt, "\"affected\": 4");
            else
                for (int i = 0; i < 4; i++)
                    say(query, params.subList(3 * i, 3 * i + 3).toArray(), sentAt, "\"affected\": 1");
        }
    }

    public static void main(String[] arguments) throws SQLException {
        name = arguments[0];
        try (var db = DriverManager.getConnection(arguments[1], "shop", "t0psecret")) {
            ask(db, "select 'id-1'");
            prepared(db, "select ? as id, seq from seq_1_to_3 where seq > ?", new Object[] {"id-2", 0},
                     new Object[] {"id-3", 2}, new Object[] {"id-4", -1L});
            prepared(db, "insert into line values (?, ?, ?)", new Object[] {6000, 1, 2}, new Object[] {6001, null, 3});
            prepared(db, "insert into line values (?, ?, ?)", new Object[] {6001, 4, 5});
            prepared(db, "select ? from nowhere", new Object[] {"id-5"});
            db.setAutoCommit(false);
            batch(db);
            db.commit();
            db.setAutoCommit(true);
            ask(db, "select 'id-6'; select 2, 3; select 4 from seq_1_to_5");
            ask(db, "call two_results()");
            ask(db, "select 'id-7', count(*) from line where id >= 6000");
            ask(db, "delete from line where id >= 6000");
        }
    }
}
