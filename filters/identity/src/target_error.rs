//! What a client may see of an error with which the target refuses to begin a session.
//!
//! Such an error is about the gateway's own account, which is none of the client's business. A few tell of the
//! target's state and nothing else.

use chaperone_flow::postgres::fatal;
use chaperone_model::Reason;
use chaperone_pgwire::server::{ErrorFields, Fields, Severity, field};

/// SQLSTATEs that the client may see: an invalid value of its own parameter, a database that does not exist, too
/// many connections, shutting down, starting up.
const SHOWN: &[&str] = &["22023", "3D000", "53300", "57P01", "57P02", "57P03"];

/// The error for the client, and the target's SQLSTATE for the record.
pub(crate) fn read(body: &[u8], user: &str) -> (Vec<u8>, String) {
    let fields = Fields::read(body).ok();
    let text = |letter| {
        let bytes = fields.and_then(|fields| fields.find(letter)).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    let code: String = text(field::CODE).chars().filter(char::is_ascii_alphanumeric).take(5).collect();
    let message = text(field::MESSAGE);
    if SHOWN.contains(&code.as_str()) && !message.contains(user) {
        let error = ErrorFields {
            severity: Severity::Fatal,
            code: &code,
            message: &message,
            detail: None,
            hint: None,
        };
        return (error.to_error(), code);
    }
    (fatal(Reason::TargetRefused).to_fatal(), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str, message: &str) -> String {
        let error = ErrorFields {
            severity: Severity::Fatal,
            code,
            message,
            detail: Some("secret detail"),
            hint: None,
        };
        let (shown, known) = read(&error.to_error()[5..], "shop_app");
        assert_eq!(known, code);
        String::from_utf8_lossy(&shown).into_owned()
    }

    #[test]
    fn the_account_is_never_named() {
        let cases = [
            ("28P01", "password authentication failed for user \"shop_app\"", false),
            ("28000", "no pg_hba.conf entry for host \"10.0.0.7\"", false),
            ("53300", "too many connections for role \"shop_app\"", false),
            ("53300", "sorry, too many clients already", true),
            ("3D000", "database \"x\" does not exist", true),
            ("57P03", "the database system is starting up", true),
        ];
        for (code, message, passes) in cases {
            let shown = shown(code, message);
            assert_eq!(shown.contains(message), passes, "{shown}");
            assert_eq!(shown.contains("ID131"), !passes, "{shown}");
            assert!(!shown.contains("shop_app") && !shown.contains("secret detail"), "{shown}");
            assert!(shown.contains("SFATAL\0"));
        }
        let (garbage, code) = read(b"\xff\xff", "shop_app");
        assert_eq!((garbage, code), (fatal(Reason::TargetRefused).to_fatal(), String::new()));
    }
}
