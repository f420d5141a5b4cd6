//! The tokens themselves, and the limits; what texts mean is in the vectors.

use sqlparser::tokenizer::Token;

use super::*;

fn tokens(text: &str) -> Vec<Token> {
    let lexed = lex(text, &Limits::default()).unwrap();
    lexed.statements.into_iter().flatten().map(|token| token.token).collect()
}

fn string(text: &str) -> Vec<Token> {
    vec![Token::SingleQuotedString(text.to_owned())]
}

#[test]
fn strings_are_decoded() {
    assert_eq!(tokens("'it''s'"), string("it's"));
    assert_eq!(tokens("E'a\\n\\x41\\101\\u0041\\'\\q'"), string("a\nAAA'q"));
    assert_eq!(tokens("U&'d\\0061t\\+000061 \\\\'"), string("data \\"));
    assert_eq!(tokens("U&'\\D83D\\DE00'"), string("\u{1F600}"));
    assert_eq!(tokens("$$a'b$$"), string("a'b"));
    assert_eq!(tokens("$é1$x$é1$"), string("x"));
    assert_eq!(tokens("'a' \t -- c\n 'b'"), string("ab"));
    assert!(lex("U&'\\00zz'", &Limits::default()).is_err());
    assert!(lex("U&'\\D83D'", &Limits::default()).is_err());
}

#[test]
fn operators_are_cut_as_the_server_cuts_them() {
    let custom = |text: &str| Token::CustomBinaryOperator(text.to_owned());
    assert_eq!(tokens("=-"), [Token::Eq, Token::Minus]);
    assert_eq!(tokens("<>-+"), [Token::Neq, Token::Minus, Token::Plus]);
    assert_eq!(tokens("@-"), [custom("@-")]);
    assert_eq!(tokens("+*"), [custom("+*")]);
    assert_eq!(tokens("*--x"), [Token::Mul]);
    assert_eq!(tokens("*/*x*/*"), [Token::Mul, Token::Mul]);
    assert_eq!(tokens("+-"), [Token::Plus, Token::Minus]);
}

#[test]
fn names_are_folded_and_cut() {
    assert_eq!(name("AbC", true), "abc");
    assert_eq!(name("AbC", false), "AbC");
    assert_eq!(name("ÄB", true), "Äb", "only ASCII folds");
    assert_eq!(name(&"é".repeat(40), false).len(), 62);
}

#[test]
fn each_limit_is_hit_by_the_first_text_beyond_it() {
    let limits = Limits { max_tokens: 3, max_statements: 2, max_depth: 2, max_chain: 4, ..Limits::default() };
    let hits = |text: &str| match lex(text, &limits) {
        Ok(_) => String::new(),
        Err(Opaque::Limit(which)) => which,
        Err(other) => format!("{other:?}"),
    };
    assert_eq!(hits("a b c"), "");
    assert_eq!(hits("a,b,c"), "max_tokens");
    assert_eq!(hits("a;b"), "");
    assert_eq!(hits("a;b;c"), "max_statements");
    let limits =
        Limits { max_tokens: 1000, max_statements: 2, max_depth: 2, max_chain: 4, ..Limits::default() };
    let hits = |text: &str| match lex(text, &limits) {
        Ok(_) => String::new(),
        Err(Opaque::Limit(which)) => which,
        Err(other) => format!("{other:?}"),
    };
    assert_eq!(hits("((1))"), "");
    assert_eq!(hits("(((1)))"), "max_depth");
    assert_eq!(hits("([case"), "max_depth");
    assert_eq!(hits(&format!("{}{} select", "/*".repeat(60), "*/".repeat(60))), "max_depth");
    assert_eq!(hits("1+1+1+1+1"), "");
    assert_eq!(hits("1+1+1+1+1+1"), "max_chain");
    assert_eq!(hits("1+1+1,1+1+1,1+1+1"), "", "a comma ends a chain");
    assert_eq!(hits("(1+1+1)+1"), "max_chain", "levels add up");
    assert_eq!(hits("on+on+on+on+on+on"), "max_chain", "a keyword in the place of an operand ends none");
    assert_eq!(hits("a.b.c.d.e.f"), "max_chain");
    assert_eq!(hits("a[1][1][1][1][1]"), "max_chain");
    assert_eq!(hits("not not not not not a"), "max_chain");
    assert_eq!(
        hits("a union b, c union d, e union f, g union h union i union j"),
        "max_chain",
        "nor does a comma between clauses"
    );
}
