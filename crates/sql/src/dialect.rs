//! PostgreSQL's dialect as the parser has it, with a shorter way for the operands that most texts are made of.
//!
//! The parser tries each operand as `type 'constant'` first, and builds an error when it is none: for a plain name or a
//! constant that is most of its work.

use std::any::TypeId;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{DataType, Expr, ObjectName, TypedString};
use sqlparser::dialect::{Dialect as Parsing, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token};

#[derive(Debug, Default)]
pub(crate) struct Dialect(PostgreSqlDialect);

/// Answers as PostgreSQL's dialect does.
macro_rules! as_postgresql {
    ($($question:ident,)*) => {
        $(fn $question(&self) -> bool {
            self.0.$question()
        })*
    };
}

impl Parsing for Dialect {
    fn dialect(&self) -> TypeId {
        self.0.dialect()
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        match &parser.peek_token_ref().token {
            Token::Number(..) | Token::Placeholder(_) | Token::SingleQuotedString(_) => {
                Some(parser.parse_value().map(Expr::Value))
            }
            // The parser knows a whole row in a list only.
            Token::Word(_) if whole_row(parser).is_some() => whole_row(parser).map(|row| {
                let length = row.0.len();
                for _ in 0..=length.saturating_mul(2) {
                    parser.next_token();
                }
                Ok(Expr::QualifiedWildcard(row, AttachedToken::empty()))
            }),
            Token::Word(word)
                if matches!(word.keyword, Keyword::NoKeyword | Keyword::NAME | Keyword::TEXT) =>
            {
                match parser.peek_nth_token_ref(1).token {
                    // A call, or a type with a modifier.
                    Token::LParen => None,
                    // `inet '::1'`: any type's name may stand before its constant.
                    Token::SingleQuotedString(_) => Some(typed_constant(parser)),
                    _ if word.keyword == Keyword::NoKeyword => {
                        Some(parser.parse_identifier().map(Expr::Identifier))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.0.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, character: char) -> bool {
        self.0.is_delimited_identifier_start(character)
    }

    fn is_identifier_start(&self, character: char) -> bool {
        self.0.is_identifier_start(character)
    }

    fn is_identifier_part(&self, character: char) -> bool {
        self.0.is_identifier_part(character)
    }

    fn is_custom_operator_part(&self, character: char) -> bool {
        self.0.is_custom_operator_part(character)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        self.0.is_reserved_for_identifier(keyword)
    }

    /// `SELECT 1 ON CONFLICT`: ON is no label without AS.
    fn is_column_alias(&self, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        *keyword != Keyword::ON && self.0.is_column_alias(keyword, parser)
    }

    fn is_table_alias(&self, keyword: &Keyword, parser: &mut Parser<'_>) -> bool {
        self.0.is_table_alias(keyword, parser)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        self.0.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        self.0.prec_value(precedence)
    }

    as_postgresql! {
        supports_unicode_string_literal,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        supports_alter_user_as_alter_role,
        allow_extract_custom,
        allow_extract_single_quotes,
        supports_create_index_with_clause,
        supports_explain_with_utility_options,
        supports_listen_notify,
        supports_exclude_constraint,
        supports_factorial_operator,
        supports_bitwise_shift_operators,
        supports_comment_on,
        supports_load_extension,
        supports_named_fn_args_with_colon_operator,
        supports_named_fn_args_with_expr_name,
        supports_empty_projections,
        supports_nested_comments,
        supports_string_escape_constant,
        supports_numeric_literal_underscores,
        supports_array_typedef_with_brackets,
        supports_geometric_types,
        supports_order_by_using_operator,
        supports_set_names,
        supports_alter_column_type_using,
        supports_left_associative_joins_without_parens,
        supports_notnull_operator,
        supports_interval_options,
        supports_insert_table_alias,
        supports_create_table_like_parenthesized,
        supports_select_wildcard_with_alias,
        supports_comma_separated_trim,
        supports_xml_expressions,
        supports_aliased_function_args,
        supports_comment_optimizer_hint,
    }
}

/// The name of the row that `t.*` in parentheses stands for.
fn whole_row(parser: &Parser<'_>) -> Option<ObjectName> {
    let mut names = Vec::new();
    for part in 0..3_usize {
        let at = part.saturating_mul(2);
        let Token::Word(name) = &parser.peek_nth_token_ref(at).token else { return None };
        if parser.peek_nth_token_ref(at.saturating_add(1)).token != Token::Period {
            return None;
        }
        names.push(name.clone().into_ident(Span::empty()));
        if parser.peek_nth_token_ref(at.saturating_add(2)).token == Token::Mul {
            let closed = parser.peek_nth_token_ref(at.saturating_add(3)).token == Token::RParen;
            return closed.then(|| ObjectName::from(names));
        }
    }
    None
}

fn typed_constant(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let name = parser.parse_identifier()?;
    let value = parser.parse_value()?;
    let data_type = DataType::Custom(ObjectName::from(vec![name]), Vec::new());
    Ok(Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::tokenizer::TokenWithSpan;

    /// What both dialects make of the tokens.
    fn both(tokens: &[Token]) -> [Result<Expr, ParserError>; 2] {
        let parse = |dialect: &dyn Parsing| {
            let tokens = tokens.iter().cloned().map(TokenWithSpan::wrap).collect();
            Parser::new(dialect).with_tokens_with_locations(tokens).parse_expr()
        };
        [parse(&Dialect::default()), parse(&PostgreSqlDialect {})]
    }

    #[test]
    fn the_shorter_way_leads_to_the_same_tree() {
        let word = |text| Token::make_word(text, None);
        let number = Token::Number("1".to_owned(), false);
        let string = Token::SingleQuotedString("x".to_owned());
        let operands = [
            vec![word("a")],
            vec![Token::make_word("A", Some('"'))],
            vec![word("a"), Token::Period, word("b")],
            vec![word("a"), Token::LBracket, number.clone(), Token::RBracket],
            vec![word("a"), Token::LParen, number.clone(), Token::RParen],
            vec![word("name")],
            vec![word("text")],
            vec![word("date"), string.clone()],
            vec![Token::Placeholder("$1".to_owned())],
            vec![number],
            vec![string],
        ];
        let infixes = [Token::Eq, Token::Plus, Token::DoubleColon, word("is"), word("and"), word("collate")];
        for left in &operands {
            let [ours, theirs] = both(left);
            assert_eq!(ours, theirs, "{left:?}");
            for infix in &infixes {
                for right in &operands {
                    let tokens = [left.as_slice(), std::slice::from_ref(infix), right].concat();
                    let [ours, theirs] = both(&tokens);
                    assert_eq!(ours, theirs, "{tokens:?}");
                }
            }
        }
    }
}
