//! The corpus of forbidden deeds and their look-alikes (`tests/corpus/sql`), on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::time::Instant;

use chaperone_corpus::{Deed, Gaps, Happened, Spelling, forbidden, legitimate, policy_text, world};
use chaperone_e2e::{Chain, Client, Login, Policy, Stack, StackOptions, no_vm_died, printed, say, start};
use chaperone_pgwire::tag;

/// The superuser of whom nobody asks a password, and the database that is copied.
const USER: &str = "proof";
const TEMPLATE: &str = "world_template";
const DATABASE: &str = "world";

/// A stack, and a session that makes databases and looks into them.
struct World {
    stack: Stack,
    maker: Client,
}

impl World {
    fn new(policy: &str) -> Self {
        let stack = start(StackOptions {
            policy: Policy::Text(policy_text(policy)),
            postgres_hba: vec![format!("host all {USER} 127.0.0.1/32 trust")],
            postgres_settings: vec![("max_prepared_transactions".to_owned(), "10".to_owned())],
            postgres_sql: format!(
                "CREATE ROLE {USER} SUPERUSER LOGIN; COMMIT;\n\\connect postgres\nCREATE DATABASE {TEMPLATE} OWNER {USER};"
            ),
            ..StackOptions::default()
        });
        let owner = Login::new(USER, "", TEMPLATE);
        let made =
            stack.psql(Chain::Direct, &owner, &["-v", "ON_ERROR_STOP=1", "-q", "-c", &world()]).unwrap();
        assert!(made.status.success(), "{}", printed(&made));
        let maker = Client::walk_in(&stack, Chain::Direct, USER, "postgres");
        let mut world = Self { stack, maker };
        world.renew();
        world
    }

    /// The database as it was in the beginning.
    fn renew(&mut self) {
        self.maker_runs(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"));
        self.maker_runs(&format!("CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE} STRATEGY file_copy"));
    }

    fn maker_runs(&mut self, text: &str) {
        let shown = self.maker.ask(&say::query(text.as_bytes()));
        assert!(!self.maker.was_shown(tag::server::ERROR_RESPONSE), "{text}\n{shown}");
    }

    fn direct(&self) -> Client {
        Client::walk_in(&self.stack, Chain::Direct, USER, DATABASE)
    }
}

/// How a text is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Simple,
    Extended,
}

impl Way {
    fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Simple => say::query(text.as_bytes()),
            Self::Extended => say::batch(text),
        }
    }
}

/// Sends the texts of one session; what was shown of each.
fn run(client: &mut Client, texts: &[String], way: Way) -> Vec<String> {
    texts.iter().map(|text| client.ask(&way.bytes(text))).collect()
}

/// Whether the query's one value is `t`.
fn is_true(client: &mut Client, query: &str) -> bool {
    client.ask(&say::query(query.as_bytes()));
    client
        .shown
        .iter()
        .any(|(letter, body)| *letter == tag::server::DATA_ROW && body.ends_with(b"\0\0\0\x01t"))
}

/// Whether the deed happened in a session that was shown this; `watcher` is another session.
fn happened(deed: &Deed, session: &mut Client, watcher: &mut Client, shown: &[String]) -> Option<bool> {
    match &deed.happened {
        Happened::Query(query) => Some(is_true(watcher, query)),
        Happened::Session(query) => Some(is_true(session, query)),
        Happened::Shown(letters) => {
            Some(shown.iter().any(|shown| letters.iter().any(|letters| shown.contains(letters))))
        }
        Happened::Unseen(_) => None,
    }
}

fn each_spelling() -> impl Iterator<Item = (String, Deed, Spelling)> {
    forbidden().into_iter().flat_map(|(file, deeds)| {
        deeds.deeds.into_iter().flat_map(move |deed| {
            let file = file.clone();
            deed.spellings.clone().into_iter().map(move |spelling| (file.clone(), deed.clone(), spelling))
        })
    })
}

