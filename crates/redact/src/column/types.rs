//! PostgreSQL's built-in types: what kind of thing each holds, and what to show in its place.

use super::Format;

/// What a type holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A network address.
    Address(Constant),
    /// An array of this type.
    Array(u32),
    /// `bytea`.
    Bytes,
    /// JSON text.
    Json,
    /// JSON text; in binary format behind a version byte.
    Jsonb,
    /// A number, which may be a card's.
    Number(Constant),
    /// A time, a truth value, a position: nothing that a detector could find.
    Opaque(Constant),
    /// Text, the same in both formats.
    Text,
    /// A UUID.
    Uuid,
}

/// A value that every reader of a type accepts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constant {
    pub(super) text: &'static str,
    pub(super) binary: &'static [u8],
}

impl Constant {
    pub(super) fn bytes(self, format: Format) -> Vec<u8> {
        match format {
            Format::Binary => self.binary.to_vec(),
            Format::Text => self.text.as_bytes().to_vec(),
        }
    }
}

pub(super) const INT2: u32 = 21;
pub(super) const INT4: u32 = 23;
pub(super) const INT8: u32 = 20;
pub(super) const NUMERIC: u32 = 1700;

/// The shape of the type with this OID (`pg_type.dat`); None for one unknown here, as are all that users make.
pub(super) fn shape(oid: u32) -> Option<Shape> {
    const fn number(text: &'static str, binary: &'static [u8]) -> Option<Shape> {
        Some(Shape::Number(Constant { text, binary }))
    }
    const fn opaque(text: &'static str, binary: &'static [u8]) -> Option<Shape> {
        Some(Shape::Opaque(Constant { text, binary }))
    }
    const fn address(text: &'static str, binary: &'static [u8]) -> Option<Shape> {
        Some(Shape::Address(Constant { text, binary }))
    }
    match oid {
        // name, text, xml, unknown, bpchar, varchar, cstring, refcursor
        19 | 25 | 142 | 705 | 1042 | 1043 | 2275 | 1790 => Some(Shape::Text),
        // bytea
        17 => Some(Shape::Bytes),
        // json, jsonb, uuid
        114 => Some(Shape::Json),
        3802 => Some(Shape::Jsonb),
        2950 => Some(Shape::Uuid),

        // int2, int4, int8, numeric
        INT2 => number("0", &[0; 2]),
        INT4 => number("0", &[0; 4]),
        INT8 => number("0", &[0; 8]),
        // No digits, weight 0, positive, scale 0.
        NUMERIC => number("0", &[0; 8]),
        // float4, float8, money
        700 => number("0", &[0; 4]),
        701 => number("0", &[0; 8]),
        790 => number("$0.00", &[0; 8]),

        // inet 0.0.0.0 and cidr 0.0.0.0/0: family, bits, whether cidr, length, address
        869 => address("0.0.0.0", &[2, 32, 0, 4, 0, 0, 0, 0]),
        650 => address("0.0.0.0/0", &[2, 0, 1, 4, 0, 0, 0, 0]),
        // macaddr, macaddr8
        829 => opaque("00:00:00:00:00:00", &[0; 6]),
        774 => opaque("00:00:00:00:00:00:00:00", &[0; 8]),

        // bool, "char"
        16 => opaque("f", &[0]),
        18 => opaque("*", b"*"),
        // oid, xid, cid; xid8; pg_lsn; tid
        26 | 28 | 29 => opaque("0", &[0; 4]),
        5069 => opaque("0", &[0; 8]),
        3220 => opaque("0/0", &[0; 8]),
        27 => opaque("(0,0)", &[0; 6]),
        // date, timestamp, timestamptz: PostgreSQL's own epoch
        1082 => opaque("2000-01-01", &[0; 4]),
        1114 => opaque("2000-01-01 00:00:00", &[0; 8]),
        1184 => opaque("2000-01-01 00:00:00+00", &[0; 8]),
        // time, timetz, interval
        1083 => opaque("00:00:00", &[0; 8]),
        1266 => opaque("00:00:00+00", &[0; 12]),
        1186 => opaque("00:00:00", &[0; 16]),
        // bit, varbit: no bits
        1560 | 1562 => opaque("", &[0; 4]),
        // point, circle
        600 => opaque("(0,0)", &[0; 16]),
        718 => opaque("<(0,0),0>", &[0; 24]),
        // ranges and multiranges, empty
        3904 | 3906 | 3908 | 3910 | 3912 | 3926 => opaque("empty", &[1]),
        4451 | 4532 | 4533 | 4534 | 4535 | 4536 => opaque("{}", &[0; 4]),

        _ => element(oid).map(Shape::Array),
    }
}

/// The type of an array's elements.
const fn element(oid: u32) -> Option<u32> {
    Some(match oid {
        1000 => 16,
        1001 => 17,
        1002 => 18,
        1003 => 19,
        1016 => INT8,
        1005 => INT2,
        1007 => INT4,
        1009 => 25,
        1028 => 26,
        199 => 114,
        143 => 142,
        1017 => 600,
        651 => 650,
        1021 => 700,
        1022 => 701,
        775 => 774,
        791 => 790,
        1040 => 829,
        1041 => 869,
        1014 => 1042,
        1015 => 1043,
        1182 => 1082,
        1183 => 1083,
        1115 => 1114,
        1185 => 1184,
        1187 => 1186,
        1270 => 1266,
        1561 => 1560,
        1563 => 1562,
        1231 => NUMERIC,
        1263 => 2275,
        2951 => 2950,
        3807 => 3802,
        _ => return None,
    })
}

/// The bytes that hexadecimal digits stand for; anything else (`\x`, hyphens, braces) is passed over.
pub(super) fn unhex(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"\\x").unwrap_or(text);
    let mut digits =
        text.iter().filter_map(|byte| char::from(*byte).to_digit(16)).filter_map(|d| u8::try_from(d).ok());
    let mut bytes = Vec::with_capacity(text.len() / 2);
    while let (Some(high), Some(low)) = (digits.next(), digits.next()) {
        bytes.push((high << 4) | low);
    }
    bytes
}

/// The decimal text of a binary whole number, where a card's number fits in. None for the others.
pub(super) fn decimal(oid: u32, value: &[u8]) -> Option<Vec<u8>> {
    match oid {
        INT8 => Some(i64::from_be_bytes(value.try_into().ok()?).unsigned_abs().to_string().into_bytes()),
        NUMERIC => whole_numeric(value),
        _ => None,
    }
}

/// The digits of a binary numeric without a fraction, of at most 20 digits.
fn whole_numeric(value: &[u8]) -> Option<Vec<u8>> {
    let (head, digits) = value.split_first_chunk::<8>()?;
    let &[_, count, weight_high, weight_low, ..] = head;
    let weight = i16::from_be_bytes([weight_high, weight_low]);
    // Digits are base 10,000; the first one counts 10,000 to the power of the weight.
    if !(2..=4).contains(&weight) || i16::from(count) > weight + 1 {
        return None;
    }
    let mut whole = 0_u128;
    for place in 0..=usize::try_from(weight).ok()? {
        let digit = digits
            .chunks_exact(2)
            .nth(place)
            .and_then(|pair| pair.try_into().ok())
            .map_or(0, u16::from_be_bytes);
        whole = whole * 10_000 + u128::from(digit);
    }
    Some(whole.to_string().into_bytes())
}
