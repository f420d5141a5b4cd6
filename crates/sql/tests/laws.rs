//! Laws over any text: nothing panics, and how a text is spelled does not matter.

use chaperone_sql::{Limits, read};
use proptest::prelude::*;

/// Statements in pieces; between two pieces any blank may stand.
const STATEMENTS: &[&[&str]] = &[
    &["select", "A", ",", "upper", "(", "b", ")", "from", "Public", ".", "T", "where", "x", "=", "'It''s'"],
    &[
        "with",
        "c",
        "as",
        "(",
        "delete",
        "from",
        "only",
        "t",
        "where",
        "id",
        "=",
        "5",
        "returning",
        "*",
        ")",
        "table",
        "c",
    ],
    &[
        "update",
        "t",
        "set",
        "a",
        "=",
        "b",
        "||",
        "$q$ x $q$",
        "where",
        "id",
        ">",
        "-",
        "1",
        "or",
        "not",
        "ok",
    ],
    &["copy", "t", "(", "a", ")", "to", "stdout", ";", "set", "role", "to", "admin"],
    &["insert", "into", "t", "(", "a", ")", "select", "b", "from", "u", "on", "conflict", "do", "nothing"],
    &[
        "merge", "into", "t", "using", "u", "on", "t", ".", "a", "=", "u", ".", "a", "when", "matched",
        "then", "delete",
    ],
];

/// Words and signs that texts about SQL are made of.
const SOUP: &[&str] = &[
    "select", "from", "where", "t", "only", "table", "(", ")", "[", "]", ",", ";", ".", "*", "case", "when",
    "then", "else", "end", "not", "and", "or", "union", "join", "on", "using", "insert", "into", "values",
    "update", "set", "delete", "merge", "with", "as", "interval", "'x'", "$1", "$$", "--\n", "/*", "*/", "1",
    "+", "-", "::", "int", "is", "null", "between", "in", "exists", "array", "order", "by", "copy", "to",
    "stdin", "create", "drop", "alter", "grant", "explain", "analyze", "prepare", "execute", "limit",
    "lateral", "filter", "over", "\"q\"", "e'\\''",
];

fn blank() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            Just(" "),
            Just("\t"),
            Just("\n"),
            Just("\r\n"),
            Just("\u{c}"),
            Just("/* a /* nested */ ; drop table x; */"),
            Just("-- ; drop table x;\n"),
        ],
        1..4,
    )
    .prop_map(|blanks| format!(" {}", blanks.concat()))
}

/// A bare word in another case; anything else as it is.
fn recased(piece: &str, upper: bool) -> String {
    if upper && piece.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        piece.to_ascii_uppercase()
    } else {
        piece.to_owned()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, &Limits::default());
    }

    #[test]
    fn no_soup_of_words_panics(words in prop::collection::vec(prop::sample::select(SOUP), 0..60)) {
        let _ = read(words.join(" ").as_bytes(), &Limits::default());
    }

    #[test]
    fn no_mangled_statement_panics(
        which in 0..STATEMENTS.len(),
        words in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(SOUP)), 0..6),
    ) {
        let mut pieces = STATEMENTS[which].to_vec();
        for (at, word) in words {
            let at = at.index(pieces.len());
            pieces.insert(at, word);
        }
        let _ = read(pieces.join(" ").as_bytes(), &Limits::default());
    }

    #[test]
    fn blanks_comments_and_case_do_not_matter(
        which in 0..STATEMENTS.len(),
        blanks in prop::collection::vec((blank(), any::<bool>()), 20),
    ) {
        let pieces = STATEMENTS[which];
        let plain = read(pieces.join(" ").as_bytes(), &Limits::default());
        let spelled: String = pieces
            .iter()
            .zip(&blanks)
            .map(|(piece, (blank, upper))| format!("{blank}{}", recased(piece, *upper)))
            .collect();
        let other = read(spelled.as_bytes(), &Limits::default());
        prop_assert!(plain.statements.iter().all(|statement| statement.opaque.is_none()), "{:?}", plain);
        prop_assert_eq!(plain, other, "{}", spelled);
    }

    #[test]
    fn quoting_a_folded_name_does_not_matter(name in "[a-z_][a-z0-9_$]{0,70}") {
        let name = format!("x{name}");
        let bare = read(format!("select {name} from {name}.{name}").as_bytes(), &Limits::default());
        let quoted = read(format!("select \"{name}\" from \"{name}\".\"{name}\"").as_bytes(), &Limits::default());
        prop_assert_eq!(bare, quoted);
    }
}

#[test]
fn the_strategies_reach_every_statement() {
    assert!(STATEMENTS.iter().all(|pieces| pieces.len() <= 20));
    assert!(STATEMENTS.first().unwrap().len() > 3);
}
