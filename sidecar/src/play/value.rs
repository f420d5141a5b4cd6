//! One value of a result as text.

use chaperone_pgwire::Format;

/// Longest value that is shown, in letters.
pub(crate) const MAX_SHOWN: usize = 200;

/// Types that are numbers, which psql aligns to the right: by OID, from PostgreSQL's `pg_type`.
const NUMERIC: [u32; 8] = [20, 21, 23, 26, 700, 701, 790, 1700];
/// Types whose binary form is their text.
const TEXTUAL: [u32; 8] = [18, 19, 25, 114, 142, 705, 1042, 1043];

/// Whether psql aligns the type to the right.
pub(super) fn is_numeric(type_oid: u32) -> bool {
    NUMERIC.contains(&type_oid)
}

/// A value as psql would show it; what has no simple text form is shown as bytes.
pub(super) fn text(value: &[u8], type_oid: u32, format: Format) -> String {
    match format {
        Format::Text => String::from_utf8_lossy(value).into_owned(),
        Format::Binary => binary(value, type_oid).unwrap_or_else(|| hex(value)),
    }
}

fn binary(value: &[u8], type_oid: u32) -> Option<String> {
    Some(match type_oid {
        16 => (if *value.first()? == 0 { "f" } else { "t" }).to_owned(),
        20 => i64::from_be_bytes(value.try_into().ok()?).to_string(),
        21 => i16::from_be_bytes(value.try_into().ok()?).to_string(),
        23 => i32::from_be_bytes(value.try_into().ok()?).to_string(),
        26 => u32::from_be_bytes(value.try_into().ok()?).to_string(),
        700 => f32::from_be_bytes(value.try_into().ok()?).to_string(),
        701 => f64::from_be_bytes(value.try_into().ok()?).to_string(),
        1700 => numeric(value)?,
        2950 => uuid(value)?,
        3802 => String::from_utf8(value.split_first()?.1.to_vec()).ok()?,
        textual if TEXTUAL.contains(&textual) => String::from_utf8(value.to_vec()).ok()?,
        _ => return None,
    })
}

/// `numeric`: digits to the base of 10,000, the weight of the first, the sign, and the decimals to show.
fn numeric(value: &[u8]) -> Option<String> {
    let word = |pair: &[u8]| pair.try_into().map(u16::from_be_bytes).ok();
    let words: Vec<u16> = value.chunks_exact(2).map(word).collect::<Option<_>>()?;
    let (header, digits) = words.split_first_chunk::<4>()?;
    let [count, weight, sign, scale] = *header;
    if usize::from(count) != digits.len() {
        return None;
    }
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => return None,
    };
    let weight = i64::from(i16::from_be_bytes(weight.to_be_bytes()));
    let digit = |place: i64| -> u16 {
        let index = usize::try_from(weight.saturating_sub(place)).ok();
        index.and_then(|index| digits.get(index)).copied().unwrap_or(0)
    };
    let mut text = String::from(sign);
    text.push_str(&digit(weight.max(0)).to_string());
    for place in (0..weight.max(0)).rev() {
        text.push_str(&format!("{:04}", digit(place)));
    }
    if scale > 0 {
        let groups = i64::from(scale.div_ceil(4));
        let decimals: String = (1..=groups).map(|place| format!("{:04}", digit(-place))).collect();
        text.push('.');
        text.extend(decimals.chars().take(usize::from(scale)));
    }
    Some(text)
}

fn uuid(value: &[u8]) -> Option<String> {
    let number = u128::from_be_bytes(value.try_into().ok()?);
    let digits = format!("{number:032x}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    Some(text)
}

fn hex(value: &[u8]) -> String {
    let digits = value.iter().take(MAX_SHOWN).map(|byte| format!("{byte:02x}"));
    std::iter::once("\\x".to_owned()).chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(type_oid: u32, value: &[u8]) -> String {
        text(value, type_oid, Format::Binary)
    }

    #[test]
    fn binary_values_read_as_psql_shows_them() {
        assert_eq!(shown(23, &(-7_i32).to_be_bytes()), "-7");
        assert_eq!(shown(20, &i64::MIN.to_be_bytes()), "-9223372036854775808");
        assert_eq!(shown(16, &[1]), "t");
        assert_eq!(shown(701, &0.5_f64.to_be_bytes()), "0.5");
        assert_eq!(shown(25, "zażółć".as_bytes()), "zażółć");
        assert_eq!(shown(3802, b"\x01{\"a\": 1}"), "{\"a\": 1}");
        assert_eq!(shown(2950, &[0x11; 16]), "11111111-1111-1111-1111-111111111111");
    }

    #[test]
    fn what_cannot_be_read_is_shown_as_bytes() {
        assert_eq!(shown(23, &[1, 2]), "\\x0102");
        assert_eq!(shown(17, &[0xde, 0xad]), "\\xdead");
        assert_eq!(shown(25, &[0xff]), "\\xff");
        assert_eq!(shown(1700, &[0, 9, 0, 0, 0, 0, 0, 0]), "\\x0009000000000000");
    }

    #[test]
    fn numerics_keep_their_places() {
        let numeric = |words: &[u16]| {
            shown(1700, &words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
        };
        // As PostgreSQL 15 sends 12345.678, -0.05, 100000000, 0.00, NaN.
        assert_eq!(numeric(&[3, 1, 0, 3, 1, 2345, 6780]), "12345.678");
        assert_eq!(numeric(&[1, 0xffff, 0x4000, 2, 500]), "-0.05");
        assert_eq!(numeric(&[1, 2, 0, 0, 1]), "100000000");
        assert_eq!(numeric(&[0, 0, 0, 2]), "0.00");
        assert_eq!(numeric(&[0, 0, 0xC000, 0]), "NaN");
    }
}
