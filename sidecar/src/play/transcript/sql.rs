//! What SQL's own PREPARE, DEALLOCATE, DECLARE and CLOSE do to the names of prepared statements and portals, which the
//! protocol's share.
//!
//! The server's tag tells that it was done, the text to which name. No SQL is read here beyond the plain way to write
//! either; where it is written otherwise nothing is said of the names that it may have been.

use std::rc::Rc;

use super::{MAX_NAMES, Portal, Statement, Transcript};

impl Transcript {
    /// A command with this text was done; its tag tells what it was.
    pub(super) fn done_in_sql(&mut self, tag: &str, text: &str) {
        match tag {
            "DEALLOCATE ALL" | "DISCARD ALL" => self.forget_statements(),
            "DEALLOCATE" => match freed(text, "deallocate") {
                Some(name) => {
                    self.statements.remove(name.as_bytes());
                    self.taken_statements.remove(name.as_bytes());
                }
                None => self.forget_statements(),
            },
            "PREPARE" => {
                let Some(name) = made(text, "prepare").filter(|_| self.taken_statements.len() < MAX_NAMES)
                else {
                    return;
                };
                let statement = Statement::new(text.to_owned());
                self.statements.insert(name.clone().into_bytes(), Rc::clone(&statement));
                self.taken_statements.insert(name.into_bytes(), statement);
            }
            "CLOSE CURSOR ALL" => self.forget_portals(),
            "CLOSE CURSOR" => match freed(text, "close") {
                Some(name) => {
                    self.portals.remove(name.as_bytes());
                    self.taken_portals.remove(name.as_bytes());
                }
                None => self.forget_portals(),
            },
            "DECLARE CURSOR" => match made(text, "declare") {
                Some(name) if self.taken_portals.len() < MAX_NAMES => {
                    let portal = Portal::new(Statement::new(text.to_owned()), Vec::new(), Vec::new());
                    self.portals.insert(name.clone().into_bytes(), Rc::clone(&portal));
                    self.taken_portals.insert(name.into_bytes(), portal);
                }
                // A portal ends with its transaction, so this one may have any name.
                _ => self.forget_portals(),
            },
            _ => {}
        }
    }

    fn forget_portals(&mut self) {
        self.portals.clear();
        self.taken_portals.clear();
    }

    fn forget_statements(&mut self) {
        self.statements.clear();
        self.taken_statements.clear();
    }
}

/// The name in `DEALLOCATE [PREPARE] name` and `CLOSE name`.
fn freed(text: &str, verb: &str) -> Option<String> {
    let mut words = text.trim().trim_end_matches(';').split_whitespace().peekable();
    words.next_if(|word| word.eq_ignore_ascii_case(verb))?;
    let _word = words.next_if(|word| verb == "deallocate" && word.eq_ignore_ascii_case("prepare"));
    let name = identifier(words.next()?)?;
    words.next().is_none().then_some(name)
}

/// The name in `PREPARE name [(types)] AS statement` and `DECLARE name … CURSOR …`.
fn made(text: &str, verb: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    words.next().filter(|word| word.eq_ignore_ascii_case(verb))?;
    identifier(words.next()?.split('(').next()?)
}

/// As PostgreSQL folds it; none where it is more than letters, digits and underscores.
fn identifier(word: &str) -> Option<String> {
    let quoted = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let name = quoted.unwrap_or(word);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let is_plain = !name.is_empty() && name.len() < 64 && name.chars().all(plain);
    is_plain.then(|| if quoted.is_some() { name.to_owned() } else { name.to_ascii_lowercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_only_where_they_are_plain() {
        for (text, name) in [
            ("deallocate s", Some("s")),
            ("DEALLOCATE  Prepare S ;", Some("s")),
            ("deallocate \"S\"", Some("S")),
            ("deallocate prepare", None),
            ("deallocate /**/ s", None),
            ("deallocate s; select 1", None),
            ("deallocate U&\"s\"", None),
            ("deallocate \"a\"\"b\"", None),
        ] {
            assert_eq!(freed(text, "deallocate").as_deref(), name, "{text}");
        }
        for (text, name) in [
            ("prepare S as select 1", Some("s")),
            ("PREPARE \"S\"(int) AS select 1", Some("S")),
            ("prepare /**/ s as select 1", None),
            ("select 1; prepare s as select 1", None),
        ] {
            assert_eq!(made(text, "prepare").as_deref(), name, "{text}");
        }
    }
}
