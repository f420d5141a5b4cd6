//! What a [`Framer`](crate::Framer) yields, its limits and its errors.

use std::fmt;

/// One whole message, as it stands on the wire.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Frame<'a> {
    /// The message's letter, or 0 for an untagged start-up packet.
    pub tag: u8,
    /// The whole message, with letter and length.
    pub bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// What follows letter and length.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        let header = if self.tag == 0 { 4 } else { 5 };
        self.bytes.get(header..).unwrap_or_default()
    }
}

impl fmt::Debug for Frame<'_> {
    /// Shows the kind and the size only: a frame may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({:?}, {} bytes)", char::from(self.tag), self.bytes.len())
    }
}

/// What comes next in a direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Item<'a> {
    /// A whole message.
    Frame(Frame<'a>),
    /// The untagged answer to a request for encryption: `S`, `G`, `N` or what else the server said.
    SingleByte(u8),
    /// A message over its limit. Yielded once, when its header is known; its body is dropped as it arrives.
    TooLarge {
        /// The message's letter.
        tag: u8,
        /// Its length, as declared: the body and the four bytes of the length itself.
        declared: u64,
    },
}

/// Whether the next message begins with a letter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// No: a start-up packet. A client's direction begins so, and stays so after a request for encryption.
    Startup,
    /// Yes.
    Tagged,
}

/// How large a message's body may be, in bytes; the letter and the length are not counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameLimits {
    /// A start-up packet.
    pub startup_max: u32,
    /// `CopyData`.
    pub copy_data_max: u32,
    /// Every other message.
    pub message_max: u32,
}

impl FrameLimits {
    /// PostgreSQL's own limit (`MAX_STARTUP_PACKET_LENGTH`).
    pub const STARTUP_MAX: u32 = 10_000;
    /// 16 MiB: PostgreSQL would take 1 GiB, which a proxy with many sessions cannot hold.
    pub const MESSAGE_MAX: u32 = 16 << 20;
    /// 16 MiB. COPY cuts its data into pieces, so that this seldom matters.
    pub const COPY_DATA_MAX: u32 = 16 << 20;
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self {
            startup_max: Self::STARTUP_MAX,
            copy_data_max: Self::COPY_DATA_MAX,
            message_max: Self::MESSAGE_MAX,
        }
    }
}

/// The direction cannot be read any further: where the next message begins is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FrameError {
    /// A length that does not even cover itself, or a negative one.
    Length {
        /// The message's letter, 0 for a start-up packet.
        tag: u8,
        /// The length as declared.
        declared: i32,
    },
    /// The length of a start-up packet is out of PostgreSQL's bounds: not a PostgreSQL client, or an attack.
    StartupLength {
        /// The length as declared.
        declared: i32,
    },
    /// The letter is a NUL.
    Tag,
    /// The caller let go of [`Frames`](crate::Frames) with bytes in it: they are lost.
    Undrained,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { tag, declared } => {
                write!(f, "invalid length `{declared}` of message `{}`", char::from(*tag).escape_default())
            }
            Self::StartupLength { declared } => write!(f, "invalid length `{declared}` of startup packet"),
            Self::Tag => f.write_str("message type is NUL"),
            Self::Undrained => f.write_str("bytes of an earlier read were abandoned"),
        }
    }
}

impl std::error::Error for FrameError {}
