//! The words that PostgreSQL reserves fully.

/// Sorted. A bare word of these is never the name of a relation, column or alias in a text that PostgreSQL
/// accepts (but for labels behind AS and names behind a period); a tree that has one as a name was misread.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "union",
    "unique",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// Where the words of each first letter start: every name of a text is looked up.
static STARTS: [usize; 27] = starts();

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn starts() -> [usize; 27] {
    let mut starts = [0; 27];
    let mut at = RESERVED.len();
    let mut letter = starts.len();
    while letter > 0 {
        letter -= 1;
        while at > 0 && (RESERVED[at - 1].as_bytes()[0] - b'a') as usize >= letter {
            at -= 1;
        }
        starts[letter] = at;
    }
    starts
}

/// Whether PostgreSQL never takes the bare, folded `word` for a name.
pub(crate) fn is_reserved(word: &str) -> bool {
    let letter = word.bytes().next().and_then(|first| first.checked_sub(b'a')).map(usize::from);
    let bounds = letter.and_then(|letter| Some(*STARTS.get(letter)?..*STARTS.get(letter.checked_add(1)?)?));
    bounds.and_then(|bounds| RESERVED.get(bounds)).is_some_and(|words| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(RESERVED.is_sorted());
        assert!(is_reserved("only") && !is_reserved("name"));
        assert!(RESERVED.iter().all(|word| is_reserved(word)));
        assert!(["", "_", "é", "zz", "al", "alls"].iter().all(|word| !is_reserved(word)));
    }
}
