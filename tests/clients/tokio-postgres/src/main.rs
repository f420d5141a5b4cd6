//! tokio-postgres: named statements, the binary format for everything, pipelines by polling several queries at once.

use std::env;
use std::future::Future;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use futures_util::stream::poll_fn;
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls, SimpleQueryMessage};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const TABLE: &str = "work_tokio_postgres";
const FRESH: &str = "DROP TABLE IF EXISTS work_tokio_postgres; CREATE TABLE work_tokio_postgres (id integer PRIMARY KEY, name text)";
const LIMIT: Duration = Duration::from_secs(30);

macro_rules! same {
    ($found:expr, $wanted:expr) => {{
        let (found, wanted) = (&$found, &$wanted);
        if found != wanted {
            return Err(format!("wanted {wanted:?}, found {found:?} (line {})", line!()).into());
        }
    }};
}

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn masked() -> bool {
    setting("CLIENTS_MASKED") == "1"
}

async fn session() -> Result<Client, Box<dyn std::error::Error>> {
    Ok(session_that_hears().await?.0)
}

/// A session, and what the target said unasked: notices and notifications.
async fn session_that_hears() -> Result<(Client, Arc<Mutex<Vec<String>>>), Box<dyn std::error::Error>> {
    let mut config = Config::new();
    config.host(setting("PGHOST")).port(setting("PGPORT").parse()?).user(setting("PGUSER"));
    config
        .password(setting("PGPASSWORD"))
        .dbname(setting("PGDATABASE"))
        .connect_timeout(Duration::from_secs(10));
    let (client, mut connection) = config.connect(NoTls).await?;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        let mut messages = poll_fn(|cx| connection.poll_message(cx));
        while let Some(message) = messages.next().await {
            let text = match message {
                Ok(AsyncMessage::Notice(notice)) => notice.message().to_owned(),
                Ok(AsyncMessage::Notification(news)) => news.payload().to_owned(),
                Ok(_) => continue,
                Err(error) => {
                    eprintln!("the connection ended: {error}");
                    return;
                }
            };
            hears.lock().map(|mut all| all.push(text)).unwrap_or_default();
        }
    });
    Ok((client, heard))
}

fn state<T>(outcome: &Result<T, Error>) -> Option<SqlState> {
    outcome.as_ref().err().and_then(Error::code).cloned()
}

async fn connect() -> Outcome {
    same!(session().await?.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1);
    Ok(())
}

async fn simple() -> Outcome {
    let rows = session().await?.simple_query("SELECT 1; SELECT 'two'; SELECT NULL").await?;
    let values: Vec<_> = rows
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0)),
            _ => None,
        })
        .collect();
    same!(values, [Some("1"), Some("two"), None]);
    Ok(())
}

async fn prepared() -> Outcome {
    let client = session().await?;
    client.batch_execute(FRESH).await?;
    let put = client.prepare(&format!("INSERT INTO {TABLE} VALUES ($1, $2)")).await?;
    let get = client.prepare(&format!("SELECT name FROM {TABLE} WHERE id = $1")).await?;
    for id in 0..5 {
        same!(client.execute(&put, &[&id, &format!("name {id}")]).await?, 1);
        same!(client.query_one(&get, &[&id]).await?.get::<_, String>(0), format!("name {id}"));
    }
    // Dropped statements are closed between two queries.
    drop((put, get));
    same!(client.query_one("SELECT $1::int4 + 1", &[&1]).await?.get::<_, i32>(0), 2);
    Ok(())
}

async fn binary() -> Outcome {
    let client = session().await?;
    let query = "SELECT $1::int8, $2::float8, $3::text, $4::bytea, $5::bool, NULL::text, $6::int4[]";
    let row = client
        .query_one(
            query,
            &[&(1_i64 << 40), &1.5_f64, &"Gödel ✓", &b"\x00\x01\xff".as_slice(), &true, &vec![1, 2, 3]],
        )
        .await?;
    same!(row.get::<_, i64>(0), 1 << 40);
    same!(row.get::<_, f64>(1), 1.5);
    same!(row.get::<_, String>(2), "Gödel ✓");
    same!(row.get::<_, Vec<u8>>(3), b"\x00\x01\xff");
    same!(row.get::<_, bool>(4), true);
    same!(row.get::<_, Option<String>>(5), None);
    same!(row.get::<_, Vec<i32>>(6), [1, 2, 3]);
    Ok(())
}

/// A type that the driver does not know makes it ask the catalogue in the middle of a prepare.
async fn introspection() -> Outcome {
    let client = session().await?;
    let mood = "DROP TYPE IF EXISTS mood_tokio; CREATE TYPE mood_tokio AS ENUM ('sad', 'happy')";
    client.batch_execute(mood).await?;
    let statement = client.prepare("SELECT 'happy'::mood_tokio, ARRAY['sad']::mood_tokio[]").await?;
    same!(statement.columns()[0].type_().name(), "mood_tokio");
    same!(client.query(&statement, &[]).await?.len(), 1);
    Ok(())
}

