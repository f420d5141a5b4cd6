//! Reason codes: stable public API. Every refusal carries exactly one; each has a page in `docs/reasons`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which part of Chaperone speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Family {
    /// `AH`: approval-hold.
    ApprovalHold,
    /// `ID`: identity.
    Identity,
    /// `PG`: the PostgreSQL protocol itself.
    Protocol,
    /// `RM`: response-masking.
    Masking,
    /// `SG`: sql-guard and the policy behind it.
    Guard,
    /// `ST`: session-tap.
    Tap,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $family:ident, $sqlstate:literal, $title:literal, $todo:literal;)*) => {
        /// Why something was refused (or, for [`Reason::Allowed`] and [`Reason::HeldForApproval`], not).
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Reason {
            $($(#[$doc])* #[doc = concat!("`", $code, "`: ", $title, ".")] $name,)*
        }

        impl Reason {
            /// Every reason, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code, such as `SG104`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Which part of Chaperone speaks.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$name => Family::$family,)* }
            }

            /// The SQLSTATE under which a PostgreSQL client sees it.
            #[must_use]
            pub const fn sqlstate(self) -> &'static str {
                match self { $(Self::$name => $sqlstate,)* }
            }

            /// One line, lower case, no full stop.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What the caller can do, where nothing more particular is known.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $todo,)* }
            }
        }
    };
}

