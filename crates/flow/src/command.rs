//! A command's text with what it does.

use std::cell::OnceCell;
use std::rc::Rc;

use chaperone_model::Digest;
use chaperone_model::facts::Facts;
use sha2::{Digest as _, Sha256};

/// Longest piece of a statement in a record, in bytes.
const STATEMENT_MOST: usize = 4096;

/// A command as the client wrote it, and what it does.
#[derive(Clone, Debug)]
pub struct Command {
    text: String,
    /// Whether `text` is what the digest is of, to the byte.
    exact: bool,
    /// Made when it is asked for: most commands need none. INVARIANT: set where the text is not exact.
    digest: OnceCell<Digest>,
    facts: Rc<Facts>,
    /// Counted when it is asked for.
    bytes: OnceCell<usize>,
    /// Bytes that it takes and shares with no other.
    own: usize,
    one_of_several: bool,
}

impl Command {
    /// Takes a text and its facts together.
    #[must_use]
    pub fn new(text: &[u8], facts: Rc<Facts>) -> Self {
        match std::str::from_utf8(text) {
            Ok(text) => Self {
                text: text.to_owned(),
                exact: true,
                digest: OnceCell::new(),
                facts,
                bytes: OnceCell::new(),
                own: 0,
                one_of_several: false,
            },
            Err(_) => Self::clipped(String::from_utf8_lossy(text).into_owned(), digest(text), facts),
        }
    }

    /// A command of which only the digest is known.
    #[must_use]
    pub fn untold(digest: Digest, facts: Rc<Facts>) -> Self {
        Self::clipped(String::new(), digest, facts)
    }

    /// A command with a text that its digest may not be of, or not all of it.
    #[must_use]
    pub fn clipped(text: String, digest: Digest, facts: Rc<Facts>) -> Self {
        Self {
            text,
            exact: false,
            digest: OnceCell::from(digest),
            facts,
            bytes: OnceCell::new(),
            own: 0,
            one_of_several: false,
        }
    }

    /// Says that it was put together for one message: nobody else has its text or its facts, so whoever keeps it has to
    /// count them.
    #[must_use]
    pub fn made_for_one(self) -> Self {
        Self { own: self.bytes(), ..self }
    }

    /// Says that its text was put together for one message, and that its facts are known and counted elsewhere.
    #[must_use]
    pub fn told_for_one(self) -> Self {
        Self { own: size_of::<Self>() + self.text.len(), ..self }
    }

    /// Says that a name in it may stand for one of several commands, all of whose facts and texts it has.
    #[must_use]
    pub fn made_of_several(self) -> Self {
        Self { one_of_several: true, ..self }
    }

    /// Whether it is one of several commands, and nobody knows which: people cannot approve it.
    #[must_use]
    pub const fn is_one_of_several(&self) -> bool {
        self.one_of_several
    }

    /// Bytes that it takes and shares with no other; 0 for what is prepared or remembered anyway. A client may have many
    /// commands under way, so whoever keeps them until they are answered takes so much from the session's memory.
    #[must_use]
    pub const fn own(&self) -> usize {
        self.own
    }

    /// The statement as the client wrote it; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it does.
    #[must_use]
    pub const fn facts(&self) -> &Rc<Facts> {
        &self.facts
    }

    /// About how many bytes of memory it takes, its facts included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        *self.bytes.get_or_init(|| size_of::<Self>() + self.text.len() + self.facts.bytes())
    }

    /// SHA-256 of the statement.
    pub fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| digest(self.text.as_bytes()))
    }

    /// At most 4 KiB of the text, for a record.
    #[must_use]
    pub fn statement(&self) -> &str {
        clip(&self.text)
    }

    /// The digest for a record, in hexadecimal; empty where [`Self::statement`] is all of it.
    #[must_use]
    pub fn digest_beside_statement(&self) -> String {
        if self.is_told_by_statement() { String::new() } else { self.digest().to_hex() }
    }

    /// Whether [`Self::statement`] is all of the command.
    #[must_use]
    pub fn is_told_by_statement(&self) -> bool {
        self.exact && self.text.len() <= STATEMENT_MOST
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.facts == other.facts && self.digest() == other.digest()
    }
}

impl Eq for Command {}

fn digest(text: &[u8]) -> Digest {
    Digest(Sha256::digest(text).into())
}

/// At most 4 KiB of a text, cut between characters.
#[must_use]
pub fn clip(text: &str) -> &str {
    let mut end = text.len().min(STATEMENT_MOST);
    while end > 0 && !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_between_characters() {
        let text = "ü".repeat(STATEMENT_MOST);
        assert_eq!(clip(&text).len(), STATEMENT_MOST);
        assert_eq!(clip(&"ü".repeat(2500)).len(), STATEMENT_MOST);
        assert_eq!(clip("short"), "short");
    }

    #[test]
    fn the_digest_is_of_what_was_sent_and_told_where_the_statement_does_not_tell_it() {
        let facts = Rc::new(Facts::default());
        let whole = Command::new(b"select 1", Rc::clone(&facts));
        assert_eq!(whole.digest_beside_statement(), "");
        assert_eq!(whole.digest(), digest(b"select 1"));
        let odd = Command::new(b"select '\xff'", Rc::clone(&facts));
        assert_eq!(odd.digest_beside_statement(), digest(b"select '\xff'").to_hex());
        let long = "x".repeat(STATEMENT_MOST + 1);
        let cut = Command::new(long.as_bytes(), Rc::clone(&facts));
        assert_eq!(cut.digest_beside_statement(), digest(long.as_bytes()).to_hex());
        assert_eq!(Command::untold(digest(b"x"), facts).digest_beside_statement(), digest(b"x").to_hex());
    }
}
