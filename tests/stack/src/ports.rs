//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;

/// The ports that one stack listens on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) fused: u16,
    pub(crate) separate: u16,
    pub(crate) plain: u16,
    pub(crate) admin: u16,
    pub(crate) sidecar: u16,
    pub(crate) idp: u16,
}

impl Ports {
    /// Ports that nobody listens on now: `known` ones where people should find them again and they are free.
    /// `with_postgres` where one of them is for a PostgreSQL of the stack's own.
    pub(crate) fn free(known: bool, with_postgres: bool) -> Result<Self, Error> {
        let pick = |wish: u16, what: &str| {
            if known && is_free(wish) {
                return Ok(wish);
            }
            let port = any()?;
            if known {
                // Somebody who has it written down somewhere wants to know.
                eprintln!("==> port {wish} is taken: {what} listens on {port}");
            }
            Ok::<_, Error>(port)
        };
        Ok(Self {
            postgres: if with_postgres { pick(15_432, "PostgreSQL")? } else { any()? },
            fused: pick(6432, "the fused chain")?,
            separate: pick(6433, "the separate chain")?,
            plain: pick(6434, "plain Envoy")?,
            admin: pick(9901, "Envoy's admin interface")?,
            sidecar: pick(7480, "the sidecar")?,
            idp: pick(8085, "the identity provider")?,
        })
    }
}

/// The range is below the one that the kernel gives to outgoing connections, which would race with us.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

fn any() -> Result<u16, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Two processes start to look at different places.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + start.wrapping_add(step) % COUNT).unwrap_or(0);
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::Setting("no free loopback port".to_owned()))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