reasons! {
    HeldForApproval = "AH100", ApprovalHold, "42501", "waits for approval", "ask an approver to decide";
    ApprovalRejected = "AH101", ApprovalHold, "42501", "an approver rejected the command", "read the approver's reason, change the command, and ask again";
    ApprovalExpired = "AH102", ApprovalHold, "42501", "nobody decided in time", "run the command again when an approver is available";
    ApprovalCancelled = "AH103", ApprovalHold, "57014", "the request for approval was cancelled", "run the command again if you still need it";
    ApprovalUnavailable = "AH104", ApprovalHold, "58000", "the approval service could not be reached", "try again later; the operator should look at the sidecar";
    ApprovalMismatch = "AH105", ApprovalHold, "42501", "the approval does not fit the command or the policy any more", "run the command again for a fresh approval";
    HoldQueueFull = "AH106", ApprovalHold, "54000", "too much was sent while a command waits for approval", "send less ahead of a command that needs approval";
    VerdictMissing = "AH107", ApprovalHold, "42501", "no verdict came with the command", "the operator must put sql-guard before approval-hold";
    HoldBatch = "AH108", ApprovalHold, "42501", "a command that needs approval is not alone in its batch", "send Parse, Bind, Execute and Sync of that command alone";
    HoldTooLong = "AH109", ApprovalHold, "42501", "the command is too long to be shown to an approver whole", "make it shorter, or ask for a rule that allows it";
    TokenMalformed = "ID101", Identity, "28P01", "the token is malformed", "send a JWT from your identity provider as the password";
    TokenExpired = "ID102", Identity, "28000", "the token has expired", "get a fresh token and connect again";
    TokenNotYetValid = "ID103", Identity, "28000", "the token is not valid yet", "check the clocks of the provider and the gateway";
    TokenAudience = "ID104", Identity, "28000", "the token is for another audience", "ask for a token for this gateway's audience";
    TokenIssuer = "ID105", Identity, "28000", "the token's issuer is not trusted here", "use a token of an issuer that the policy names";
    TokenSignature = "ID106", Identity, "28P01", "the token's signature is not valid", "get a token from the identity provider itself";
    TokenAlgorithm = "ID107", Identity, "28P01", "the token's algorithm is not accepted", "use one of the algorithms that the policy names";
    TokenKeyUnknown = "ID108", Identity, "28P01", "the token is signed with an unknown key", "get a fresh token; the provider may have rotated its keys";
    TokenTooLarge = "ID109", Identity, "28P01", "the token is too large", "ask for a token with fewer claims";
    TokenHeaderForbidden = "ID110", Identity, "28P01", "the token carries a forbidden header", "use a token without embedded keys, key addresses or critical extensions";
    TokenDuplicateClaim = "ID111", Identity, "28P01", "the token names a claim twice", "get a token from the identity provider itself";
    TokenClaim = "ID112", Identity, "28P01", "the token lacks a claim or has one of the wrong type", "ask for a token with `iss`, `sub` and `exp`";
    KeysUnavailable = "ID113", Identity, "58000", "the identity provider's keys could not be fetched", "try again; the operator should look at the provider";
    TooManyBadTokens = "ID114", Identity, "53300", "too many tokens with bad signatures are being tried", "try again later; the operator should look for who sends them";
    RoleUnknown = "ID120", Identity, "28000", "the role is not offered here", "connect as a role that the policy names";
    RoleNotPermitted = "ID121", Identity, "28000", "your groups may not use the role", "ask for membership, or connect as another role";
    DatabaseUnknown = "ID122", Identity, "28000", "the database is not offered here", "connect to a database that the policy names";
    IdentityMissing = "ID123", Identity, "28000", "no verified identity came with the command", "the operator must put identity first in the chain";
    CredentialMissing = "ID130", Identity, "58000", "the target's credential is not configured", "the operator must set the variable that the policy names";
    TargetRefused = "ID131", Identity, "58000", "the target did not let the gateway in", "the operator must check the target and its credential";
    TargetImpostor = "ID132", Identity, "58000", "the target could not prove that it knows the credential", "the operator must check which server this is";
    TargetAuthUnsupported = "ID133", Identity, "58000", "the target asks for an authentication method that the policy does not name", "the operator must correct the role's auth";
    StartupParameterRefused = "ID134", Identity, "28000", "a startup parameter is not allowed", "connect without it";
    CallerNotTold = "ID135", Identity, "58000", "the target could not be told who is calling", "the operator must check the role's session settings";
    ProtocolViolation = "PG101", Protocol, "08P01", "the message does not follow the PostgreSQL protocol", "use an unmodified PostgreSQL client";
    MessageTooLarge = "PG102", Protocol, "54000", "the message is larger than the gateway takes", "send less in one message, or ask for less at once";
    MessageUnsupported = "PG103", Protocol, "0A000", "the gateway does not support this message", "use the simple or the extended query protocol";
    ReplicationRefused = "PG104", Protocol, "0A000", "replication connections are not supported", "connect to the target by another way";
    TooManyStatements = "PG105", Protocol, "54000", "too many prepared statements or portals in this session", "close those that are no longer needed, or connect again";
    TlsUnsupported = "PG106", Protocol, "0A000", "the target wants TLS inside the session", "the operator must offer the target without in-band TLS";
    PipelineTooDeep = "PG107", Protocol, "54000", "too many requests wait for their answers", "wait for answers before sending more";
    MemoryFull = "PG108", Protocol, "53200", "the gateway has no more memory for this session", "send less at once, close prepared statements that are no longer needed, or try again later";
    MaskUnsupported = "RM101", Masking, "42501", "a column that must be masked cannot be masked in this form", "ask for the plain column, in text format";
    MaskCopyRefused = "RM102", Masking, "42501", "COPY of a table with masked columns is refused", "use SELECT";
    MaskLineageUnknown = "RM103", Masking, "42501", "the result may contain a masked column in a form that cannot be told", "name the columns plainly";
    MaskCatalogueUnavailable = "RM104", Masking, "58000", "the target's catalogue could not be read", "try again; the operator should look at the role's rights";
    MaskCarryRefused = "RM105", Masking, "42501", "the statement could carry a masked value to where it is not masked", "leave the masked columns out of what is written; call functions that have an effect in a statement of their own";
    MaskChanged = "RM106", Masking, "42501", "what is masked has changed while the result was under way", "run the command again";
    Allowed = "SG100", Guard, "00000", "allowed", "";
    DefaultDeny = "SG101", Guard, "42501", "no rule allows this", "ask the policy's owner for a rule that allows it";
    RuleDenied = "SG102", Guard, "42501", "a rule denies this", "ask the policy's owner";
    OpaqueStatement = "SG103", Guard, "42501", "the statement cannot be judged", "write it in a plainer form";
    UnboundedWrite = "SG104", Guard, "42501", "write without a real WHERE", "add a WHERE that names the rows";
    StatementTooLarge = "SG105", Guard, "54000", "the statement is larger than the guard reads", "split it, or use COPY or parameters";
    StatementTooComplex = "SG106", Guard, "54001", "the statement is nested or chained too deeply to judge", "split it into simpler statements";
    StatementUnparsable = "SG107", Guard, "42601", "a syntax error, or SQL that the guard does not know", "check the syntax; if it is right, write it in a plainer form";
    FunctionCallRefused = "SG108", Guard, "0A000", "the FunctionCall message is refused", "use SELECT to call the function";
    PreparedUnknown = "SG109", Guard, "26000", "the prepared statement is not known to the gateway", "prepare it in this session";
    PolicyInvalid = "SG110", Guard, "42501", "the policy could not be loaded, so everything is denied", "the operator must correct the policy";
    PolicyError = "SG111", Guard, "42501", "the policy could not be evaluated", "the policy's owner must correct the rule";
    PortalUnknown = "SG112", Guard, "34000", "the portal is not known to the gateway", "bind it in this session";
    SettingRefused = "SG113", Guard, "42501", "what changes how statements are read, or who the session is, may not be set", "leave it at the server's default";
    BudgetUsedUp = "SG115", Guard, "53400", "a budget is used up", "ask for less, or ask the policy's owner for more";
    RecordUnavailable = "ST101", Tap, "58000", "the command could not be recorded", "try again; the operator should look at the sidecar";
    RecordTooLarge = "ST102", Tap, "54000", "the message is too large to be recorded whole", "send less in one message";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.title())
    }
}

impl Reason {
    /// Finds the reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown reason code `{code}`")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_found_again() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
    }

    #[test]
    fn every_refusal_says_what_to_do_and_has_a_sqlstate() {
        for reason in Reason::ALL.iter().filter(|reason| **reason != Reason::Allowed) {
            assert!(!reason.remedy().is_empty(), "{reason}");
            assert_eq!(reason.sqlstate().len(), 5, "{reason}");
        }
    }
}
