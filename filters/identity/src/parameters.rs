//! Which settings a client may bring with its start-up, and how they are spelled for the target.
//!
//! What is not on the list is refused, not dropped: a client that believes in a setting that is not in force reads
//! wrong results. Nothing that changes how a text is read is on the list, for the guard reads the same text.

use chaperone_pgwire::startup::Param;

/// Settings that clients may bring. All but the first few are what drivers send by themselves.
const ALLOWED: &[&str] = &[
    "application_name",
    "bytea_output",
    "client_min_messages",
    "datestyle",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lock_timeout",
    "statement_timeout",
    "timezone",
    "transaction_timeout",
];

/// Settings that some drivers send with the value that is PostgreSQL's default anyway; another is refused.
const FIXED: &[(&str, &[u8])] =
    &[("backslash_quote", b"safe_encoding"), ("standard_conforming_strings", b"on")];

/// How many settings the parameter `options` may hold.
pub(crate) const OPTIONS_MOST: usize = 64;

/// The settings that go to the target, in order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Parameters {
    /// Names and values.
    pub(crate) settings: Vec<(String, Vec<u8>)>,
    /// Protocol options (`_pq_.…`) that the client asked for and does not get.
    pub(crate) protocol_options: Vec<Vec<u8>>,
}

/// A setting within `options`.
struct Setting {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// A parameter that is refused, by its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refused(pub(crate) String);

impl Parameters {
    /// Reads all parameters but `user` and `database`.
    ///
    /// The encoding is always UTF-8 and strings are always standard, asked for or not and whatever the target's account has
    /// by itself, because that is what every filter of the chain reads.
    pub(crate) fn read(params: &[Param<'_>]) -> Result<Self, Refused> {
        let mut read = Self::default();
        // As in PostgreSQL, a setting of its own wins over the same one within `options`.
        if let Some(options) = params.iter().find(|param| param.name == b"options") {
            for Setting { name, value } in split_options(options.value)? {
                read.add(&name, &value)?;
            }
        }
        for Param { name, value } in params {
            match *name {
                b"database" | b"options" | b"replication" | b"user" => {}
                name if name.starts_with(b"_pq_.") => read.protocol_options.push(name.to_vec()),
                name => read.add(name, value)?,
            }
        }
        read.put("client_encoding", b"UTF8");
        read.put("standard_conforming_strings", b"on");
        Ok(read)
    }

    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refused> {
        let refused = || Refused(String::from_utf8_lossy(name).chars().take(64).collect());
        let lower = name.to_ascii_lowercase();
        let name = std::str::from_utf8(&lower).map_err(|_| refused())?;
        if ALLOWED.contains(&name) {
            self.put(name, value);
            return Ok(());
        }
        let fixed = FIXED.iter().any(|(known, only)| *known == name && value.eq_ignore_ascii_case(only));
        if fixed || (name == "client_encoding" && is_utf8(value)) { Ok(()) } else { Err(refused()) }
    }

    fn put(&mut self, name: &str, value: &[u8]) {
        match self.settings.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.settings.push((name.to_owned(), value.to_vec())),
        }
    }

    /// The client's own name for itself.
    pub(crate) fn application(&self) -> String {
        let name = self.settings.iter().find(|(name, _)| name == "application_name");
        let text = name.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(value).into_owned());
        text.chars().filter(|letter| !letter.is_control()).take(128).collect()
    }
}

/// Whether an encoding's name, spelled as freely as PostgreSQL allows, is UTF-8. `SQL_ASCII` means "as it is
/// stored", which psql says in a C locale, and gets UTF-8 as well.
fn is_utf8(name: &[u8]) -> bool {
    let plain: Vec<u8> =
        name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    matches!(plain.as_slice(), b"" | b"utf8" | b"unicode" | b"sqlascii")
}

/// Takes `-c name=value`, `-cname=value` and `--name=value` apart, which is all that a client may say there.
///
/// SPEC: `pg_split_opts`: words are separated by white space, and a backslash takes the next byte as it is.
fn split_options(options: &[u8]) -> Result<Vec<Setting>, Refused> {
    let refused = || Refused("options".to_owned());
    let mut settings = Vec::new();
    let mut words = split_words(options).into_iter();
    while let Some(word) = words.next() {
        let pair = match word.strip_prefix(b"--") {
            Some(pair) => pair.to_vec(),
            None => match word.strip_prefix(b"-c").ok_or_else(refused)? {
                [] => words.next().ok_or_else(refused)?,
                pair => pair.to_vec(),
            },
        };
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else { return Err(refused()) };
        if name.is_empty() || settings.len() == OPTIONS_MOST {
            return Err(refused());
        }
        // PostgreSQL reads `-` as `_` in such a name.
        let name = name.iter().map(|byte| if *byte == b'-' { b'_' } else { *byte }).collect();
        settings.push(Setting { name, value: value.to_vec() });
    }
    Ok(settings)
}

