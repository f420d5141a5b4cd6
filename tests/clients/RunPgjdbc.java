import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** pgjdbc: the extended protocol for everything, server-side statements after a few uses, binary results, batches. */
public final class RunPgjdbc {
    private static final String TABLE = "work_pgjdbc";
    private static final boolean MASKED = "1".equals(System.getenv("CLIENTS_MASKED"));
    private static final String CARD = MASKED ? "*".repeat(12) + "1111" : "4111111111111111";
    private static final String EMAIL = MASKED ? "[redacted]" : "ada@example.com";

    private interface Scenario {
        void run() throws Exception;
    }

    private interface Work {
        void with(Connection session) throws Exception;
    }

    private static void withSession(Work work, String... more) throws Exception {
        var settings = new Properties();
        settings.setProperty("user", System.getenv("PGUSER"));
        settings.setProperty("password", System.getenv("PGPASSWORD"));
        settings.setProperty("sslmode", "disable");
        settings.setProperty("gssEncMode", "disable");
        settings.setProperty("loginTimeout", "10");
        settings.setProperty("socketTimeout", "25");
        for (int at = 0; at < more.length; at += 2) {
            settings.setProperty(more[at], more[at + 1]);
        }
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        try (Connection session = DriverManager.getConnection(url, settings)) {
            work.with(session);
        }
    }

    private static void same(Object found, Object wanted) {
        if (!Objects.deepEquals(found, wanted)) {
            throw new AssertionError("wanted " + text(wanted) + ", found " + text(found));
        }
    }

    private static String text(Object value) {
        return value instanceof Object[] many ? Arrays.deepToString(many) : String.valueOf(value);
    }

    private static String stateOf(Scenario action) throws Exception {
        try {
            action.run();
        } catch (SQLException error) {
            return error.getSQLState();
        }
        return null;
    }

    private static void execute(Connection session, String... statements) throws SQLException {
        try (Statement statement = session.createStatement()) {
            for (String text : statements) {
                statement.execute(text);
            }
        }
    }

