//! The story itself, chapter by chapter.

use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::options::Chain;
use crate::psql::Login;
use crate::stack::Stack;

use super::terminal::{Terminal, wrong};
use super::voice::Voice;

/// What the story needs.
pub(super) struct Story<'a> {
    pub(super) stack: &'a Stack,
    pub(super) voice: &'a Voice,
}

/// What an approval is called in psql's NOTICE.
fn approval_id(shown: &str) -> Result<String, Error> {
    let start = shown.find("ap-").ok_or_else(|| wrong(format!("no approval in: {shown}")))?;
    let id = shown.get(start..).unwrap_or_default();
    Ok(id.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect())
}

fn must(shown: &str, words: &[&str]) -> Result<(), Error> {
    for word in words {
        if !shown.contains(word) {
            return Err(wrong(format!("the story should have shown `{word}`, but: {shown}")));
        }
    }
    Ok(())
}

fn must_not(shown: &str, words: &[&str]) -> Result<(), Error> {
    for word in words {
        if shown.contains(word) {
            return Err(wrong(format!("the story must not show `{word}`, but: {shown}")));
        }
    }
    Ok(())
}

fn all(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl Story<'_> {
    pub(super) fn tell(&self) -> Result<(), Error> {
        self.voice.title("1. Who is calling? Tokens instead of passwords");
        self.refused()?;
        let token = self.stack.token("billing-agent", &["analysts"])?;
        self.voice.say("A good token. The agent knows host, port, role and its own token; the database's password it never has.");
        let port = self.stack.pg_port(Chain::Fused);
        self.voice.command(
            "agent",
            "export PGPASSWORD=$(chaperone dev token --subject billing-agent --group analysts)",
        );
        self.voice.command("agent", &format!("psql -h 127.0.0.1 -p {port} -U analyst shop"));
        let login = Login::new("analyst", &token, "shop");
        let psql = self.stack.client("psql", Chain::Fused, &login);
        let mut live = Terminal::start(&psql, "-X -n", self.voice)?;
        self.masked(&mut live)?;
        self.denied(&mut live)?;
        self.held(&mut live)?;
        self.policy_changes(&mut live)?;
        drop(live);
        self.replayed()
    }

    fn refused(&self) -> Result<(), Error> {
        let cases: [(&str, &str, &[&str], &str); 4] = [
            ("A token that somebody forged:", "analyst", &["--forged"], "ID106"),
            ("One that has expired:", "analyst", &["--expired"], "ID102"),
            ("One for another audience:", "analyst", &["--audience", "somebody-else"], "ID104"),
            ("A good one, but its groups may not use the role:", "admin", &[], "ID121"),
        ];
        for (what, role, arguments, reason) in cases {
            self.voice.say(what);
            let token = self.stack.token_with("billing-agent", &["analysts"], arguments)?;
            let login = Login::new(role, &token, "shop");
            let mut psql = self.stack.client("psql", Chain::Fused, &login);
            psql.args(["-X", "-c", "SELECT 1"]);
            let more: String = arguments.iter().map(|argument| format!(" {argument}")).collect();
            self.voice.command(
                "agent",
                &format!("PGPASSWORD=$(chaperone dev token …{more}) psql -U {role} shop -c 'SELECT 1'"),
            );
            let output = psql.output().map_err(|error| wrong(format!("psql: {error}")))?;
            let shown = all(&output);
            self.voice.output(&shown);
            must(&shown, &["FATAL", reason])?;
        }
        Ok(())
    }

    fn masked(&self, live: &mut Terminal<'_>) -> Result<(), Error> {
        self.voice.live("\n");
        self.voice.title("2. What comes back is masked");
        live.run("")?;
        let shown = live.run("SELECT id, name, email, card, city, notes FROM customers ORDER BY id;")?;
        must(&shown, &["1111", "Grace Hopper", "Brünn", "[redacted]"])?;
        must_not(&shown, &["4111 1111", "ada@example.com", "prefers letters"])?;
        let shown = live.run("SELECT card AS harmless, upper(card) FROM customers WHERE id = 1;")?;
        must_not(&shown, &["4111 1111 1111"])
    }

    fn denied(&self, live: &mut Terminal<'_>) -> Result<(), Error> {
        self.voice.live("\n");
        self.voice.title("3. What must not happen does not; the session goes on");
        live.run("")?;
        for statement in [
            "DROP DATABASE shop;",
            "DROP TABLE orders;",
            "DELETE FROM orders;",
            "SELECT 'harmless' \\; DROP TABLE orders;",
        ] {
            let shown = live.run(statement)?;
            must(&shown, &["ERROR:", "DETAIL:", "HINT:"])?;
        }
        let shown = live.run("\\echo SQLSTATE :LAST_ERROR_SQLSTATE")?;
        must(&shown, &["SQLSTATE 42501"])?;
        self.voice.live("\n");
        self.voice
            .say("Inside a transaction, too: psql's prompt keeps its star, and the transaction commits.");
        live.run("")?;
        live.run("BEGIN;")?;
        let shown = live.run("DROP TABLE orders;")?;
        must(&shown, &["ERROR:", "=*> "])?;
        let shown = live.run("SELECT count(*) AS orders FROM orders;")?;
        must(&shown, &[" 5"])?;
        let shown = live.run("COMMIT;")?;
        must_not(&shown, &["=*> "])
    }

    fn held(&self, live: &mut Terminal<'_>) -> Result<(), Error> {
        self.voice.live("\n");
        self.voice.title("4. Risky commands wait for people");
        live.run("")?;
        let id = self.held_update(live, "UPDATE accounts SET balance = balance - 10 WHERE id = 1;")?;
        self.voice.live("\n");
        self.people(&["approvals", "list"])?;
        self.people(&["approvals", "approve", &id, "--by", "dora"])?;
        live.until_prompt()?;
        let shown = live.run("SELECT id, balance FROM accounts WHERE id = 1;")?;
        must(&shown, &["90.00"])?;

        self.voice.live("\n");
        self.voice.say("A second one is rejected:");
        live.run("")?;
        let id = self.held_update(live, "UPDATE accounts SET balance = 0 WHERE id = 2;")?;
        self.voice.live("\n");
        self.people(&["approvals", "reject", &id, "--by", "dora", "--reason", "not without a ticket"])?;
        must(&live.until_prompt()?, &["ERROR:", "AH101", "not without a ticket"])?;

        self.voice.live("\n");
        self.voice.say("A third one is left alone and expires:");
        live.run("")?;
        self.held_update(live, "UPDATE accounts SET balance = 0 WHERE id = 3;")?;
        must(&live.until_prompt()?, &["ERROR:", "AH102"])?;

        self.voice.live("\n");
        self.voice.say("A fourth one is cancelled with Ctrl-C:");
        live.run("")?;
        self.held_update(live, "UPDATE accounts SET balance = 0 WHERE id = 4;")?;
        live.interrupt()?;
        must(&live.until_prompt()?, &["ERROR:", "AH103"])?;
        let shown = live.run("SELECT 'still the same session' AS here;")?;
        must(&shown, &["still the same session"])
    }

    fn held_update(&self, live: &mut Terminal<'_>, statement: &str) -> Result<String, Error> {
        live.type_line(statement)?;
        let shown = live.until("the NOTICE", |shown| shown.contains("HINT:") && shown.ends_with('\n'))?;
        must(&shown, &["NOTICE:", "waiting for approval"])?;
        approval_id(&shown)
    }

    fn people(&self, arguments: &[&str]) -> Result<String, Error> {
        let shown: Vec<String> = arguments
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() })
            .collect();
        self.voice.command("dora", &format!("chaperone {}", shown.join(" ")));
        let mut command = self.stack.chaperone();
        let output =
            command.args(arguments).output().map_err(|error| wrong(format!("chaperone: {error}")))?;
        let shown = all(&output);
        self.voice.output(&shown);
        if output.status.success() { Ok(shown) } else { Err(wrong("the command failed")) }
    }

    fn policy_changes(&self, live: &mut Terminal<'_>) -> Result<(), Error> {
        self.voice.live("\n");
        self.voice.title("5. The policy changes; the live session obeys");
        let policy = self.stack.read_policy()?;
        let rule = "rules:\n  - id: books-closed\n    effect: deny\n    match: { verbs: [select], tables: [public.orders] }\n    message: the books are closed\n";
        self.voice.say("A rule is added to the policy file:");
        self.voice.output(rule.trim_start_matches("rules:\n"));
        self.stack.write_policy(&policy.replacen("rules:\n", rule, 1))?;
        let saved = Instant::now();
        live.run("")?;
        loop {
            let shown = live.run("SELECT count(*) FROM orders;")?;
            if shown.contains("the books are closed") {
                break;
            }
            if saved.elapsed() > Duration::from_secs(2) {
                return Err(wrong("the live session did not obey within two seconds"));
            }
            sleep(Duration::from_millis(700));
        }
        self.voice.live("\n");
        self.voice.say(&format!(
            "Obeyed {:.1} s after the file was saved: no reconnect, and Envoy was not touched.",
            saved.elapsed().as_secs_f32()
        ));
        Ok(())
    }

    fn replayed(&self) -> Result<(), Error> {
        self.voice.live("\n");
        self.voice.title("6. The recording: what was asked, what was shown, who decided");
        // The session's end is recorded a moment after psql has left.
        sleep(Duration::from_millis(500));
        let shown = self.people(&["sessions", "list"])?;
        must(&shown, &["billing-agent"])?;
        self.people(&["sessions", "show", "last"])?;
        let shown = self.people(&["sessions", "play", "last", "--instant"])?;
        must(&shown, &["DROP DATABASE shop", "approved"])?;
        must_not(&shown, &["4111 1111 1111 1111", "ada@example.com", "eyJ"])?;
        let shown = self.people(&["sessions", "verify", "last"])?;
        must(&shown, &["whole"])
    }
}
