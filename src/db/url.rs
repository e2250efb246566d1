//! Connection URLs: `postgresql://user:password@host:port,host2/database?parameter=value`.

use percent_encoding::percent_decode_str;

use super::parameters::known;
use crate::error::{Diagnostic, Error, Result, codes};

/// Returns true if the text is a connection URL.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// Parses a URL. Messages do not repeat it, because it may contain a password.
pub(super) fn parse(url: &str) -> Result<Vec<(&'static str, String)>> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = address.split_once('/').unwrap_or((address, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };

    let mut set: Vec<(&'static str, String)> = Vec::new();
    if let Some(login) = login {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        push(&mut set, "user", decode(user, "user")?);
        if let Some(password) = password {
            push(&mut set, "password", decode(password, "password")?);
        }
    }
    if !hosts.is_empty() {
        let (names, ports) = split_hosts(hosts)?;
        if names.iter().any(|name| !name.is_empty()) {
            push(&mut set, "host", names.join(","));
        }
        if ports.iter().any(|port| !port.is_empty()) {
            push(&mut set, "port", ports.join(","));
        }
    }
    push(&mut set, "dbname", decode(database, "database")?);

    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(invalid("missing `=` in a parameter after `?`"));
        };
        let name = decode(name, "parameter")?;
        let value = decode(value, &name)?;
        // The spelling of JDBC, which libpq accepts too.
        if name == "ssl" && value == "true" {
            push(&mut set, "sslmode", "require".to_owned());
        } else {
            push(&mut set, known(&name, "the connection URL")?.name, value);
        }
    }
    Ok(set)
}

fn push(set: &mut Vec<(&'static str, String)>, name: &'static str, value: String) {
    if !value.is_empty() {
        set.push((name, value));
    }
}

/// Splits `host:port,[::1]:port` into host names and ports, one of each for every host.
fn split_hosts(hosts: &str) -> Result<(Vec<String>, Vec<String>)> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (name, port) = if let Some(rest) = host.strip_prefix('[') {
            let Some((address, rest)) = rest.split_once(']') else {
                return Err(invalid("missing `]` after an IPv6 address"));
            };
            match rest.strip_prefix(':') {
                Some(port) => (address, port),
                None if rest.is_empty() => (address, ""),
                None => return Err(invalid("unexpected text after an IPv6 address; expected `:port`")),
            }
        } else {
            host.split_once(':').unwrap_or((host, ""))
        };
        names.push(decode(name, "host")?);
        ports.push(decode(port, "port")?);
    }
    Ok((names, ports))
}

/// Decodes %XX. `part` names the text in messages.
fn decode(text: &str, part: &str) -> Result<String> {
    let digits =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    // `percent_decode_str` leaves a stray `%` as it is.
    if !text.split('%').skip(1).all(digits) {
        return Err(invalid(&format!("invalid %-encoding in the {part}")));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    let text = decoded.map_err(|_| invalid(&format!("the {part} is not valid UTF-8")))?.into_owned();
    if text.contains('\0') {
        return Err(invalid(&format!("the {part} contains `%00`")));
    }
    Ok(text)
}

fn invalid(what: &str) -> Error {
    Diagnostic::new(codes::USAGE, format!("invalid connection URL: {what}"))
        .help("write postgresql://user@host:port/database, with special characters as %XX")
        .into()
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn parsed(url: &str) -> String {
        match parse(url) {
            Ok(set) => {
                set.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn urls_from_the_manual() {
        for (url, expected) in [
            ("postgresql://", ""),
            ("postgresql://localhost", "host=localhost"),
            ("postgresql://localhost:5433", "host=localhost port=5433"),
            ("postgres://localhost/mydb", "host=localhost dbname=mydb"),
            ("postgresql://user@localhost", "user=user host=localhost"),
            ("postgresql://user:p%40ss@localhost", "user=user password=p@ss host=localhost"),
            (
                "postgresql://h1:123,h2:456/db?target_session_attrs=any",
                "host=h1,h2 port=123,456 dbname=db target_session_attrs=any",
            ),
            ("postgresql://[2001:db8::1234]/database", "host=2001:db8::1234 dbname=database"),
            ("postgresql://%2Fvar%2Flib%2Fpostgresql/dbname", "host=/var/lib/postgresql dbname=dbname"),
            ("postgresql:///mydb?host=localhost&port=5433", "dbname=mydb host=localhost port=5433"),
            ("postgresql://h/db?ssl=true", "host=h dbname=db sslmode=require"),
            ("postgresql://h1,h2:5433", "host=h1,h2 port=,5433"),
        ] {
            assert_eq!(parsed(url), expected, "{url}");
        }
    }

    #[test]
    fn errors_do_not_show_the_password() {
        for (url, expected) in [
            (
                "postgres://u:s3cret@h/db?sslmoode=x",
                "error: unknown connection parameter `sslmoode` in the connection URL",
            ),
            (
                "postgres://u:s3cret%zz@h/db",
                "error: invalid connection URL: invalid %-encoding in the password",
            ),
            (
                "postgres://u:s3cret@[::1/db",
                "error: invalid connection URL: missing `]` after an IPv6 address",
            ),
            (
                "postgres://h/db?sslmode",
                "error: invalid connection URL: missing `=` in a parameter after `?`",
            ),
        ] {
            assert_eq!(parsed(url), expected);
            assert!(!parsed(url).contains("s3cret"));
        }
    }
}
