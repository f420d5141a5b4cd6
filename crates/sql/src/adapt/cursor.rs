//! DECLARE: the options of a cursor stand in any order, and change no fact.

use super::{Adapter, bare};

impl Adapter {
    /// Leaves the options out, from DECLARE up to the query.
    pub(super) fn cursor(&mut self) {
        let (Some(name), Some(options)) = (self.peek(1), self.rest.as_slice().get(2..)) else { return };
        let is_option =
            |word: &str| matches!(word, "no" | "scroll" | "binary" | "insensitive" | "asensitive");
        let mut length = options.iter().take_while(|token| bare(Some(token)).is_some_and(is_option)).count();
        let mut dangling = None;
        for option in options.iter().take(length) {
            let option = bare(Some(option));
            if dangling == Some("no") && option != Some("scroll") {
                return;
            }
            dangling = option;
        }
        if dangling == Some("no") || bare(options.get(length)) != Some("cursor") || !is_name(name) {
            return;
        }
        let holds = options.get(length.saturating_add(1)..).unwrap_or_default();
        let hold =
            matches!(bare(holds.first()), Some("with" | "without")) && bare(holds.get(1)) == Some("hold");
        self.done.extend(self.rest.by_ref().take(2));
        self.skip(length);
        self.done.extend(self.rest.by_ref().take(1));
        length = if hold { 2 } else { 0 };
        self.skip(length);
    }
}

fn is_name(token: &sqlparser::tokenizer::TokenWithSpan) -> bool {
    matches!(token.token, sqlparser::tokenizer::Token::Word(_))
}