/// Without the gateway every deed is done: a case that would pass for another reason is found here.
#[test]
fn every_spelling_does_its_deed_where_nobody_guards() {
    let mut world = World::new("deny-list.yaml");
    let mut idle = Vec::new();
    let mut spellings = 0;
    for (file, deed, spelling) in each_spelling().filter(|(.., spelling)| spelling.unproven.is_none()) {
        spellings += 1;
        if let Err(shown) = is_done(&mut world, &deed, spelling.sql.all()) {
            idle.push(format!("{file}: {:?}\n  {shown:?}", spelling.sql.all()));
        }
    }
    assert!(idle.is_empty(), "{} of {spellings} spellings do nothing:\n{}", idle.len(), idle.join("\n"));
}

/// Whether the deed is done: in a transaction that is taken back, or where that is not possible in a database that is made
/// anew. What was shown otherwise.
fn is_done(world: &mut World, deed: &Deed, texts: &[String]) -> Result<(), Vec<String>> {
    let controls =
        ["BEGIN", "START", "COMMIT", "ROLLBACK", "ABORT", "END", "SAVEPOINT", "PREPARE TRANSACTION"];
    let alone = texts.iter().all(|text| {
        let text = text.trim_start().to_ascii_uppercase();
        !text.contains(';') && !controls.iter().any(|control| text.starts_with(control))
    });
    if alone {
        let mut session = world.direct();
        session.ask(&say::query(b"BEGIN"));
        let shown = run(&mut session, texts, Way::Simple);
        let within = match &deed.happened {
            Happened::Query(query) => is_true(&mut session, query),
            _ => happened(deed, &mut session, &mut world.maker, &shown).unwrap_or_else(|| !failed(&shown)),
        };
        session.ask(&say::query(b"ROLLBACK"));
        drop(session);
        for statement in &deed.restore {
            world.maker_runs(statement);
        }
        let stays = matches!(&deed.happened, Happened::Query(query) if is_true(&mut world.direct(), query));
        if stays {
            world.renew();
        }
        if within {
            return Ok(());
        }
        // What was taken back has left its traces in the rows.
        world.renew();
    }
    let mut session = world.direct();
    let shown = run(&mut session, texts, Way::Simple);
    let mut watcher = match &deed.happened {
        Happened::Query(query) if query.contains("pg_database") => {
            Client::walk_in(&world.stack, Chain::Direct, USER, "postgres")
        }
        _ => world.direct(),
    };
    let done = happened(deed, &mut session, &mut watcher, &shown).unwrap_or_else(|| !failed(&shown));
    drop((session, watcher));
    for statement in &deed.restore {
        world.maker_runs(statement);
    }
    world.renew();
    if done { Ok(()) } else { Err(shown) }
}

/// Whether an error was shown.
fn failed(shown: &[String]) -> bool {
    shown.iter().any(|shown| shown.split('\n').any(|message| message.starts_with("E ")))
}

#[test]
fn under_a_deny_list_no_spelling_does_its_deed_and_the_rest_goes_through() {
    goes_as_meant("deny-list.yaml", |_| [Way::Simple, Way::Extended].as_slice());
}

#[test]
fn under_an_allow_list_no_spelling_does_its_deed_and_the_rest_goes_through() {
    // One way in each chain: the other policy has gone both in both.
    goes_as_meant("allow-list.yaml", |chain| match chain {
        Chain::Separate => [Way::Extended].as_slice(),
        _ => [Way::Simple].as_slice(),
    });
}

fn goes_as_meant(policy: &str, ways: impl Fn(Chain) -> &'static [Way]) {
    let mut world = World::new(policy);
    let login = Login::new("agent", &world.stack.token("agent-7", &["agents"]).unwrap(), DATABASE);
    let gaps = Gaps::read();
    let began = Instant::now();
    let mut wrong = Vec::new();
    for chain in Chain::GOVERNED {
        let mut watcher = world.direct();
        for (file, deed, spelling) in each_spelling().filter(|(.., spelling)| !gaps.has(&spelling.sql)) {
            for &way in ways(chain) {
                if let Some(problem) =
                    slips_through(&world.stack, chain, &login, &deed, &spelling, way, &mut watcher)
                {
                    wrong.push(format!("{chain:?} {way:?} {file}: {:?}: {problem}", spelling.sql.all()));
                }
            }
        }
    }
    println!("spellings took {:?}", began.elapsed());
    assert!(wrong.is_empty(), "{} are not as they should be:\n{}", wrong.len(), wrong.join("\n"));
    let began = Instant::now();
    for chain in Chain::GOVERNED {
        for (file, statements) in legitimate() {
            for statement in statements.statements.into_iter().filter(|it| !gaps.has(&it.sql)) {
                for &way in ways(chain) {
                    let texts = statement.sql.all();
                    if let Some(problem) =
                        shows_otherwise(&mut world, chain, &login, texts, statement.varies.is_some(), way)
                    {
                        wrong.push(format!("{chain:?} {way:?} {file}: {texts:?}: {problem}"));
                    }
                }
            }
        }
    }
    println!("look-alikes took {:?}", began.elapsed());
    assert!(wrong.is_empty(), "{} are not as they should be:\n{}", wrong.len(), wrong.join("\n"));
    no_vm_died(&world.stack);
}

