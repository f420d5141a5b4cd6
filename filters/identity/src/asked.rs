//! What a client asks for in its StartupMessage, and what the target is asked instead.

use chaperone_model::Reason;
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version};

use crate::parameters::{Parameters, Refused};

/// What a client asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Asked {
    /// The role: the user name of the StartupMessage.
    pub(crate) role: String,
    /// The database; the role's name where none is given, as in PostgreSQL.
    pub(crate) database: String,
    parameters: Parameters,
    /// The minor version of the protocol that the client wishes.
    minor: u16,
}

/// Why a StartupMessage is refused.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Unfit {
    /// For this reason.
    Plain(Reason),
    /// It brings a setting that is not on the list.
    Parameter(String),
}

impl Asked {
    /// Reads a StartupMessage.
    pub(crate) fn read(startup: &Startup<'_>) -> Result<Self, Unfit> {
        let text = |bytes: Option<&[u8]>, reason| {
            let text =
                bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or(Unfit::Plain(reason))
        };
        let role = text(startup.user(), Reason::RoleUnknown)?;
        let database = text(startup.database(), Reason::DatabaseUnknown)?;
        let parameters = Parameters::read(&startup.params).map_err(|Refused(name)| Unfit::Parameter(name))?;
        Ok(Self { role, database, parameters, minor: startup.version.minor })
    }

    /// The client's own name for itself.
    pub(crate) fn application(&self) -> String {
        self.parameters.application()
    }

    /// The StartupMessage for the target: as `user`, to run as `role` where that is given, with the allowed parameters
    /// only. None where a text of it cannot be written, which no text can that came in a StartupMessage.
    pub(crate) fn packet(&self, user: &str, role: Option<&str>) -> Option<Vec<u8>> {
        let mut params = vec![
            Param { name: b"user", value: user.as_bytes() },
            Param { name: b"database", value: self.database.as_bytes() },
        ];
        let settings = &self.parameters.settings;
        params.extend(settings.iter().map(|(name, value)| Param { name: name.as_bytes(), value }));
        // It is what RESET ROLE goes back to, too.
        params.extend(role.map(|role| Param { name: b"role", value: role.as_bytes() }));
        let version = Version { minor: self.minor.min(Version::V3_2.minor) };
        let mut packet = Vec::new();
        StartupPacket::Startup(Startup { version, params }).write(&mut packet).ok()?;
        Some(packet)
    }

    /// The NegotiateProtocolVersion that the client must see; none where it gets the version that it asked for.
    /// `newest` is what the target's own such message says, if it sent one.
    ///
    /// SPEC: the message holds the whole version number, major and minor, then the names of the protocol options
    /// that were not recognised: here all of them.
    pub(crate) fn negotiation(&self, newest: Option<u16>) -> Option<Vec<u8>> {
        let options = &self.parameters.protocol_options;
        let minor = newest.unwrap_or(Version::V3_2.minor).min(Version::V3_2.minor).min(self.minor);
        if minor == self.minor && options.is_empty() {
            return None;
        }
        let mut body = Version { minor }.code().to_be_bytes().to_vec();
        body.extend(u32::try_from(options.len()).ok()?.to_be_bytes());
        for name in options {
            body.extend_from_slice(name);
            body.push(0);
        }
        let mut message = vec![chaperone_pgwire::tag::server::NEGOTIATE_PROTOCOL_VERSION];
        message.extend(u32::try_from(body.len()).ok()?.checked_add(4)?.to_be_bytes());
        message.extend(body);
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(minor: u16, params: &[(&'static str, &'static str)]) -> Result<Asked, Unfit> {
        let params = params
            .iter()
            .map(|(name, value)| Param { name: name.as_bytes(), value: value.as_bytes() })
            .collect();
        Asked::read(&Startup { version: Version { minor }, params })
    }

    #[test]
    fn the_target_sees_its_own_user_and_only_allowed_parameters() {
        let asked =
            asked(0, &[("user", "analyst"), ("application_name", "psql\n"), ("replication", "off")]).unwrap();
        assert_eq!((asked.role.as_str(), asked.database.as_str()), ("analyst", "analyst"));
        assert_eq!(asked.application(), "psql");
        let packet = asked.packet("shop_app", Some("readers")).unwrap();
        let StartupPacket::Startup(startup) = StartupPacket::read(&packet[4..]).unwrap() else { panic!() };
        let names: Vec<_> = startup.params.iter().map(|param| param.name).collect();
        let own = [&b"client_encoding"[..], b"standard_conforming_strings"];
        let first = [&b"user"[..], b"database", b"application_name"];
        assert_eq!(names, [&first[..], &own[..], &[&b"role"[..]]].concat());
        assert_eq!(startup.param("role"), Some(&b"readers"[..]));
        assert_eq!(startup.user(), Some(&b"shop_app"[..]));
        assert_eq!(startup.param("database"), Some(&b"analyst"[..]));
    }

    #[test]
    fn unfit_startups_say_why() {
        assert_eq!(asked(0, &[("database", "shop")]), Err(Unfit::Plain(Reason::RoleUnknown)));
        assert_eq!(asked(0, &[("user", "")]), Err(Unfit::Plain(Reason::RoleUnknown)));
        assert_eq!(
            asked(0, &[("user", "a"), ("search_path", "x")]),
            Err(Unfit::Parameter("search_path".to_owned()))
        );
        let params = vec![Param { name: b"user", value: b"\xff" }];
        let startup = Startup { version: Version::V3_0, params };
        assert_eq!(Asked::read(&startup), Err(Unfit::Plain(Reason::RoleUnknown)));
    }

    #[test]
    fn the_version_is_negotiated_where_the_client_asks_for_more_than_it_gets() {
        let plain = asked(0, &[("user", "a")]).unwrap();
        assert_eq!(plain.negotiation(None), None);

        let newer = asked(2, &[("user", "a")]).unwrap();
        assert_eq!(newer.negotiation(None), None, "the target took it");
        assert_eq!(newer.negotiation(Some(0)).unwrap(), b"v\0\0\0\x0c\0\x03\0\0\0\0\0\0");
        assert_eq!(newer.packet("x", None).unwrap()[4..8], [0, 3, 0, 2]);

        let future = asked(9999, &[("user", "a"), ("_pq_.x", "1")]).unwrap();
        assert_eq!(future.packet("x", None).unwrap()[4..8], [0, 3, 0, 2]);
        assert_eq!(future.negotiation(None).unwrap(), b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0");
    }
}
