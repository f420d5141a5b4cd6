//! The parser's keyword that a word is, found faster than the parser finds it.

use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};

/// Twice as many slots as keywords, at least.
const SLOTS: usize = 4096;
const NONE: u16 = u16::MAX;

/// Where in the parser's list the keyword of each hash is; what collides takes the next slot.
static TABLE: [u16; SLOTS] = table();

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler: there are fewer keywords than slots"
)]
const fn table() -> [u16; SLOTS] {
    let mut table = [NONE; SLOTS];
    let mut keyword = 0;
    while keyword < ALL_KEYWORDS.len() {
        let mut slot = hash(ALL_KEYWORDS[keyword].as_bytes());
        while table[slot] != NONE {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = keyword as u16;
        keyword += 1;
    }
    assert!(ALL_KEYWORDS.len() * 2 < SLOTS, "the table is too full");
    table
}

/// FNV-1a over the bytes whatever their case.
const fn hash(mut word: &[u8]) -> usize {
    let mut hash = 0x811c_9dc5_u32;
    while let [first, rest @ ..] = word {
        hash = (hash ^ first.to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193);
        word = rest;
    }
    (hash ^ (hash >> 16)) as usize % SLOTS
}

/// The keyword that the folded `word` is.
pub(super) fn lookup(word: &str) -> Keyword {
    find(word).unwrap_or(Keyword::NoKeyword)
}

fn find(word: &str) -> Option<Keyword> {
    let mut slot = hash(word.as_bytes());
    // The table has empty slots: the search ends.
    loop {
        let keyword = usize::from(*TABLE.get(slot)?);
        if ALL_KEYWORDS.get(keyword)?.eq_ignore_ascii_case(word) {
            return ALL_KEYWORDS_INDEX.get(keyword).copied();
        }
        slot = slot.wrapping_add(1) % SLOTS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::tokenizer::Token;

    #[test]
    fn every_word_is_the_keyword_that_the_parser_says() {
        let near = |word: &str| [word.to_owned(), format!("{word}_"), format!("x{word}"), word.repeat(20)];
        let words = ALL_KEYWORDS.iter().flat_map(|keyword| near(&keyword.to_ascii_lowercase()));
        for word in words.chain(["", "_", "é", "zzzz", "a"].map(str::to_owned)) {
            let Token::Word(theirs) = Token::make_word(&word, None) else { return assert!(word.is_empty()) };
            assert_eq!(lookup(&word), theirs.keyword, "{word}");
        }
    }
}
