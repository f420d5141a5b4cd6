//! The untagged packets with which a client opens a connection.

use crate::{
    read::{ReadError, Reader},
    write::{self, WriteError},
};

/// The code of an `SSLRequest`: 1234 and 5679.
pub const SSL_REQUEST: u32 = 80_877_103;
/// The code of a `GSSENCRequest`: 1234 and 5680.
pub const GSSENC_REQUEST: u32 = 80_877_104;
/// The code of a `CancelRequest`: 1234 and 5678.
pub const CANCEL_REQUEST: u32 = 80_877_102;
/// How many parameters a start-up packet may have. libpq sends about six.
pub const PARAMS_MAX: usize = 64;
/// The shortest and the longest secret of a `CancelRequest`.
pub const SECRET_LEN: std::ops::RangeInclusive<usize> = 4..=256;

/// A protocol version. The major number is always 3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version {
    /// 0 up to PostgreSQL 17; 2 since 18, with longer secrets. A server that knows less says so.
    pub minor: u16,
}

impl Version {
    /// Version 3.0.
    pub const V3_0: Self = Self { minor: 0 };
    /// Version 3.2.
    pub const V3_2: Self = Self { minor: 2 };

    /// The version as it stands in a start-up packet.
    #[must_use]
    pub fn code(self) -> u32 {
        0x0003_0000 | u32::from(self.minor)
    }
}

/// One untagged packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StartupPacket<'a> {
    /// Cancel what another connection does.
    Cancel(Cancel<'a>),
    /// May we speak GSSAPI encryption?
    GssEncRequest,
    /// May we speak TLS?
    SslRequest,
    /// Begin a session.
    Startup(Startup<'a>),
}

/// Which session to cancel.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Cancel<'a> {
    /// The process id from the session's `BackendKeyData`.
    pub pid: u32,
    /// The secret from there: four bytes in version 3.0, up to 256 in 3.2.
    pub secret: &'a [u8],
}

/// What a client wants to begin.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Startup<'a> {
    /// The version it wishes to speak.
    pub version: Version,
    /// Names and values, in order. INVARIANT: no name is empty or stands twice.
    pub params: Vec<Param<'a>>,
}

/// One parameter of a start-up packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Param<'a> {
    /// `user`, `database`, `options`, `replication`, an option `_pq_.…`, or a setting.
    pub name: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
}

/// Whether an untagged packet is a StartupMessage: neither a request for encryption nor to cancel, nor of a
/// version that no server of ours speaks.
#[must_use]
pub fn begins_session(frame: &crate::Frame<'_>) -> bool {
    frame.tag == crate::tag::UNTAGGED && frame.body().first_chunk::<2>() == Some(&[0, 3])
}

// === impl StartupPacket ===

impl<'a> StartupPacket<'a> {
    /// Reads the body of a start-up packet (what follows its length).
    ///
    /// # Errors
    ///
    /// When it is none, or is laid out wrongly, or names a parameter twice: PostgreSQL would take the last of
    /// two, and another reader the first.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        match reader.u32()? {
            SSL_REQUEST => reader.finish().map(|()| Self::SslRequest),
            GSSENC_REQUEST => reader.finish().map(|()| Self::GssEncRequest),
            CANCEL_REQUEST => {
                let cancel = Cancel { pid: reader.u32()?, secret: reader.rest() };
                if !SECRET_LEN.contains(&cancel.secret.len()) {
                    return Err(ReadError::Count);
                }
                Ok(Self::Cancel(cancel))
            }
            code if code >> 16 == 3 => {
                let version =
                    Version { minor: u16::try_from(code & 0xffff).map_err(|_| ReadError::Version)? };
                Ok(Self::Startup(Startup { version, params: read_params(reader)? }))
            }
            _ => Err(ReadError::Version),
        }
    }

    /// Appends the packet.
    ///
    /// # Errors
    ///
    /// When a text holds a NUL, or a name is empty.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), WriteError> {
        write::message(out, None, |out| match self {
            Self::Cancel(Cancel { pid, secret }) => {
                out.extend(CANCEL_REQUEST.to_be_bytes());
                out.extend(pid.to_be_bytes());
                out.extend_from_slice(secret);
                Ok(())
            }
            Self::GssEncRequest => {
                out.extend(GSSENC_REQUEST.to_be_bytes());
                Ok(())
            }
            Self::SslRequest => {
                out.extend(SSL_REQUEST.to_be_bytes());
                Ok(())
            }
            Self::Startup(Startup { version, params }) => {
                out.extend(version.code().to_be_bytes());
                for Param { name, value } in params {
                    // An empty name ends the list.
                    if name.is_empty() {
                        return Err(WriteError::Nul);
                    }
                    write::text(out, name)?;
                    write::text(out, value)?;
                }
                out.push(0);
                Ok(())
            }
        })
    }
}

/// Reads pairs up to the empty name that must be the packet's last byte.
fn read_params(mut reader: Reader<'_>) -> Result<Vec<Param<'_>>, ReadError> {
    let mut params: Vec<Param<'_>> = Vec::new();
    loop {
        let name = reader.text()?;
        if name.is_empty() {
            reader.finish()?;
            return Ok(params);
        }
        let value = reader.text()?;
        if params.len() == PARAMS_MAX {
            return Err(ReadError::Count);
        }
        if params.iter().any(|known| known.name == name) {
            return Err(ReadError::Duplicate);
        }
        params.push(Param { name, value });
    }
}

// === impl Cancel ===

impl std::fmt::Debug for Cancel<'_> {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancel").field("pid", &self.pid).finish_non_exhaustive()
    }
}

// === impl Startup ===

impl<'a> Startup<'a> {
    /// The value of the parameter with this name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.iter().find(|param| param.name == name.as_bytes()).map(|param| param.value)
    }

    /// The role that the client asks for; required by PostgreSQL.
    #[must_use]
    pub fn user(&self) -> Option<&'a [u8]> {
        self.param("user")
    }

    /// The database that the client asks for, which is that of the role's name when it names none.
    #[must_use]
    pub fn database(&self) -> Option<&'a [u8]> {
        self.param("database").filter(|name| !name.is_empty()).or_else(|| self.user())
    }

    /// Whether the client asks for a replication connection. Unlike PostgreSQL, any value but the known ways to
    /// say no counts as yes.
    #[must_use]
    pub fn wants_replication(&self) -> bool {
        self.param("replication").is_some_and(|value| {
            !["false", "off", "no", "0", "f", "n"].iter().any(|no| value.eq_ignore_ascii_case(no.as_bytes()))
        })
    }
}