/// What is wrong about how a spelling was refused.
fn slips_through(
    stack: &Stack,
    chain: Chain,
    login: &Login,
    deed: &Deed,
    spelling: &Spelling,
    way: Way,
    watcher: &mut Client,
) -> Option<String> {
    let mut client = Client::log_in(stack, chain, login);
    let shown = run(&mut client, spelling.sql.all(), way);
    // Several statements in one Parse are the server's to refuse, if nobody does before.
    let refused = shown.iter().any(|shown| {
        shown.split('\n').any(|message| {
            message.starts_with("E ")
                && (["SG1", "RM1", "PG1", "AH1"].iter().any(|code| message.contains(code))
                    || way == Way::Extended && message.contains("C42601"))
        })
    });
    if !refused {
        return Some(format!("not refused: {shown:?}"));
    }
    client.ask(&say::query(b"ROLLBACK"));
    let alive = client.ask(&say::query(b"SELECT 'still ' || 'here'"));
    if !alive.contains("still here") {
        return Some(format!("the session is not alive: {shown:?} {alive}"));
    }
    if happened(deed, &mut client, watcher, &shown) == Some(true) {
        return Some(format!("refused and done: {shown:?}"));
    }
    None
}

/// What a session shows that runs the texts in a transaction and takes it back.
fn shown(client: &mut Client, texts: &[String], way: Way) -> Vec<(u8, Vec<u8>)> {
    let own = is_own_transaction(texts);
    let mut all = Vec::new();
    if !own {
        client.ask(&say::query(b"BEGIN"));
    }
    for text in texts {
        client.ask(&way.bytes(text));
        all.append(&mut client.shown);
    }
    if !own {
        client.ask(&say::query(b"ROLLBACK"));
    }
    all
}

fn is_own_transaction(texts: &[String]) -> bool {
    texts.first().is_some_and(|text| {
        let text = text.trim_start().to_ascii_uppercase();
        text.starts_with("BEGIN") || text.starts_with("START")
    })
}

/// What is otherwise through the gateway than without it.
fn shows_otherwise(
    world: &mut World,
    chain: Chain,
    login: &Login,
    texts: &[String],
    varies: bool,
    way: Way,
) -> Option<String> {
    let expected = shown(&mut world.direct(), texts, way);
    if is_own_transaction(texts) {
        world.renew();
    }
    let words = |shown: &[(u8, Vec<u8>)]| {
        shown
            .iter()
            .map(|(letter, body)| format!("{} {}", char::from(*letter), String::from_utf8_lossy(body)))
            .collect::<Vec<_>>()
    };
    if way == Way::Simple && expected.iter().any(|(letter, _)| *letter == tag::server::ERROR_RESPONSE) {
        return Some(format!("the server refuses it itself: {:?}", words(&expected)));
    }
    let mut client = Client::log_in(&world.stack, chain, login);
    let found = shown(&mut client, texts, way);
    let same = if varies {
        let kinds = |shown: &[(u8, Vec<u8>)]| {
            let mut kinds: Vec<u8> = shown.iter().map(|(letter, _)| *letter).collect();
            kinds.dedup();
            kinds
        };
        kinds(&expected) == kinds(&found)
    } else {
        expected == found
    };
    if is_own_transaction(texts) {
        world.renew();
    }
    (!same).then(|| format!("\n  directly {:?}\n  through {:?}", words(&expected), words(&found)))
}
