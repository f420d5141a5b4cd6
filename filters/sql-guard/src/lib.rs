//! Judges every command before the target sees it.
