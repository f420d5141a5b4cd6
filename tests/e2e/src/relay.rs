//! The wire between Envoy and the target, which can be cut at any byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A client's request for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A relay to a port on loopback.
#[derive(Debug)]
pub struct Relay {
    /// Where it listens.
    pub port: u16,
    wire: Arc<Wire>,
}

#[derive(Debug)]
struct Wire {
    /// Bytes of the target's that still get through, over all connections.
    allowance: AtomicI64,
    relayed: AtomicI64,
    open: Mutex<Vec<TcpStream>>,
    offers_tls: AtomicBool,
}

impl Relay {
    /// Starts one; it lives as long as the process.
    #[must_use]
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Wire {
            allowance: AtomicI64::new(i64::MAX),
            relayed: AtomicI64::new(0),
            open: Mutex::default(),
            offers_tls: AtomicBool::new(false),
        });
        let shared = Arc::clone(&wire);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                shared.join(client, to);
            }
        });
        Self { port, wire }
    }

    /// Cuts every connection once the target has said this many bytes more, in the middle of whatever it says.
    pub fn cut_after(&self, bytes: i64) {
        self.wire.allowance.store(bytes, Ordering::SeqCst);
    }

    /// Says yes in the target's place to whoever asks for TLS, and waits for a handshake in vain.
    pub fn offer_tls(&self) {
        self.wire.offers_tls.store(true, Ordering::SeqCst);
    }

    /// Cuts what is open now.
    pub fn cut(&self) {
        self.wire.cut();
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        self.cut_after(i64::MAX);
    }

    /// How much the target has said so far.
    #[must_use]
    pub fn relayed(&self) -> i64 {
        self.wire.relayed.load(Ordering::SeqCst)
    }
}

impl Wire {
    fn join(self: &Arc<Self>, client: TcpStream, to: u16) {
        let Ok(target) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { return };
        self.open.lock().unwrap().extend([client.try_clone().unwrap(), target.try_clone().unwrap()]);
        let (mut from_client, mut to_target) = (client.try_clone().unwrap(), target.try_clone().unwrap());
        let offers_tls = self.offers_tls.load(Ordering::SeqCst);
        thread::spawn(move || {
            let mut first = [0; 8];
            if offers_tls && from_client.read_exact(&mut first).is_ok() {
                let said = if first == SSL_REQUEST {
                    from_client.write_all(b"S")
                } else {
                    to_target.write_all(&first)
                };
                if said.is_err() || first == SSL_REQUEST {
                    // What follows is nothing that PostgreSQL reads in clear.
                    let _ = from_client.read_to_end(&mut Vec::new());
                    let _ = to_target.shutdown(Shutdown::Both);
                    return;
                }
            }
            pass(from_client, to_target, |size| size);
        });
        let wire = Arc::clone(self);
        thread::spawn(move || pass(target, client, |size| wire.allow(size)));
    }

    /// How many of so many bytes of the target's get through.
    fn allow(&self, size: usize) -> usize {
        let size = i64::try_from(size).unwrap();
        let left = self.allowance.fetch_sub(size, Ordering::SeqCst).max(0);
        let allowed = size.min(left);
        self.relayed.fetch_add(allowed, Ordering::SeqCst);
        usize::try_from(allowed).unwrap()
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Passes bytes on until either end closes or not all are allowed.
fn pass(mut from: TcpStream, mut to: TcpStream, allow: impl Fn(usize) -> usize) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(size) = from.read(&mut buffer) {
        let allowed = allow(size);
        let sent = to.write_all(buffer.get(..allowed).unwrap_or_default());
        if size == 0 || allowed < size || sent.is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
