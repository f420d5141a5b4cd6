//! End-to-end tests: a real Envoy, a real PostgreSQL, real clients.
