//! What this filter counts; its README has the same list.

/// A command that people were asked about.
pub(crate) const ASKED: &str = "chaperone.approval-hold.holds.asked";
/// One that went on.
pub(crate) const APPROVED: &str = "chaperone.approval-hold.holds.approved";
/// One that people refused.
pub(crate) const REJECTED: &str = "chaperone.approval-hold.holds.rejected";
/// One that nobody decided in time.
pub(crate) const EXPIRED: &str = "chaperone.approval-hold.holds.expired";
/// One that the client gave up.
pub(crate) const CANCELLED: &str = "chaperone.approval-hold.holds.cancelled";
/// One for which the sidecar was lost.
pub(crate) const UNAVAILABLE: &str = "chaperone.approval-hold.holds.unavailable";
/// One that was refused for another reason.
pub(crate) const REFUSED: &str = "chaperone.approval-hold.holds.refused";

/// All of them: defined before anything is counted, so that a rate has a first value to rise from.
pub const COUNTERS: &[&str] = &[ASKED, APPROVED, REJECTED, EXPIRED, CANCELLED, UNAVAILABLE, REFUSED];
