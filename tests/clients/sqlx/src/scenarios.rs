//! The scenarios; README.md beside says what they have in common with those of other clients.

use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgListener, PgPoolOptions, PgRow};
use sqlx::{Column, ConnectOptions, Connection, Error, Executor, PgConnection, Row, Statement, TypeInfo};

use crate::session::{NOTICES, governed, masked, options, session};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

const TABLE: &str = "work_sqlx";
const FRESH: &str =
    "DROP TABLE IF EXISTS work_sqlx; CREATE TABLE work_sqlx (id integer PRIMARY KEY, name text)";

macro_rules! same {
    ($found:expr, $wanted:expr) => {{
        let (found, wanted) = (&$found, &$wanted);
        if found != wanted {
            return Err(format!("wanted {wanted:?}, found {found:?} (line {})", line!()).into());
        }
    }};
}

fn state<T>(outcome: &Result<T, Error>) -> Option<String> {
    let error = outcome.as_ref().err()?;
    let code = error.as_database_error().and_then(|error| error.code());
    Some(code.map_or_else(|| error.to_string(), Into::into))
}

/// How a scenario writes the SQLSTATE that it expects.
fn code(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn number(session: &mut PgConnection, query: &str) -> Result<i64, Error> {
    sqlx::query_scalar(query).fetch_one(session).await
}

pub(crate) async fn connect() -> Outcome {
    let mut session = session().await?;
    same!(number(&mut session, "SELECT 1::int8").await?, 1);
    same!(session.server_version_num().is_some(), true);
    session.ping().await?;
    session.close().await?;
    Ok(())
}

pub(crate) async fn simple() -> Outcome {
    let mut session = session().await?;
    let rows = sqlx::raw_sql("SELECT '1'; SELECT 'two'; SELECT NULL").fetch_all(&mut session).await?;
    let values: Vec<Option<String>> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    same!(values, [Some("1".to_owned()), Some("two".to_owned()), None]);
    let changed =
        format!("{FRESH}; INSERT INTO {TABLE} VALUES (1, 'one'), (2, 'two'); UPDATE {TABLE} SET name = 'x'");
    same!(sqlx::raw_sql(&changed).execute(&mut session).await?.rows_affected(), 4);
    same!(sqlx::raw_sql("").execute(&mut session).await?.rows_affected(), 0);
    Ok(())
}

pub(crate) async fn prepared() -> Outcome {
    // The driver closes what its cache has no room for.
    let mut session = options()?.statement_cache_capacity(2).connect().await?;
    sqlx::raw_sql(FRESH).execute(&mut session).await?;
    let (put, get) =
        (format!("INSERT INTO {TABLE} VALUES ($1, $2)"), format!("SELECT name FROM {TABLE} WHERE id = $1"));
    for id in 0..5 {
        let name = format!("name {id}");
        same!(sqlx::query(&put).bind(id).bind(&name).execute(&mut session).await?.rows_affected(), 1);
        same!(sqlx::query_scalar::<_, String>(&get).bind(id).fetch_one(&mut session).await?, name);
        let unnamed = sqlx::query_scalar::<_, i32>("SELECT $1::int4 + 1").persistent(false);
        same!(unnamed.bind(id).fetch_one(&mut session).await?, id + 1);
    }
    for id in 0..6 {
        same!(number(&mut session, &format!("SELECT {id}::int8")).await?, id);
    }
    let statement = session.prepare(&get).await?;
    let columns: Vec<_> = statement.columns().iter().map(Column::name).collect();
    same!(columns, ["name"]);
    same!(statement.query_scalar::<String>().bind(3).fetch_one(&mut session).await?, "name 3");
    session.clear_cached_statements().await?;
    same!(number(&mut session, "SELECT 1::int8").await?, 1);
    Ok(())
}

pub(crate) async fn binary() -> Outcome {
    let query = "SELECT $1::int8, $2::float8, $3::text, $4::bytea, $5::bool, $6::text, $7::int4[], $8::interval, $9::text[]";
    let day = PgInterval { months: 0, days: 1, microseconds: 2 };
    let mut session = session().await?;
    for persistent in [true, true, false] {
        let row: PgRow = sqlx::query(query)
            .persistent(persistent)
            .bind(1_i64 << 40)
            .bind(1.5_f64)
            .bind("Gödel ✓")
            .bind(b"\x00\x01\xff".as_slice())
            .bind(true)
            .bind(None::<String>)
            .bind(vec![1, 2, 3])
            .bind(day)
            .bind(vec![Some("a".to_owned()), None])
            .fetch_one(&mut session)
            .await?;
        same!(row.try_get::<i64, _>(0)?, 1 << 40);
        same!(row.try_get::<f64, _>(1)?, 1.5);
        same!(row.try_get::<String, _>(2)?, "Gödel ✓");
        same!(row.try_get::<Vec<u8>, _>(3)?, b"\x00\x01\xff");
        same!(row.try_get::<bool, _>(4)?, true);
        same!(row.try_get::<Option<String>, _>(5)?, None);
        same!(row.try_get::<Vec<i32>, _>(6)?, [1, 2, 3]);
        same!(row.try_get::<PgInterval, _>(7)?, day);
        same!(row.try_get::<Vec<Option<String>>, _>(8)?, [Some("a".to_owned()), None]);
    }
    Ok(())
}

/// Types that the driver does not know make it ask the catalogue in the middle of a prepare.
pub(crate) async fn introspection() -> Outcome {
    let mut session = session().await?;
    let kinds = "DROP TYPE IF EXISTS pair_sqlx; DROP TYPE IF EXISTS mood_sqlx; CREATE TYPE mood_sqlx AS ENUM ('sad', \
        'happy'); CREATE TYPE pair_sqlx AS (mood mood_sqlx, n int)";
    sqlx::raw_sql(kinds).execute(&mut session).await?;
    let query =
        "SELECT 'happy'::mood_sqlx, ARRAY['sad']::mood_sqlx[], ROW('sad', 1)::pair_sqlx, int4range(1, 5)";
    let row = sqlx::query(query).fetch_one(&mut session).await?;
    let names: Vec<_> = row.columns().iter().map(|column| column.type_info().name().to_lowercase()).collect();
    same!(names, ["mood_sqlx", "mood_sqlx[]", "pair_sqlx", "int4range"]);
    same!(row.try_get_unchecked::<String, _>(0)?, "happy");
    Ok(())
}

/// What the driver's checked macros ask when a program is compiled: whose a column is, and a plan of what was prepared.
pub(crate) async fn metadata() -> Outcome {
    let mut session = session().await?;
    let query = "SELECT people.id, other.name, 1 AS one FROM people LEFT JOIN people other ON other.id = $1";
    let described = session.describe(query).await?;
    let columns: Vec<_> = described.columns().iter().map(Column::name).collect();
    same!(columns, ["id", "name", "one"]);
    let nullable: Vec<_> = (0..3).map(|column| described.nullable(column)).collect();
    same!(nullable, [Some(false), Some(true), None]);
    Ok(())
}

pub(crate) async fn error() -> Outcome {
    let mut session = session().await?;
    sqlx::raw_sql(&format!("{FRESH}; INSERT INTO {TABLE} VALUES (1, 'one')")).execute(&mut session).await?;
    same!(state(&sqlx::raw_sql("SELECT 1/0").execute(&mut session).await), code("22012"));
    let divided = sqlx::query("SELECT 1/$1::int4").bind(0).execute(&mut session).await;
    same!(state(&divided), code("22012"));
    same!(state(&sqlx::raw_sql("SELEC 1").execute(&mut session).await), code("42601"));
    for persistent in [true, false] {
        same!(
            state(&sqlx::query("SELEC 1").persistent(persistent).execute(&mut session).await),
            code("42601")
        );
        let none = sqlx::query("SELECT * FROM no_such_table WHERE id = $1").persistent(persistent).bind(1);
        same!(state(&none.execute(&mut session).await), code("42P01"));
    }
    let again = format!("INSERT INTO {TABLE} VALUES ($1, 'again')");
    let again = sqlx::query(&again).bind(1).execute(&mut session).await;
    same!(state(&again), code("23505"));
    let constraint =
        again.as_ref().err().and_then(Error::as_database_error).and_then(|error| error.constraint());
    same!(constraint, Some("work_sqlx_pkey"));
    same!(number(&mut session, "SELECT 1::int8").await?, 1);
    Ok(())
}

pub(crate) async fn denied() -> Outcome {
    let mut session = session().await?;
    for persistent in [true, true, false] {
        same!(state(&sqlx::raw_sql("SELECT * FROM forbidden").execute(&mut session).await), code("42501"));
        let one = sqlx::query("SELECT * FROM forbidden WHERE id = $1").persistent(persistent).bind(1);
        same!(state(&one.execute(&mut session).await), code("42501"));
        let two = sqlx::raw_sql("SELECT 1; SELECT * FROM forbidden; SELECT 2").execute(&mut session).await;
        same!(state(&two), code("42501"));
        same!(number(&mut session, "SELECT 1::int8").await?, 1);
    }
    Ok(())
}

pub(crate) async fn transaction() -> Outcome {
    let mut session = session().await?;
    sqlx::raw_sql(FRESH).execute(&mut session).await?;
    let put = format!("INSERT INTO {TABLE} VALUES ($1, 'kept')");
    let mut work = session.begin().await?;
    sqlx::query(&put).bind(1).execute(&mut *work).await?;
    let mut inner = work.begin().await?;
    same!(state(&sqlx::query(&put).bind(1).execute(&mut *inner).await), code("23505"));
    same!(state(&sqlx::query("SELECT 1").execute(&mut *inner).await), code("25P02"));
    same!(state(&sqlx::raw_sql("SELECT 1").execute(&mut *inner).await), code("25P02"));
    inner.rollback().await?;
    sqlx::query(&put).bind(2).execute(&mut *work).await?;
    work.commit().await?;
    // What is dropped is undone in front of the next statement.
    let mut work = session.begin().await?;
    sqlx::query(&format!("DELETE FROM {TABLE} WHERE id = $1")).bind(1).execute(&mut *work).await?;
    drop(work);
    let count = format!("SELECT count(*) FROM {TABLE}");
    same!(number(&mut session, &count).await?, 2);
    let mut work = session.begin().await?;
    sqlx::query(&format!("DELETE FROM {TABLE} WHERE id = $1")).bind(1).execute(&mut *work).await?;
    same!(state(&sqlx::query("SELECT * FROM forbidden").execute(&mut *work).await), code("42501"));
    // What a chain denies never reaches the target: its transaction goes on.
    let wanted = if governed() { None } else { code("25P02") };
    same!(state(&sqlx::query("SELECT 1").execute(&mut *work).await), wanted);
    drop(work);
    same!(number(&mut session, &count).await?, 2);
    Ok(())
}

pub(crate) async fn copy_in() -> Outcome {
    let mut session = session().await?;
    sqlx::raw_sql(FRESH).execute(&mut session).await?;
    let mut copy = session.copy_in_raw(&format!("COPY {TABLE} FROM STDIN")).await?;
    same!((copy.is_textual(), copy.num_columns()), (true, 2));
    for id in 0..3000 {
        copy.send(format!("{id}\tname {id}\n").into_bytes()).await?;
    }
    same!(copy.finish().await?, 3000);
    let rows: String = (5000..6000).map(|id| format!("{id},csv\n")).collect();
    let mut copy = session.copy_in_raw(&format!("COPY {TABLE} (id, name) FROM STDIN (FORMAT csv)")).await?;
    copy.send(rows.into_bytes()).await?;
    same!(copy.finish().await?, 1000);
    same!(number(&mut session, &format!("SELECT count(*) FROM {TABLE}")).await?, 4000);
    Ok(())
}

pub(crate) async fn copy_in_failure() -> Outcome {
    let mut session = session().await?;
    sqlx::raw_sql(FRESH).execute(&mut session).await?;
    let copy = format!("COPY {TABLE} FROM STDIN");
    let mut bad = session.copy_in_raw(&copy).await?;
    bad.send(b"one\tname\n".as_slice()).await?;
    same!(state(&bad.finish().await), code("22P02"));
    let mut again = session.copy_in_raw(&copy).await?;
    again.send("1\tname\n".repeat(100_000).into_bytes()).await?;
    same!(state(&again.finish().await), code("23505"));
    let mut given_up = session.copy_in_raw(&copy).await?;
    given_up.send(b"1\tone\n".as_slice()).await?;
    given_up.abort("gave up").await?;
    same!(state(&session.copy_in_raw("COPY no_such_table FROM STDIN").await.map(drop)), code("42P01"));
    same!(state(&session.copy_in_raw("COPY forbidden FROM STDIN").await.map(drop)), code("42501"));
    same!(number(&mut session, &format!("SELECT count(*) FROM {TABLE}")).await?, 0);
    Ok(())
}

pub(crate) async fn copy_out() -> Outcome {
    let mut session = session().await?;
    let query = "COPY (SELECT n, 'name ' || n FROM generate_series(1, 3000) n) TO STDOUT";
    let parts: Vec<_> = session.copy_out_raw(query).await?.try_collect().await?;
    same!(parts.len(), 3000);
    same!(parts.concat().ends_with(b"3000\tname 3000\n"), true);
    same!(number(&mut session, "SELECT 1::int8").await?, 1);
    // Behind a COPY that is refused the driver leaves the server's ReadyForQuery, whatever it is connected to.
    same!(state(&session.copy_out_raw("COPY forbidden TO STDOUT").await.map(drop)), code("42501"));
    Ok(())
}

pub(crate) async fn copy_out_binary() -> Outcome {
    let mut session = session().await?;
    let copy = "COPY (SELECT 1) TO STDOUT (FORMAT binary)";
    if masked() {
        same!(state(&session.copy_out_raw(copy).await.map(drop)), code("42501"));
    } else {
        let parts: Vec<_> = session.copy_out_raw(copy).await?.try_collect().await?;
        same!(parts.concat().starts_with(b"PGCOPY\n\xff\r\n\0"), true);
        same!(number(&mut session, "SELECT 1::int8").await?, 1);
    }
    Ok(())
}

pub(crate) async fn cursors() -> Outcome {
    let mut session = session().await?;
    // The driver reads results row by row; what nobody read is discarded in front of the next statement.
    let mut rows = sqlx::query("SELECT n FROM generate_series(1, 1000) n").fetch(&mut session);
    same!(rows.next().await.is_some_and(|row| row.is_ok()), true);
    drop(rows);
    let mut work = session.begin().await?;
    sqlx::query("DECLARE pages CURSOR FOR SELECT n FROM generate_series(1, 1000) n")
        .execute(&mut *work)
        .await?;
    let mut seen = 0;
    loop {
        let rows = sqlx::query("FETCH 100 FROM pages").fetch_all(&mut *work).await?;
        if rows.is_empty() {
            break;
        }
        seen += rows.len();
    }
    same!(seen, 1000);
    sqlx::query("CLOSE pages").execute(&mut *work).await?;
    work.commit().await?;
    Ok(())
}

pub(crate) async fn notices() -> Outcome {
    let mut session = session().await?;
    NOTICES.take();
    sqlx::query("SELECT 1").execute(&mut session).await?;
    sqlx::query("DROP TABLE IF EXISTS no_such_table").execute(&mut session).await?;
    sqlx::query("CALL public.hello()").execute(&mut session).await?;
    same!(NOTICES.take(), [r#"table "no_such_table" does not exist, skipping"#, "hello"]);
    let mut listener =
        PgListener::connect_with(&PgPoolOptions::new().connect_with(options()?).await?).await?;
    listener.listen("work_sqlx").await?;
    sqlx::query("SELECT pg_notify('work_sqlx', $1)").bind("news").execute(&mut session).await?;
    let news = listener.recv().await?;
    same!(news.payload(), if masked() { "[redacted]" } else { "news" });
    Ok(())
}

pub(crate) async fn pool() -> Outcome {
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options()?).await?;
    let numbers: Vec<i32> = (0..50).collect();
    let ask = |number: &i32| sqlx::query_scalar::<_, i32>("SELECT $1::int4").bind(*number).fetch_one(&pool);
    same!(try_join_all(numbers.iter().map(ask)).await?, numbers);
    pool.close().await;
    Ok(())
}

pub(crate) async fn large() -> Outcome {
    let mut session = session().await?;
    let text = "ü".repeat(1_000_000);
    let found: String = sqlx::query_scalar("SELECT $1::text").bind(&text).fetch_one(&mut session).await?;
    same!(found == text, true);
    let rows = sqlx::query("SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n").fetch(&mut session);
    same!(rows.try_fold(0, |seen, _| std::future::ready(Ok(seen + 1))).await?, 20000);
    Ok(())
}

pub(crate) async fn masks() -> Outcome {
    let (card, email) =
        if masked() { ("************1111", "[redacted]") } else { ("4111111111111111", "ada@example.com") };
    let mut session = session().await?;
    for persistent in [true, true, false] {
        let query = sqlx::query("SELECT * FROM people WHERE id = $1").persistent(persistent).bind(1);
        let row = query.fetch_one(&mut session).await?;
        same!((row.try_get("card")?, row.try_get("email")?), (card.to_owned(), email.to_owned()));
    }
    let row =
        sqlx::raw_sql("SELECT card AS c, email FROM people WHERE id = 1").fetch_one(&mut session).await?;
    same!((row.try_get("c")?, row.try_get("email")?), (card.to_owned(), email.to_owned()));
    Ok(())
}
