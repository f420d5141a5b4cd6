//! Writes Envoy's `google.protobuf.Struct`, which the product only reads.

use serde_json::Value;

/// A JSON object as a binary `Struct`.
pub(super) fn encode(object: &Value) -> Vec<u8> {
    let fields = object.as_object().into_iter().flatten();
    fields
        .flat_map(|(name, value)| field(1, &[field(1, name.as_bytes()), field(2, &of(value))].concat()))
        .collect()
}

/// SPEC: google/protobuf/struct.proto, Value.
fn of(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => vec![1 << 3, 0],
        Value::Number(number) => [&[2 << 3 | 1][..], &number.as_f64().unwrap_or(0.0).to_le_bytes()].concat(),
        Value::String(text) => field(3, text.as_bytes()),
        Value::Bool(bool) => vec![4 << 3, u8::from(*bool)],
        Value::Object(_) => field(5, &encode(value)),
        Value::Array(items) => {
            let items: Vec<u8> = items.iter().flat_map(|item| field(1, &of(item))).collect();
            field(6, &items)
        }
    }
}

/// A length-delimited field.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push(u8::try_from(len & 0x7f).unwrap_or(0) | 0x80);
        len >>= 7;
    }
    out.push(u8::try_from(len).unwrap_or(0));
    out.extend_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn is_read_as_it_was() {
        let long = "x".repeat(300);
        let object = json!({ "a": [1, 0.5, null, true, "t"], "b": { "c": long } });
        assert_eq!(chaperone_proto::struct_to_json(&encode(&object)).unwrap(), object);
    }
}
