//! Authentication requests, and the key that a client may cancel with.

use std::fmt;

use crate::{
    read::{ReadError, Reader},
    startup::SECRET_LEN,
};

/// What the server wants to see, or that it is satisfied.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Authentication<'a> {
    /// The password in clear.
    CleartextPassword,
    /// The password hashed with this salt.
    Md5Password {
        /// The salt.
        salt: [u8; 4],
    },
    /// Nothing more.
    Ok,
    /// Anything else (Kerberos, GSSAPI, SSPI …), by its code.
    Other(u32),
    /// One of these SASL mechanisms.
    Sasl(Mechanisms<'a>),
    /// The client's next SASL message; this is the server's.
    SaslContinue(&'a [u8]),
    /// Nothing more in SASL; this is the server's last message.
    SaslFinal(&'a [u8]),
}

/// Names of SASL mechanisms, in the server's order of preference.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Mechanisms<'a>(&'a [u8]);

/// How to cancel what this session does.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct BackendKeyData<'a> {
    /// The session's process id.
    pub pid: u32,
    /// Four bytes in version 3.0, up to 256 in 3.2.
    pub secret: &'a [u8],
}

impl<'a> Authentication<'a> {
    /// Reads the body of an authentication message.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let read = match reader.u32()? {
            0 => Self::Ok,
            3 => Self::CleartextPassword,
            5 => Self::Md5Password { salt: reader.array()? },
            10 => Self::Sasl(Mechanisms::read(&mut reader)?),
            11 => Self::SaslContinue(reader.rest()),
            12 => Self::SaslFinal(reader.rest()),
            code => {
                reader.rest();
                Self::Other(code)
            }
        };
        reader.finish().map(|()| read)
    }
}

impl fmt::Debug for Authentication<'_> {
    /// Leaves salts and SASL messages out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CleartextPassword => "CleartextPassword",
            Self::Md5Password { .. } => "Md5Password",
            Self::Ok => "Ok",
            Self::Other(code) => return write!(f, "Other({code})"),
            Self::Sasl(mechanisms) => return write!(f, "Sasl({mechanisms:?})"),
            Self::SaslContinue(_) => "SaslContinue",
            Self::SaslFinal(_) => "SaslFinal",
        })
    }
}

impl<'a> Mechanisms<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let start = *reader;
        loop {
            let end = *reader;
            if reader.text()?.is_empty() {
                return Ok(Self(start.up_to(&end)));
            }
        }
    }

    /// Each name, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || reader.text().ok())
    }
}

impl fmt::Debug for Mechanisms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(String::from_utf8_lossy)).finish()
    }
}

impl<'a> BackendKeyData<'a> {
    /// Reads the body of a `BackendKeyData`.
    ///
    /// # Errors
    ///
    /// When the secret is shorter than 4 or longer than 256 bytes.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let key = Self { pid: reader.u32()?, secret: reader.rest() };
        if SECRET_LEN.contains(&key.secret.len()) { Ok(key) } else { Err(ReadError::Count) }
    }
}

impl fmt::Debug for BackendKeyData<'_> {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendKeyData").field("pid", &self.pid).finish_non_exhaustive()
    }
}
