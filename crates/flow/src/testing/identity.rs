//! Who is calling, where a test has no identity filter to find out.

use std::rc::Rc;

use chaperone_model::{Identity, SessionId, UnixSeconds};

use super::Wire;

impl Wire {
    /// Whose session it is: an analyst of the shop. Identity would have told.
    pub fn sign_in(&mut self, subject: &str) {
        let mut session = self.line.session().clone();
        session.id = Some(SessionId("s-1".into()));
        session.role = "analyst".into();
        session.database = "shop".into();
        session.identity = Some(Rc::new(Identity {
            subject: subject.into(),
            groups: vec!["analysts".into()],
            issuer: "http://idp".into(),
            token_id: "t".into(),
            expires_at: UnixSeconds(2_000_000_000),
        }));
        self.line.set_session(session);
    }
}
