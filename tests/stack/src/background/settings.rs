//! What `up` writes for clients: `target/run/env` and a password file for the ways past the filters.

use crate::options::Chain;
use crate::stack::Stack;

/// What `target/run/env` says.
pub(super) fn environment(stack: &Stack) -> String {
    let programs = stack.programs();
    let bin = programs.chaperone.parent().unwrap_or(&programs.root);
    let values = [
        ("CHAPERONE_PG_HOST", stack.pg_host(Chain::Fused).to_owned()),
        ("CHAPERONE_PG_PORT", stack.pg_port(Chain::Fused).to_string()),
        ("CHAPERONE_PG_PORT_SEPARATE", stack.pg_port(Chain::Separate).to_string()),
        ("CHAPERONE_PG_PORT_PLAIN", stack.pg_port(Chain::Plain).to_string()),
        ("CHAPERONE_PG_PORT_DIRECT", stack.pg_port(Chain::Direct).to_string()),
        ("CHAPERONE_SIDECAR_URL", stack.sidecar_url()),
        ("CHAPERONE_ENVOY_ADMIN", format!("http://127.0.0.1:{}", stack.ports.admin)),
        ("CHAPERONE_POLICY", stack.policy_path().display().to_string()),
        ("CHAPERONE_OPERATOR_TOKEN", stack.operator_token().to_owned()),
        ("CHAPERONE_DEV_IDP", stack.issuer().to_owned()),
        ("CHAPERONE_DEV_KEYS", stack.dev_keys().display().to_string()),
    ];
    let mut text = "# written by `make up`; read it with `. target/run/env`. The operator's token is for people who decide: an\n\
                    # agent's shell has no use for it (`unset CHAPERONE_OPERATOR_TOKEN`).\n"
        .to_owned();
    for (name, value) in values {
        text.push_str(&format!("export {name}={}\n", quoted(&value)));
    }
    // Behind the user's own programs: psql from the stack only where there is no other.
    text.push_str(&format!(
        "export PATH={}:\"$PATH\":{}\n",
        quoted(&bin.display().to_string()),
        quoted(&programs.postgres.display().to_string()),
    ));
    text
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A password file (`PGPASSFILE`) for the ways that are not governed: the target's own login, which no agent has.
pub(super) fn password_file(stack: &Stack) -> String {
    let login = stack.target_login();
    let field = |text: &str| text.replace('\\', r"\\").replace(':', r"\:");
    let line = |chain: Chain| {
        let (host, port) = (stack.pg_host(chain), stack.pg_port(chain));
        format!("{}:{port}:*:{}:{}\n", field(host), field(&login.user), field(&login.password))
    };
    [Chain::Plain, Chain::Direct].map(line).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_the_shell_are_quoted() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
