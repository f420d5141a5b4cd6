//! Row locks: `FOR [NO KEY] UPDATE`, `FOR [KEY] SHARE`, `OF` several tables.
//!
//! The parser knows two strengths and one table a clause. Facts tell which rows are locked, not how strongly, so the
//! strengths become those two, and a clause over several tables becomes as many clauses.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::aside::name_length;
use super::{Adapter, bare, is, word};

impl Adapter {
    /// Rewrites the locking clause that stands behind FOR, if it is one.
    pub(super) fn lock(&mut self) -> bool {
        let (strength, length) = if self.comes(&["update"]) {
            ("update", 1)
        } else if self.comes(&["share"]) {
            ("share", 1)
        } else if self.comes(&["no", "key", "update"]) {
            ("update", 3)
        } else if self.comes(&["key", "share"]) {
            ("share", 2)
        } else if self.comes(&["read", "only"]) {
            // The default, said aloud.
            self.skip(2);
            return true;
        } else {
            return false;
        };
        self.skip(length);
        if !self.comes(&["of"]) {
            self.done.extend([word("for"), word(strength)]);
            return true;
        }
        let tables = self.locked_tables();
        let wait = self.wait();
        for table in tables {
            self.done.extend([word("for"), word(strength), word("of")]);
            self.done.extend(table);
            self.done.extend(wait.iter().copied().map(word));
        }
        true
    }

    /// The names behind OF; one without tokens where there is none, which the parser refuses.
    fn locked_tables(&mut self) -> Vec<Vec<TokenWithSpan>> {
        let mut tables = Vec::new();
        loop {
            // OF, or the comma.
            self.skip(1);
            let length = name_length(self.rest.as_slice());
            tables.push(self.rest.by_ref().take(length).collect());
            if length == 0 || !is(self.peek(0), &Token::Comma) {
                return tables;
            }
        }
    }

    fn wait(&mut self) -> &'static [&'static str] {
        let words: &[&str] = match bare(self.peek(0)) {
            Some("nowait") => &["nowait"],
            Some("skip") if super::keyword(self.peek(1)) == Some(Keyword::LOCKED) => &["skip", "locked"],
            _ => &[],
        };
        self.skip(words.len());
        words
    }
}