async fn error() -> Outcome {
    let client = session().await?;
    client.batch_execute(&format!("{FRESH}; INSERT INTO {TABLE} VALUES (1, 'one')")).await?;
    same!(state(&client.simple_query("SELECT 1/0").await), Some(SqlState::DIVISION_BY_ZERO));
    same!(state(&client.query("SELECT 1/$1::int4", &[&0]).await), Some(SqlState::DIVISION_BY_ZERO));
    same!(state(&client.query("SELEC 1", &[]).await), Some(SqlState::SYNTAX_ERROR));
    same!(state(&client.query("SELECT * FROM no_such_table", &[]).await), Some(SqlState::UNDEFINED_TABLE));
    let again = format!("INSERT INTO {TABLE} VALUES ($1, 'again')");
    same!(state(&client.execute(&again, &[&1]).await), Some(SqlState::UNIQUE_VIOLATION));
    same!(client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1);
    Ok(())
}

async fn denied() -> Outcome {
    let client = session().await?;
    let denied = Some(SqlState::INSUFFICIENT_PRIVILEGE);
    same!(state(&client.simple_query("SELECT * FROM forbidden").await), denied);
    same!(state(&client.query("SELECT * FROM forbidden WHERE id = $1", &[&1]).await), denied);
    same!(state(&client.query_typed("SELECT * FROM forbidden", &[]).await), denied);
    same!(client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1);
    Ok(())
}

async fn transaction() -> Outcome {
    let mut client = session().await?;
    client.batch_execute(FRESH).await?;
    let again = format!("INSERT INTO {TABLE} VALUES ($1, 'again')");
    let mut work = client.transaction().await?;
    work.execute(&again, &[&1]).await?;
    let inner = work.savepoint("s").await?;
    same!(state(&inner.execute(&again, &[&1]).await), Some(SqlState::UNIQUE_VIOLATION));
    same!(state(&inner.query("SELECT 1", &[]).await), Some(SqlState::IN_FAILED_SQL_TRANSACTION));
    inner.rollback().await?;
    work.execute(&again, &[&2]).await?;
    work.commit().await?;
    let work = client.transaction().await?;
    work.batch_execute(&format!("DELETE FROM {TABLE}")).await?;
    drop(work);
    same!(client.query_one(&format!("SELECT count(*) FROM {TABLE}"), &[]).await?.get::<_, i64>(0), 2);
    Ok(())
}

async fn copy_in() -> Outcome {
    let client = session().await?;
    client.batch_execute(FRESH).await?;
    let mut sink = pin!(client.copy_in(&format!("COPY {TABLE} FROM STDIN")).await?);
    for id in 0..3000 {
        sink.feed(Bytes::from(format!("{id}\tname {id}\n"))).await?;
    }
    same!(sink.finish().await?, 3000);
    Ok(())
}

async fn copy_in_failure() -> Outcome {
    let client = session().await?;
    client.batch_execute(FRESH).await?;
    let copy = format!("COPY {TABLE} FROM STDIN");
    let mut sink = pin!(client.copy_in(&copy).await?);
    sink.send(Bytes::from_static(b"one\tname\n")).await?;
    same!(state(&sink.finish().await), Some(SqlState::INVALID_TEXT_REPRESENTATION));
    // The driver gives the answers that are left of a failed COPY to its next query, whatever it is connected to.
    let client = session().await?;
    let none = client.copy_in::<_, Bytes>("COPY no_such_table FROM STDIN").await;
    same!(state(&none), Some(SqlState::UNDEFINED_TABLE));
    let client = session().await?;
    let denied = client.copy_in::<_, Bytes>("COPY forbidden FROM STDIN").await;
    same!(state(&denied), Some(SqlState::INSUFFICIENT_PRIVILEGE));
    Ok(())
}

async fn copy_out() -> Outcome {
    let client = session().await?;
    let query = "COPY (SELECT n, 'name ' || n FROM generate_series(1, 3000) n) TO STDOUT";
    let parts: Vec<Bytes> = client.copy_out(query).await?.try_collect().await?;
    same!(parts.concat().ends_with(b"3000\tname 3000\n"), true);
    let denied = async { client.copy_out("COPY forbidden TO STDOUT").await?.try_collect::<Vec<_>>().await };
    same!(state(&denied.await), Some(SqlState::INSUFFICIENT_PRIVILEGE));
    same!(client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1);
    Ok(())
}

async fn copy_out_binary() -> Outcome {
    let client = session().await?;
    let copy = "COPY (SELECT 1) TO STDOUT (FORMAT binary)";
    let found = async { client.copy_out(copy).await?.try_collect::<Vec<_>>().await }.await;
    same!(state(&found), masked().then_some(SqlState::INSUFFICIENT_PRIVILEGE));
    same!(found.is_ok_and(|parts| parts.concat().starts_with(b"PGCOPY")), !masked());
    same!(client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1);
    Ok(())
}

