import java.io.StringReader;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** The client of the recordings that uses JDBC: says, a JSON line each, what it asked and got. */
public class Client {
	static Connection db;
	static long pid;
	static int id = 800;

	static long now() {
		java.time.Instant t = java.time.Instant.now();
		return t.getEpochSecond() * 1_000_000_000L + t.getNano();
	}

	static String quoted(Object value) {
		if (value == null || value instanceof Integer || value instanceof Long || value instanceof Boolean)
			return String.valueOf(value);
		if (value instanceof List<?> list) {
			StringJoiner all = new StringJoiner(", ", "[", "]");
			list.forEach(v -> all.add(quoted(v)));
			return all.toString();
		}
		return "\"" + value.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
	}

	static class Row extends LinkedHashMap<String, Object> {
		Row(String query, Object... params) {
			put("server_pid_of_port", pid);
			put("query", query);
			put("sent_at", now());
			if (params.length > 0) {
				List<String> texts = new ArrayList<>();
				for (Object p : params)
					texts.add(p == null ? "NULL" : p instanceof String || p instanceof Integer ? p.toString() : null);
				put("params", texts);
			}
		}

		void say() {
			put("done_at", now());
			StringJoiner all = new StringJoiner(", ", "{", "}");
			forEach((name, value) -> all.add(quoted(name) + ": " + quoted(value)));
			System.out.println(all);
		}

		void failed(SQLException error) {
			put("code", error.getSQLState());
			ServerErrorMessage said = ((PSQLException) error).getServerErrorMessage();
			put("message", said.getMessage());
			if (said.getDetail() != null)
				put("detail", said.getDetail());
			if (said.getHint() != null)
				put("hint", said.getHint());
			if (said.getTable() != null)
				put("table", said.getTable());
			if (said.getConstraint() != null)
				put("constraint", said.getConstraint());
			say();
		}
	}

	static int read(ResultSet rows, Row row) throws SQLException {
		int n = 0;
		for (; rows.next(); n++) {
			if (n == 0 && row != null)
				row.put("first", List.of(rows.getString(1)));
		}
		return n;
	}

	static void set(PreparedStatement st, Object... params) throws SQLException {
		for (int i = 0; i < params.length; i++)
			st.setObject(i + 1, params[i]);
	}

	/** As the server gets it: $1 for ?. */
	static String sent(String query) {
		for (int i = 1; query.contains("?"); i++)
			query = query.replaceFirst("\\?", "\\$" + i);
		return query;
	}

	static void ask(PreparedStatement st, String query, Object... params) throws SQLException {
		set(st, params);
		Row row = new Row(sent(query), params);
		try {
			if (st.execute())
				row.put("rows", read(st.getResultSet(), row));
			else
				row.put("affected", st.getUpdateCount());
			row.say();
		} catch (SQLException error) {
			row.remove("first");
			row.failed(error);
		}
	}

	static void ask(String query, Object... params) throws SQLException {
		try (PreparedStatement st = db.prepareStatement(query)) {
			ask(st, query, params);
		}
	}

	static String id() {
		return "id-" + ++id;
	}

	static void open(String options) throws SQLException {
		db = DriverManager.getConnection("jdbc:postgresql://127.0.0.1/shop?user=trusty&sslmode=prefer" + options);
		pid = db.unwrap(PGConnection.class).getBackendPID();
	}

	/** Two statements of one text: the driver sends a Parse, Bind and Execute for each, one Sync. */
	static void several() throws SQLException {
		String first = "select '" + id() + "'", second = "select '" + id() + "', 2";
		Row a = new Row(first), b = new Row(second);
		try (Statement st = db.createStatement()) {
			st.execute(first + "; " + second);
			a.put("rows", read(st.getResultSet(), a));
			a.say();
			st.getMoreResults();
			b.put("rows", read(st.getResultSet(), b));
			b.say();
		}
	}

	/** Statements of a batch are pipelined. Behind one that fails all are skipped. */
	static void batch(int broken) throws SQLException {
		String query = "update item set price = 100 / ? where id = ?";
		List<Row> rows = new ArrayList<>();
		int[] done;
		try (PreparedStatement st = db.prepareStatement(query)) {
			long sent_at = now();
			for (int i = 0; i < 10; i++) {
				Object[] params = {i == broken ? 0 : i + 1, i + 1};
				set(st, params);
				st.addBatch();
				rows.add(new Row("update item set price = 100 / $1 where id = $2", params));
			}
			try {
				st.executeBatch();
				for (Row row : rows) {
					row.put("affected", 1);
					row.say();
				}
			} catch (BatchUpdateException error) {
				for (int i = 0; i < rows.size(); i++) {
					Row row = rows.get(i);
					if (i == broken) {
						row.failed((SQLException) error.getCause());
						continue;
					}
					if (i < broken)
						row.put("affected", 1);
					else
						row.put("skipped", true);
					row.say();
				}
			}
		}
	}

	/** A portal that is suspended and gone on with, so many rows at a time. */
	static void fetches(int size, int rows) throws SQLException {
		db.setAutoCommit(false);
		String query = "select '" + id() + "', i from generate_series(1, ?) i";
		try (PreparedStatement st = db.prepareStatement(query)) {
			st.setFetchSize(size);
			st.setInt(1, rows);
			Row row = new Row(sent(query), rows);
			row.put("fetch", size);
			row.put("rows", read(st.executeQuery(), row));
			row.say();
		}
		db.commit();
		db.setAutoCommit(true);
	}

	static void copies() throws Exception {
		CopyManager copy = db.unwrap(PGConnection.class).getCopyAPI();
		Row row = new Row("copy item (id, name) from stdin");
		String data = "9200\tone\n9201\ttwo\n";
		row.put("tag", "COPY " + copy.copyIn("copy item (id, name) from stdin", new StringReader(data)));
		row.put("copy_bytes", data.length());
		row.say();
		Row out = new Row("copy item to stdout");
		java.io.ByteArrayOutputStream got = new java.io.ByteArrayOutputStream();
		out.put("tag", "COPY " + copy.copyOut("copy item to stdout", got));
		out.put("copy_bytes", got.size());
		out.say();
	}

	/** Once unseen, for classes that are loaded as they are needed make pauses; then, when told, to be recorded. */
	public static void main(String[] arguments) throws Exception {
		java.io.PrintStream out = System.out;
		System.setOut(new java.io.PrintStream(java.io.OutputStream.nullOutputStream()));
		all();
		System.setOut(out);
		System.out.println("ready");
		System.in.read();
		id = 800;
		all();
	}

	static void all() throws Exception {
		open("");
		ask("select ?::text, 1", id());
		ask("insert into item values (?, ?)", 5, "five");
		ask("select 1 / ?, 'x'", 0);
		ask("select * from nowhere");
		several();
		String repeated = "select ?::text, name from item where id < ?";
		try (PreparedStatement st = db.prepareStatement(repeated)) {
			for (int i = 0; i < 8; i++)
				ask(st, repeated, id(), i + 2);
		}
		ask("select ?::text, ?::text", id(), null);
		batch(-1);
		batch(4);
		fetches(10, 47);
		fetches(10, 30);
		copies();
		ask("delete from item where id >= ?", 9000);
		db.close();
		open("&preferQueryMode=simple");
		ask("select '" + id() + "', 1");
		ask("select 1 from nowhere");
		db.close();
	}
}