fn split_words(options: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut escaped = false;
    for byte in options {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
        match byte {
            b'\\' if !escaped => {
                escaped = true;
                word.get_or_insert_default();
            }
            _ if is_space && !escaped => words.extend(word.take()),
            _ => {
                escaped = false;
                word.get_or_insert_default().push(*byte);
            }
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(params: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        let params: Vec<_> = params
            .iter()
            .map(|(name, value)| Param { name: name.as_bytes(), value: value.as_bytes() })
            .collect();
        let read = Parameters::read(&params).map_err(|refused| refused.0)?;
        Ok(read.settings.into_iter().map(|(name, value)| (name, String::from_utf8(value).unwrap())).collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn what_drivers_send_goes_on_and_the_encoding_is_always_utf8() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("nothing", &[]),
            ("asyncpg quotes it", &[("client_encoding", "'utf-8'")]),
            ("psql in a C locale", &[("client_encoding", "SQL_ASCII")]),
            ("an old alias", &[("client_encoding", "Unicode")]),
            ("inside options", &[("options", "-c client_encoding=UTF8")]),
        ];
        for (why, params) in cases {
            assert_eq!(
                read(params).unwrap(),
                [pair("client_encoding", "UTF8"), pair("standard_conforming_strings", "on")],
                "{why}"
            );
        }
        let pgjdbc = [
            ("user", "u"),
            ("database", "d"),
            ("client_encoding", "UTF8"),
            ("DateStyle", "ISO"),
            ("TimeZone", "Europe/Berlin"),
            ("extra_float_digits", "2"),
        ];
        assert_eq!(
            read(&pgjdbc).unwrap(),
            [
                pair("datestyle", "ISO"),
                pair("timezone", "Europe/Berlin"),
                pair("extra_float_digits", "2"),
                pair("client_encoding", "UTF8"),
                pair("standard_conforming_strings", "on"),
            ]
        );
    }

    #[test]
    fn what_changes_how_a_text_is_read_is_refused() {
        let cases: &[(&str, &str)] = &[
            ("search_path", "evil"),
            ("Search_Path", "evil"),
            ("role", "postgres"),
            ("session_authorization", "postgres"),
            ("standard_conforming_strings", "off"),
            ("backslash_quote", "on"),
            ("client_encoding", "SJIS"),
            ("session_preload_libraries", "x"),
            ("row_security", "off"),
            ("options", "-c search_path=evil"),
            ("options", "-csearch_path=evil"),
            ("options", "--search-path=evil"),
            ("options", "-c  geqo=off  -c role=postgres"),
            ("options", "-c search\\_path=evil"),
            ("options", "-r /tmp/x"),
            ("options", "-c"),
            ("options", "-c geqo"),
            ("options", "-c =x"),
            ("options", "-- geqo=off"),
        ];
        for (name, value) in cases {
            assert!(read(&[(name, value)]).is_err(), "{name}={value}");
        }
        assert_eq!(read(&[("standard_conforming_strings", "ON")]).unwrap().len(), 2);
    }

    #[test]
    fn options_are_taken_apart_as_postgresql_does() {
        let given = "-c statement_timeout=5s --lock-timeout=1s  -cgeqo=off -c application_name=a\\ b\\\\";
        assert_eq!(
            read(&[("options", given), ("geqo", "on")]).unwrap(),
            [
                pair("statement_timeout", "5s"),
                pair("lock_timeout", "1s"),
                pair("geqo", "on"),
                pair("application_name", "a b\\"),
                pair("client_encoding", "UTF8"),
                pair("standard_conforming_strings", "on"),
            ]
        );
        assert!(read(&[("options", "")]).is_ok());
        let many = "-c geqo=on ".repeat(OPTIONS_MOST);
        assert!(read(&[("options", &many)]).is_ok());
        assert!(read(&[("options", &format!("{many} -c geqo=on"))]).is_err());
    }

    #[test]
    fn protocol_options_are_kept_apart() {
        let params = [Param { name: b"_pq_.compression", value: b"zstd" }];
        let read = Parameters::read(&params).unwrap();
        assert_eq!(read.protocol_options, [b"_pq_.compression".to_vec()]);
        assert_eq!(read.settings.len(), 2);
    }
}
