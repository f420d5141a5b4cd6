//! The client's side of PostgreSQL's password authentication: SCRAM-SHA-256 and md5, without IO.
