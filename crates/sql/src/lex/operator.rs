//! Operators, cut by PostgreSQL's rule of the longest run with its exceptions for comments and trailing signs.

use chaperone_model::facts::Opaque;
use sqlparser::tokenizer::Token;

use super::Scanner;

/// The bytes that an operator is made of.
pub(super) fn is_operator_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

impl Scanner<'_> {
    pub(super) fn operator(&mut self) -> Result<(), Opaque> {
        let run = self.slice(self.at, self.run(self.at, is_operator_byte));
        let cut = [run.find("--"), run.find("/*")].into_iter().flatten().min().unwrap_or(run.len());
        let mut operator = run.get(..cut).unwrap_or_default();
        // A run of several characters may end in a sign only when it contains a character that no SQL operator
        // of the standard has; so `=-` is two operators and `@-` is one.
        let body = operator.trim_end_matches(['+', '-']);
        if operator.len() > 1 && !body.contains(['~', '!', '@', '#', '^', '&', '|', '`', '?', '%']) {
            operator = if body.is_empty() { operator.get(..1).unwrap_or_default() } else { body };
        }
        self.at = self.at.saturating_add(operator.len().max(1));
        self.push(token(operator))
    }
}

fn token(operator: &str) -> Token {
    match operator {
        "+" => Token::Plus,
        "-" => Token::Minus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "^" => Token::Caret,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "=" => Token::Eq,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "=>" => Token::RArrow,
        "||" => Token::StringConcat,
        "|" => Token::Pipe,
        "&" => Token::Ampersand,
        "#" => Token::Sharp,
        "##" => Token::DoubleSharp,
        "~" => Token::Tilde,
        "~*" => Token::TildeAsterisk,
        "!~" => Token::ExclamationMarkTilde,
        "!~*" => Token::ExclamationMarkTildeAsterisk,
        "~~" => Token::DoubleTilde,
        "~~*" => Token::DoubleTildeAsterisk,
        "!~~" => Token::ExclamationMarkDoubleTilde,
        "!~~*" => Token::ExclamationMarkDoubleTildeAsterisk,
        "<<" => Token::ShiftLeft,
        ">>" => Token::ShiftRight,
        "&&" => Token::Overlap,
        "!" => Token::ExclamationMark,
        "!!" => Token::DoubleExclamationMark,
        "@" => Token::AtSign,
        "^@" => Token::CaretAt,
        "|/" => Token::PGSquareRoot,
        "||/" => Token::PGCubeRoot,
        "->" => Token::Arrow,
        "->>" => Token::LongArrow,
        "#>" => Token::HashArrow,
        "#>>" => Token::HashLongArrow,
        "@>" => Token::AtArrow,
        "<@" => Token::ArrowAt,
        "#-" => Token::HashMinus,
        "@?" => Token::AtQuestion,
        "@@" => Token::AtAt,
        "?" => Token::Question,
        "?&" => Token::QuestionAnd,
        "?|" => Token::QuestionPipe,
        "@-@" => Token::AtDashAt,
        "?-" => Token::QuestionMarkDash,
        "&<" => Token::AmpersandLeftAngleBracket,
        "&>" => Token::AmpersandRightAngleBracket,
        "&<|" => Token::AmpersandLeftAngleBracketVerticalBar,
        "|&>" => Token::VerticalBarAmpersandRightAngleBracket,
        "<->" => Token::TwoWayArrow,
        "<^" => Token::LeftAngleBracketCaret,
        ">^" => Token::RightAngleBracketCaret,
        "?#" => Token::QuestionMarkSharp,
        "?-|" => Token::QuestionMarkDashVerticalBar,
        "?||" => Token::QuestionMarkDoubleVerticalBar,
        "~=" => Token::TildeEqual,
        "<<|" => Token::ShiftLeftVerticalBar,
        "|>>" => Token::VerticalBarShiftRight,
        other => Token::CustomBinaryOperator(other.to_owned()),
    }
}
