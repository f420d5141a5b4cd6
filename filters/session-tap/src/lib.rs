//! Records everything that was sent and shown.
