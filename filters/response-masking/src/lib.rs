//! Hides what the caller may not see in what comes back.
