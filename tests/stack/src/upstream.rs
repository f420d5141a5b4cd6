//! Somebody's own PostgreSQL, as `postgres://user:password@host:port/database`.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Somebody's own PostgreSQL.
#[derive(Clone, Eq, PartialEq)]
pub struct Upstream {
    /// The user that Chaperone logs in as.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database.
    pub database: String,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port, database, password: _ } = self;
        write!(f, "postgres://{user}:…@{host}:{port}/{database}")
    }
}

impl FromStr for Upstream {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // The text holds a password: no error repeats any of it.
        let form = || Error::Setting("the form is postgres://user:password@host:port/database".to_owned());
        let rest = text
            .strip_prefix("postgres://")
            .or_else(|| text.strip_prefix("postgresql://"))
            .ok_or_else(form)?;
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            honoured(parameter)?;
        }
        let (login, place) = rest.rsplit_once('@').ok_or_else(form)?;
        let (user, password) = login.split_once(':').ok_or_else(form)?;
        let (address, database) = place.split_once('/').unwrap_or((place, ""));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !address.ends_with(']') => (host, port.parse().map_err(|_| form())?),
            _ => (address, 5432),
        };
        let user = decode(user).ok_or_else(form)?;
        let database = if database.is_empty() { user.clone() } else { decode(database).ok_or_else(form)? };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if user.is_empty() || host.is_empty() {
            return Err(form());
        }
        Ok(Self { user, password: decode(password).ok_or_else(form)?, host, port, database })
    }
}

/// Whether the stack does what a parameter asks for. What would be left undone silently is refused.
fn honoured(parameter: &str) -> Result<(), Error> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let reason = match (name, value) {
        ("sslmode", "disable" | "allow" | "prefer") | ("application_name" | "connect_timeout", _) => {
            return Ok(());
        }
        ("sslmode", _) => {
            "this stack reaches its target in the clear; for TLS copy envoy/ and give the cluster a transport socket"
        }
        _ => "only sslmode, application_name and connect_timeout may stand behind the `?`",
    };
    Err(Error::Setting(reason.to_owned()))
}

/// Undoes percent encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Upstream {
        text.parse().unwrap()
    }

    #[test]
    fn the_whole_form() {
        let upstream = read("postgres://app:p%40s:s%2F1@db.example.com:6543/shop?sslmode=disable");
        assert_eq!(upstream.user, "app");
        assert_eq!(upstream.password, "p@s:s/1");
        assert_eq!((upstream.host.as_str(), upstream.port), ("db.example.com", 6543));
        assert_eq!(upstream.database, "shop");
    }

    #[test]
    fn what_may_be_left_out() {
        let upstream = read("postgresql://app:secret@[::1]");
        assert_eq!((upstream.host.as_str(), upstream.port, upstream.database.as_str()), ("::1", 5432, "app"));
        assert_eq!(read("postgres://app:@h:1/d").password, "");
    }

    #[test]
    fn what_a_parameter_asks_for_is_not_dropped_silently() {
        for text in ["sslmode=require", "sslmode=verify-full", "options=-csearch_path%3Dx", "sslmode"] {
            let error =
                format!("postgres://a:hunter2@h/d?{text}").parse::<Upstream>().unwrap_err().to_string();
            assert!(error.contains("sslmode") || error.contains("TLS"), "{text}: {error}");
        }
        read("postgres://a:b@h/d?sslmode=prefer&connect_timeout=5");
    }

    #[test]
    fn errors_do_not_repeat_the_password() {
        for text in [
            "mysql://a:hunter2@h/d",
            "postgres://a:hunter2",
            "postgres://a:hunter2%4@h",
            "postgres://:hunter2@h",
        ] {
            let error = text.parse::<Upstream>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(!format!("{:?}", read("postgres://a:hunter2@h/d")).contains("hunter2"));
    }
}
