//! What the flows of one connection know in common. Between separate modules it travels as JSON in filter state.

use std::rc::Rc;

use chaperone_model::{Identity, SessionId};
use serde_json::{Value, json};

/// The state that flows share.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Session {
    /// The session's id; set when the connection is opened.
    pub id: Option<SessionId>,
    /// Who is calling; set once the token is verified and the role may be used.
    pub identity: Option<Rc<Identity>>,
    /// The role that the client asked for.
    pub role: String,
    /// The database that the client asked for.
    pub database: String,
    /// The client's address and port.
    pub client: String,
    /// The target's address and port, once it has said anything. Each module sees it for itself.
    pub target: String,
}

impl Session {
    /// The state as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({
            "id": self.id.as_ref().map(SessionId::as_str),
            "identity": self.identity.as_deref(),
            "role": self.role,
            "database": self.database,
            "client": self.client,
        })
        .to_string()
    }

    /// Reads what [`Self::to_json`] wrote; none where it is anything else.
    #[must_use]
    pub fn from_json(text: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(text).ok()?;
        let mut take = |name: &str| value.get_mut(name).map(Value::take);
        let text = |value: Option<Value>| value?.as_str().map(str::to_owned);
        let id = text(take("id")).map(SessionId);
        let identity = match take("identity")? {
            Value::Null => None,
            identity => Some(Rc::new(serde_json::from_value(identity).ok()?)),
        };
        let (role, database, client) = (text(take("role"))?, text(take("database"))?, text(take("client"))?);
        Some(Self { id, identity, role, database, client, target: String::new() })
    }
}

#[cfg(test)]
mod tests {
    use chaperone_model::UnixSeconds;

    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let identity = Identity {
            subject: "agent \"7\"".into(),
            groups: vec!["a".into()],
            issuer: "http://i".into(),
            token_id: "t".into(),
            expires_at: UnixSeconds(7),
        };
        let session = Session {
            id: Some(SessionId("s-1".into())),
            identity: Some(Rc::new(identity)),
            role: "analyst".into(),
            database: "shop".into(),
            client: "127.0.0.1:1".into(),
            target: String::new(),
        };
        assert_eq!(Session::from_json(session.to_json().as_bytes()), Some(session));
        assert_eq!(Session::from_json(Session::default().to_json().as_bytes()), Some(Session::default()));
        assert_eq!(Session::from_json(b"{}"), None);
        assert_eq!(Session::from_json(b"\xff"), None);
    }
}
