//! Envoy's clusters for the sidecar, the identity providers, and where modules are fetched from.

use std::net::IpAddr;

use super::yaml::Yaml;

/// Where a cluster leads to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cluster {
    /// Its name, as the settings and the policy say it.
    pub(crate) name: String,
    host: String,
    port: u16,
    tls: bool,
}

/// What the certificates of the world are checked with, in Envoy's images as in Debian.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

impl Cluster {
    /// Reads `http://HOST:PORT` or `https://HOST:PORT`; what is behind the port is left out.
    pub(crate) fn new(name: &str, url: &str) -> Result<Self, String> {
        let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(format!("`{url}` begins neither with http:// nor with https://")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // `[::1]:80` as well as `name:80`: a colon inside of brackets is part of the host.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = match port {
            None => Some(if tls { 443 } else { 80 }),
            Some(port) => port.parse().ok().filter(|port| *port > 0),
        };
        let port = port.ok_or_else(|| format!("`{url}` has no port from 1 to 65535"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(format!("`{url}` names no host"));
        }
        if tls && host.parse::<IpAddr>().is_ok() {
            return Err(format!("`{url}`: a certificate is checked for a name, not for an address"));
        }
        Ok(Self { name: name.to_owned(), host: host.to_owned(), port, tls })
    }

    /// Envoy's cluster; the one of the sidecar answers soon or not at all, and takes what all sessions send at once.
    pub(super) fn yaml(&self, sidecar: bool) -> Yaml {
        let most = || Yaml::from(4096);
        let thresholds = || {
            Yaml::list([Yaml::map([
                ("max_connections", most()),
                ("max_pending_requests", most()),
                ("max_requests", most()),
            ])])
        };
        let socket = Yaml::map([("address", self.host.as_str().into()), ("port_value", self.port.into())]);
        let endpoint = Yaml::map([("address", Yaml::map([("socket_address", socket)]))]);
        let endpoints = Yaml::list([Yaml::map([("endpoint", endpoint)])]);
        Yaml::map([
            ("name", self.name.as_str().into()),
            ("type", "LOGICAL_DNS".into()),
            // Both families are tried, whichever the name has an answer in.
            ("dns_lookup_family", "ALL".into()),
            ("connect_timeout", if sidecar { "1s" } else { "2s" }.into()),
        ])
        .with("circuit_breakers", sidecar.then(|| Yaml::map([("thresholds", thresholds())])))
        .with(
            "load_assignment",
            Some(Yaml::map([
                ("cluster_name", self.name.as_str().into()),
                ("endpoints", Yaml::list([Yaml::map([("lb_endpoints", endpoints)])])),
            ])),
        )
        .with("transport_socket", self.tls.then(|| self.tls()))
    }

    fn tls(&self) -> Yaml {
        let name = Yaml::map([
            ("san_type", "DNS".into()),
            ("matcher", Yaml::map([("exact", self.host.as_str().into())])),
        ]);
        let validation = Yaml::map([
            ("trusted_ca", Yaml::map([("filename", AUTHORITIES.into())])),
            ("match_typed_subject_alt_names", Yaml::list([name])),
        ]);
        let context = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
        Yaml::map([
            ("name", "envoy.transport_sockets.tls".into()),
            (
                "typed_config",
                Yaml::map([
                    ("@type", context.into()),
                    ("sni", self.host.as_str().into()),
                    ("common_tls_context", Yaml::map([("validation_context", validation)])),
                ]),
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lead_to_hosts_and_ports() {
        let of = |url: &str| Cluster::new("c", url).map(|cluster| (cluster.host, cluster.port, cluster.tls));
        assert_eq!(of("http://chaperone.svc:7480"), Ok(("chaperone.svc".to_owned(), 7480, false)));
        assert_eq!(of("https://idp.example/realms/a"), Ok(("idp.example".to_owned(), 443, true)));
        assert_eq!(of("http://[::1]:8085"), Ok(("::1".to_owned(), 8085, false)));
        assert_eq!(of("http://[::1]"), Ok(("::1".to_owned(), 80, false)));
        for bad in
            ["idp.example:443", "http://", "http://x:0", "http://x:99999", "http://a b", "https://10.0.0.1"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
