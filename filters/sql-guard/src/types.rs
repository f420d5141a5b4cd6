//! The types that a client declares for parameters: a value means one thing as a number and another as bits, so whoever
//! approves the statement, or reads its record, must see them.

use std::fmt::Write;

/// How the line begins. It is the last of a text, and no other line of a text that has declared types passes for it.
const LINE: &str = "-- parameter types:";

/// Most types that are named; PostgreSQL takes 65,535.
const NAMED_MOST: usize = 1_000;

/// The text with a line that names the declared types; none where it needs no such line.
pub(crate) fn with_types(text: &[u8], types: impl Iterator<Item = u32>) -> Option<Vec<u8>> {
    let mut line = String::new();
    for (index, oid) in types.enumerate().filter(|(_, oid)| *oid != 0) {
        if line.len() > NAMED_MOST * 16 {
            // More than anybody could read: what is held and as long as this is refused.
            line.push_str(&" ".repeat(chaperone_flow::HELD_TEXT_MOST));
            break;
        }
        let comma = if line.is_empty() { "" } else { "," };
        // Writing to a String does not fail.
        let _ = match name(oid) {
            Some(name) => write!(line, "{comma} ${} {name}", index + 1),
            None => write!(line, "{comma} ${} of the type with OID {oid}", index + 1),
        };
    }
    if line.is_empty() {
        // A text may have such a line of its own, and nobody may take it for ours.
        let imitates = text.windows(2).any(|pair| pair == b"--")
            && text.windows(LINE.len()).any(|part| part.eq_ignore_ascii_case(LINE.as_bytes()));
        if !imitates {
            return None;
        }
        line.push_str(" none is declared");
    }
    let mut told = text.to_vec();
    // Behind a comment that runs to the end of the text too.
    told.extend_from_slice(format!("\n{LINE}{line}").as_bytes());
    Some(told)
}

/// What `pg_type` calls it.
const fn name(oid: u32) -> Option<&'static str> {
    Some(match oid {
        16 => "bool",
        17 => "bytea",
        18 => "\"char\"",
        19 => "name",
        20 => "int8",
        21 => "int2",
        23 => "int4",
        25 => "text",
        26 => "oid",
        114 => "json",
        142 => "xml",
        700 => "float4",
        701 => "float8",
        705 => "unknown",
        790 => "money",
        1007 => "int4[]",
        1009 => "text[]",
        1016 => "int8[]",
        1042 => "bpchar",
        1043 => "varchar",
        1082 => "date",
        1083 => "time",
        1114 => "timestamp",
        1184 => "timestamptz",
        1186 => "interval",
        1266 => "timetz",
        1560 => "bit",
        1562 => "varbit",
        1700 => "numeric",
        2950 => "uuid",
        3802 => "jsonb",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, types: &[u32]) -> String {
        let told = with_types(text.as_bytes(), types.iter().copied());
        told.map_or_else(|| text.to_owned(), |told| String::from_utf8(told).unwrap())
    }

    #[test]
    fn declared_types_are_told_and_no_text_tells_them_for_us() {
        assert_eq!(told("select $1", &[]), "select $1");
        assert_eq!(told("select $1", &[0, 0]), "select $1");
        assert_eq!(
            told("select $1, $2, $3", &[1560, 0, 99_999]),
            "select $1, $2, $3\n-- parameter types: $1 bit, $3 of the type with OID 99999"
        );
        let forged = "select $1 -- Parameter types: $1 int4";
        assert_eq!(told(forged, &[]), format!("{forged}\n-- parameter types: none is declared"));
        assert!(told(forged, &[1560]).ends_with("\n-- parameter types: $1 bit"));
        assert!(told("x", &[1560; 60_000]).len() < 100_000);
    }
}
