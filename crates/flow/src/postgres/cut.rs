//! How far the rest of an answer goes that was cut.
//!
//! As after an error of the server, the client hears nothing more until the ReadyForQuery that ends its Query or, in the
//! extended protocol, that answers its Sync. What the client sent meanwhile is at the server already, which runs it.

use chaperone_pgwire::exchange::Request;
use chaperone_pgwire::tag::server;

/// Until when nothing is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Until {
    /// The ReadyForQuery that ends the Query.
    Ready,
    /// The ReadyForQuery that answers the client's Sync.
    Sync,
}

impl Until {
    pub(super) fn of(request: Request) -> Self {
        if request == Request::Query { Self::Ready } else { Self::Sync }
    }

    /// Whether a ReadyForQuery that answers this is the one. A Query that was sent behind a batch without a Sync the client
    /// expects to be skipped.
    pub(super) fn is_over(self, answers: Option<Request>) -> bool {
        match self {
            Self::Ready => true,
            Self::Sync => answers.is_none_or(|request| request == Request::Sync),
        }
    }
}

/// What is shown all the same: what is no answer, and that the server waits for COPY data; were the client not told, both
/// would wait.
pub(super) const fn passes(tag: u8) -> bool {
    matches!(
        tag,
        server::COPY_IN_RESPONSE
            | server::NOTICE_RESPONSE
            | server::NOTIFICATION_RESPONSE
            | server::PARAMETER_STATUS
    )
}