    private static Object value(Connection session, String query, Object... parameters) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(query)) {
            for (int at = 0; at < parameters.length; at++) {
                statement.setObject(at + 1, parameters[at]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getObject(1);
            }
        }
    }

    private static void freshTable(Connection session) throws SQLException {
        execute(session, "DROP TABLE IF EXISTS " + TABLE, "CREATE TABLE " + TABLE + " (id integer PRIMARY KEY, name text)");
    }

    private static CopyManager copies(Connection session) throws SQLException {
        return session.unwrap(PGConnection.class).getCopyAPI();
    }

    private static void connect() throws Exception {
        withSession(session -> {
            same(value(session, "SELECT 1"), 1);
            same(session.isValid(5), true);
            same(session.getMetaData().getDatabaseProductName(), "PostgreSQL");
        });
    }

    private static void simple() throws Exception {
        Work work = session -> {
            try (Statement statement = session.createStatement()) {
                same(statement.execute("SELECT 1; SELECT 'two'; SELECT NULL"), true);
                statement.getResultSet().next();
                same(statement.getResultSet().getInt(1), 1);
                same(statement.getMoreResults(), true);
                statement.getResultSet().next();
                same(statement.getResultSet().getString(1), "two");
                same(statement.getMoreResults(), true);
                same(statement.getMoreResults(), false);
                statement.execute("");
            }
        };
        withSession(work);
        withSession(work, "preferQueryMode", "simple");
    }

    private static void prepared() throws Exception {
        // The fifth use of a statement makes it a named one on the server, from -1 on the first.
        for (String threshold : new String[] {"5", "1", "-1"}) {
            withSession(session -> {
                freshTable(session);
                try (var put = session.prepareStatement("INSERT INTO " + TABLE + " VALUES (?, ?)")) {
                    for (int id = 0; id < 12; id++) {
                        put.setInt(1, id);
                        put.setString(2, "name " + id);
                        same(put.executeUpdate(), 1);
                    }
                }
                try (var get = session.prepareStatement("SELECT name FROM " + TABLE + " WHERE id = ?")) {
                    same(get.getParameterMetaData().getParameterTypeName(1), "int4");
                    for (int id = 0; id < 12; id++) {
                        get.setInt(1, id);
                        try (ResultSet rows = get.executeQuery()) {
                            rows.next();
                            same(rows.getString(1), "name " + id);
                        }
                    }
                }
            }, "prepareThreshold", threshold);
        }
    }

    private static void binary() throws Exception {
        for (String binary : new String[] {"true", "false"}) {
            withSession(session -> {
                try (var query = session.prepareStatement(
                        "SELECT 7::int4, 2::int8 ^ 40, 1.5::float8, 12345.678901::numeric, 'Gödel ✓'::text, "
                        + "'\\x0001ff'::bytea, true, NULL::int4, '2026-02-03'::date, ARRAY[1, 2, 3], "
                        + "'6b1d1a4c-93b1-4a4b-9b57-6d8f7c3d2f11'::uuid, '2026-02-03 04:05:06Z'::timestamptz WHERE ? = 1")) {
                    for (int round = 0; round < 3; round++) {
                        query.setInt(1, 1);
                        try (ResultSet row = query.executeQuery()) {
                            row.next();
                            same(row.getInt(1), 7);
                            same(row.getDouble(3), 1.5);
                            same(row.getBigDecimal(4).toPlainString(), "12345.678901");
                            same(row.getString(5), "Gödel ✓");
                            same(row.getBytes(6), new byte[] {0, 1, -1});
                            same(row.getBoolean(7), true);
                            same(row.getObject(8), null);
                            same(row.getDate(9).toString(), "2026-02-03");
                            same(row.getArray(10).getArray(), new Integer[] {1, 2, 3});
                            same(row.getObject(11).toString(), "6b1d1a4c-93b1-4a4b-9b57-6d8f7c3d2f11");
                            same(row.getTimestamp(12).toInstant().toString(), "2026-02-03T04:05:06Z");
                        }
                    }
                }
            }, "binaryTransfer", binary, "prepareThreshold", "-1");
        }
    }

    private static void error() throws Exception {
        withSession(session -> {
            freshTable(session);
            execute(session, "INSERT INTO " + TABLE + " VALUES (1, 'one')");
            same(stateOf(() -> value(session, "SELECT 1/0")), "22012");
            same(stateOf(() -> value(session, "SELECT 1/?::int", 0)), "22012");
            same(stateOf(() -> value(session, "SELEC 1")), "42601");
            same(stateOf(() -> value(session, "SELECT * FROM no_such_table WHERE id = ?", 1)), "42P01");
            same(stateOf(() -> value(session, "INSERT INTO " + TABLE + " VALUES (?, 'again')", 1)), "23505");
            same(value(session, "SELECT 1"), 1);
        });
    }

    private static void denied() throws Exception {
        for (String threshold : new String[] {"5", "-1"}) {
            withSession(session -> {
                for (int round = 0; round < 3; round++) {
                    same(stateOf(() -> value(session, "SELECT * FROM forbidden")), "42501");
                    same(stateOf(() -> value(session, "SELECT * FROM forbidden WHERE id = ?", 1)), "42501");
                    same(stateOf(() -> execute(session, "SELECT 1; SELECT * FROM forbidden; SELECT 2")), "42501");
                    same(value(session, "SELECT ?::int", 1), 1);
                }
                session.setAutoCommit(false);
                same(value(session, "SELECT 1"), 1);
                same(stateOf(() -> value(session, "SELECT * FROM forbidden")), "42501");
                session.rollback();
                // Behind a BEGIN of the driver's own, in one batch.
                same(stateOf(() -> value(session, "SELECT * FROM forbidden")), "42501");
                session.rollback();
                same(value(session, "SELECT 1"), 1);
                session.commit();
            }, "prepareThreshold", threshold);
        }
    }

    private static void transaction() throws Exception {
        for (String autosave : new String[] {"never", "always"}) {
            withSession(session -> {
                freshTable(session);
                session.setAutoCommit(false);
                execute(session, "INSERT INTO " + TABLE + " VALUES (1, 'kept')");
                Savepoint savepoint = session.setSavepoint();
                same(stateOf(() -> value(session, "INSERT INTO " + TABLE + " VALUES (?, 'again') RETURNING id", 1)), "23505");
                same(stateOf(() -> value(session, "SELECT 1")), autosave.equals("never") ? "25P02" : null);
                session.rollback(savepoint);
                session.commit();
                execute(session, "DELETE FROM " + TABLE);
                session.rollback();
                session.setAutoCommit(true);
                session.setReadOnly(true);
                session.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                same(value(session, "SELECT count(*) FROM " + TABLE), 1L);
            }, "autosave", autosave);
        }
    }

    private static void copyIn() throws Exception {
        withSession(session -> {
            freshTable(session);
            var rows = new StringBuilder();
            for (int id = 0; id < 3000; id++) {
                rows.append(id).append("\tname ").append(id).append('\n');
            }
            same(copies(session).copyIn("COPY " + TABLE + " FROM STDIN", new StringReader(rows.toString())), 3000L);
            same(value(session, "SELECT count(*) FROM " + TABLE), 3000L);
        });
    }

    private static void copyInFailure() throws Exception {
        withSession(session -> {
            freshTable(session);
            String copy = "COPY " + TABLE + " FROM STDIN";
            same(stateOf(() -> copies(session).copyIn(copy, new StringReader("one\tname\n"))), "22P02");
            same(stateOf(() -> copies(session).copyIn(copy, new StringReader("1\tname\n".repeat(100_000)))), "23505");
            same(stateOf(() -> copies(session).copyIn("COPY no_such_table FROM STDIN", new StringReader("1\n"))), "42P01");
            same(stateOf(() -> copies(session).copyIn("COPY forbidden FROM STDIN", new StringReader("1\n"))), "42501");
            var given = copies(session).copyIn(copy);
            given.writeToCopy("1\tone\n".getBytes(StandardCharsets.UTF_8), 0, 6);
            given.cancelCopy();
            same(value(session, "SELECT count(*) FROM " + TABLE), 0L);
        });
    }

    private static void copyOut() throws Exception {
        withSession(session -> {
            var out = new ByteArrayOutputStream();
            String query = "COPY (SELECT n, 'name ' || n FROM generate_series(1, 3000) n) TO STDOUT";
            same(copies(session).copyOut(query, out), 3000L);
            same(out.toString(StandardCharsets.UTF_8).endsWith("3000\tname 3000\n"), true);
            same(stateOf(() -> copies(session).copyOut("COPY forbidden TO STDOUT", out)), "42501");
            same(value(session, "SELECT 1"), 1);
        });
    }

    private static void copyOutBinary() throws Exception {
        withSession(session -> {
            var out = new ByteArrayOutputStream();
            String copy = "COPY (SELECT 1) TO STDOUT (FORMAT binary)";
            same(stateOf(() -> copies(session).copyOut(copy, out)), MASKED ? "42501" : null);
            same(out.toString(StandardCharsets.ISO_8859_1).startsWith("PGCOPY"), !MASKED);
            same(value(session, "SELECT 1"), 1);
        });
    }

    private static void cancel() throws Exception {
        withSession(session -> {
            try (Statement statement = session.createStatement()) {
                var canceller = new Thread(() -> {
                    try {
                        Thread.sleep(500);
                        statement.cancel();
                    } catch (InterruptedException | SQLException error) {
                        error.printStackTrace();
                    }
                });
                canceller.start();
                same(stateOf(() -> statement.execute("SELECT pg_sleep(20)")), "57014");
                canceller.join();
            }
            try (Statement statement = session.createStatement()) {
                statement.setQueryTimeout(1);
                same(stateOf(() -> statement.execute("SELECT pg_sleep(20)")), "57014");
            }
            same(value(session, "SELECT 1"), 1);
        });
    }

    private static void pipeline() throws Exception {
        for (String rewrite : new String[] {"false", "true"}) {
            withSession(session -> {
                freshTable(session);
                try (var put = session.prepareStatement("INSERT INTO " + TABLE + " VALUES (?, ?)")) {
                    for (int id = 0; id < 1000; id++) {
                        put.setInt(1, id);
                        put.setString(2, "batched");
                        put.addBatch();
                    }
                    same(put.executeBatch().length, 1000);
                }
                same(value(session, "SELECT count(*) FROM " + TABLE), 1000L);
                try (var put = session.prepareStatement("INSERT INTO " + TABLE + " VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
                    for (int id = 2000; id < 2100; id++) {
                        put.setInt(1, id);
                        put.setString(2, "with keys");
                        put.addBatch();
                    }
                    put.executeBatch();
                    try (ResultSet keys = put.getGeneratedKeys()) {
                        keys.next();
                        same(keys.getInt(1), 2000);
                    }
                }
            }, "reWriteBatchedInserts", rewrite);
        }
    }

    private static void pipelineError() throws Exception {
        withSession(session -> {
            freshTable(session);
            String[][] all = {{"SELECT 1/0", "22012"}, {"DELETE FROM forbidden", "42501"}, {"SELEC", "42601"}};
            for (String[] one : all) {
                try (Statement batch = session.createStatement()) {
                    batch.addBatch("INSERT INTO " + TABLE + " VALUES (1, 'before')");
                    batch.addBatch(one[0]);
                    batch.addBatch("INSERT INTO " + TABLE + " VALUES (2, 'behind')");
                    same(stateOf(batch::executeBatch), one[1]);
                }
                same(value(session, "SELECT count(*) FROM " + TABLE), 0L);
            }
        });
    }

    private static void cursors() throws Exception {
        withSession(session -> {
            session.setAutoCommit(false);
            try (var query = session.prepareStatement("SELECT n FROM generate_series(1, ?) n")) {
                query.setFetchSize(100);
                query.setInt(1, 1000);
                int seen = 0;
                try (ResultSet rows = query.executeQuery()) {
                    while (rows.next()) {
                        seen++;
                        if (seen == 250) {
                            same(value(session, "SELECT 'between'"), "between");
                        }
                    }
                }
                same(seen, 1000);
            }
            session.commit();
        });
    }

    private static void metadata() throws Exception {
        withSession(session -> {
            freshTable(session);
            var about = session.getMetaData();
            try (ResultSet tables = about.getTables(null, "public", TABLE, null)) {
                same(tables.next(), true);
            }
            try (ResultSet columns = about.getColumns(null, "public", TABLE, "%")) {
                columns.next();
                same(columns.getString("COLUMN_NAME"), "id");
            }
            try (ResultSet keys = about.getPrimaryKeys(null, "public", TABLE)) {
                same(keys.next(), true);
            }
            about.getTypeInfo().close();
            about.getSchemas().close();
        });
    }

    private static void notices() throws Exception {
        withSession(session -> {
            try (Statement statement = session.createStatement()) {
                statement.execute("DROP TABLE IF EXISTS no_such_table");
                same(statement.getWarnings().getMessage(), "table \"no_such_table\" does not exist, skipping");
                statement.execute("CALL public.hello()");
                same(statement.getWarnings().getMessage(), "hello");
                statement.execute("LISTEN work_pgjdbc");
                statement.execute("NOTIFY work_pgjdbc, 'news'");
            }
            same(session.unwrap(PGConnection.class).getNotifications(5000)[0].getParameter(), MASKED ? "[redacted]" : "news");
        });
    }

    private static void large() throws Exception {
        withSession(session -> {
            String text = "ü".repeat(1_000_000);
            same(value(session, "SELECT ?::text", text), text);
            try (Statement statement = session.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n")) {
                int seen = 0;
                while (rows.next()) {
                    seen++;
                }
                same(seen, 20000);
            }
        });
    }

    private static void masks() throws Exception {
        for (String threshold : new String[] {"5", "-1"}) {
            withSession(session -> {
                try (var query = session.prepareStatement("SELECT * FROM people WHERE id = ?")) {
                    for (int round = 0; round < 8; round++) {
                        query.setInt(1, 1);
                        try (ResultSet row = query.executeQuery()) {
                            row.next();
                            same(row.getInt("id"), 1);
                            same(row.getString("card"), CARD);
                            same(row.getString("email"), EMAIL);
                        }
                    }
                }
                session.setAutoCommit(false);
                try (var query = session.prepareStatement("SELECT card, email FROM people ORDER BY id")) {
                    query.setFetchSize(1);
                    try (ResultSet rows = query.executeQuery()) {
                        rows.next();
                        same(rows.getString(1), CARD);
                        rows.next();
                    }
                }
                session.commit();
            }, "prepareThreshold", threshold);
        }
    }

    /** Runs the scenarios that the command line names; all when none. */
    public static void main(String[] names) {
        Map<String, Scenario> scenarios = new LinkedHashMap<>();
        scenarios.put("connect", RunPgjdbc::connect);
        scenarios.put("simple", RunPgjdbc::simple);
        scenarios.put("prepared", RunPgjdbc::prepared);
        scenarios.put("binary", RunPgjdbc::binary);
        scenarios.put("error", RunPgjdbc::error);
        scenarios.put("denied", RunPgjdbc::denied);
        scenarios.put("transaction", RunPgjdbc::transaction);
        scenarios.put("copy_in", RunPgjdbc::copyIn);
        scenarios.put("copy_in_failure", RunPgjdbc::copyInFailure);
        scenarios.put("copy_out", RunPgjdbc::copyOut);
        scenarios.put("copy_out_binary", RunPgjdbc::copyOutBinary);
        scenarios.put("cancel", RunPgjdbc::cancel);
        scenarios.put("pipeline", RunPgjdbc::pipeline);
        scenarios.put("pipeline_error", RunPgjdbc::pipelineError);
        scenarios.put("cursors", RunPgjdbc::cursors);
        scenarios.put("metadata", RunPgjdbc::metadata);
        scenarios.put("notices", RunPgjdbc::notices);
        scenarios.put("large", RunPgjdbc::large);
        scenarios.put("masks", RunPgjdbc::masks);
        boolean failed = false;
        for (var scenario : scenarios.entrySet()) {
            if (names.length > 0 && !Arrays.asList(names).contains(scenario.getKey())) {
                continue;
            }
            try {
                scenario.getValue().run();
                System.out.println("ok " + scenario.getKey());
            } catch (Exception | AssertionError error) {
                failed = true;
                System.out.println("FAILED " + scenario.getKey() + " " + why(error));
                error.printStackTrace();
            }
        }
        System.exit(failed ? 1 : 0);
    }

    private static String why(Throwable error) {
        String state = error instanceof SQLException sql ? sql.getSQLState() + " " : "";
        String where = Arrays.stream(error.getStackTrace()).filter(frame -> frame.getClassName().startsWith("RunPgjdbc"))
            .skip(error instanceof AssertionError ? 1 : 0).findFirst().map(frame -> " (line " + frame.getLineNumber() + ")").orElse("");
        return error.getClass().getSimpleName() + " " + state + String.valueOf(error.getMessage()).replace("\n", " | ") + where;
    }
}
