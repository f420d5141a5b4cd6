//! Casts of a column that keep its values apart. `id::bool` is the same for nearly all, `b::char` is a letter.

use sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo, ObjectNamePart};

/// Types by other names that hold less than what is cast to them.
const NARROW: [&str; 7] = ["bit", "bool", "bpchar", "char", "time", "timetz", "varbit"];

pub(super) fn keeps(data_type: &DataType) -> bool {
    match data_type {
        DataType::Varchar(None)
        | DataType::CharVarying(None)
        | DataType::CharacterVarying(None)
        | DataType::Text
        | DataType::Uuid
        | DataType::SmallInt(None)
        | DataType::Int(None)
        | DataType::Integer(None)
        | DataType::Int2(None)
        | DataType::Int4(None)
        | DataType::Int8(None)
        | DataType::BigInt(None)
        | DataType::Real
        | DataType::Float4
        | DataType::Float8
        | DataType::Float(_)
        | DataType::DoublePrecision
        | DataType::Date
        | DataType::Timestamp(..)
        | DataType::Interval { .. }
        | DataType::Bytea
        | DataType::JSON
        | DataType::JSONB => true,
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => match info {
            ExactNumberInfo::None | ExactNumberInfo::Precision(_) => true,
            // A negative one rounds everything to zero.
            ExactNumberInfo::PrecisionAndScale(_, scale) => *scale >= 0,
        },
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => keeps(element),
        // An enumeration, `citext`.
        DataType::Custom(name, modifiers) => match name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => {
                modifiers.is_empty() && !NARROW.contains(&name.value.as_str())
            }
            _ => false,
        },
        _ => false,
    }
}