async fn cancel() -> Outcome {
    let client = session().await?;
    let token = client.cancel_token();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        token.cancel_query(NoTls).await
    });
    same!(state(&client.query("SELECT pg_sleep(20)", &[]).await), Some(SqlState::QUERY_CANCELED));
    same!(client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0), 1);
    Ok(())
}

async fn pipeline() -> Outcome {
    let client = session().await?;
    let statement = client.prepare("SELECT $1::int4").await?;
    let numbers: Vec<i32> = (0..500).collect();
    let found = try_join_all(numbers.iter().map(|number| {
        let (client, statement) = (&client, &statement);
        async move { Ok::<i32, Error>(client.query_one(statement, &[number]).await?.get(0)) }
    }))
    .await?;
    same!(found, numbers);
    Ok(())
}

async fn pipeline_error() -> Outcome {
    let client = session().await?;
    let texts = ["SELECT 1", "SELECT 1/0", "SELECT * FROM forbidden"];
    let states = [None, Some(SqlState::DIVISION_BY_ZERO), Some(SqlState::INSUFFICIENT_PRIVILEGE)];
    let all = (0..60).map(|number| client.query_typed(texts[number % 3], &[]));
    let found: Vec<_> = join_all(all).await.iter().map(state).collect();
    let wanted: Vec<_> = (0..60).map(|number| states[number % 3].clone()).collect();
    same!(found, wanted);
    Ok(())
}

async fn cursors() -> Outcome {
    let mut client = session().await?;
    let work = client.transaction().await?;
    let portal = work.bind("SELECT n FROM generate_series(1, 1000) n", &[]).await?;
    let mut seen = 0;
    loop {
        let rows = work.query_portal(&portal, 100).await?;
        if rows.is_empty() {
            break;
        }
        seen += rows.len();
    }
    same!(seen, 1000);
    work.commit().await?;
    Ok(())
}

async fn notices() -> Outcome {
    let (client, heard) = session_that_hears().await?;
    client.query_one("SELECT 1", &[]).await?;
    client.execute("DROP TABLE IF EXISTS no_such_table", &[]).await?;
    client.batch_execute("CALL public.hello()").await?;
    client.batch_execute("LISTEN work_tokio_postgres").await?;
    client.query("SELECT pg_notify('work_tokio_postgres', $1)", &[&"news"]).await?;
    // In front of its answer come the messages that nobody asked for.
    client.query_one("SELECT 1", &[]).await?;
    let news = if masked() { "[redacted]" } else { "news" };
    let found = heard.lock().map(|all| all.clone()).unwrap_or_default();
    same!(found, ["table \"no_such_table\" does not exist, skipping", "hello", news]);
    Ok(())
}

async fn large() -> Outcome {
    let client = session().await?;
    let text = "ü".repeat(1_000_000);
    same!(client.query_one("SELECT $1::text", &[&text]).await?.get::<_, String>(0), text);
    let query = "SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n";
    let nothing: [&str; 0] = [];
    let rows = client.query_raw(query, nothing).await?;
    same!(pin!(rows).filter(|row| std::future::ready(row.is_ok())).count().await, 20000);
    Ok(())
}

async fn masks() -> Outcome {
    let client = session().await?;
    let (card, email) =
        if masked() { ("************1111", "[redacted]") } else { ("4111111111111111", "ada@example.com") };
    let statement = client.prepare("SELECT * FROM people WHERE id = $1").await?;
    for _ in 0..3 {
        let row = client.query_one(&statement, &[&1]).await?;
        same!(
            (row.get::<_, String>("card"), row.get::<_, String>("email")),
            (card.to_owned(), email.to_owned())
        );
    }
    let all = (0..20).map(|_| client.query_one(&statement, &[&1]));
    for row in try_join_all(all).await? {
        same!(row.get::<_, String>("card"), card);
    }
    Ok(())
}

async fn run(name: &str, scenario: impl Future<Output = Outcome>, failed: &mut bool) {
    let only: Vec<String> = env::args().skip(1).collect();
    if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
        return;
    }
    let outcome = tokio::time::timeout(LIMIT, scenario).await.unwrap_or_else(|_| Err("took too long".into()));
    match outcome {
        Ok(()) => println!("ok {name}"),
        Err(error) => {
            *failed = true;
            println!("FAILED {name} {}", error.to_string().replace('\n', " | "));
        }
    }
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut failed = false;
    runtime.block_on(async {
        macro_rules! all {
            ($($name:ident)*) => {$( run(stringify!($name), $name(), &mut failed).await; )*};
        }
        all!(connect simple prepared binary introspection error denied transaction copy_in copy_in_failure copy_out copy_out_binary
            cancel pipeline pipeline_error cursors notices large masks);
    });
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
