//! Connection URLs: `postgresql://user:password@host:port,host2/database?parameter=value`.

use percent_encoding::percent_decode_str;

use super::parameters::known;
use crate::error::{Diagnostic, Error, Result, codes};

/// Whether the text is a URL of ours.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// The parameters that a URL sets. Messages never repeat the URL: it may hold a password.
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
            return Err(broken("a parameter after `?` has no `=`"));
        };
        let name = decode(name, "parameter")?;
        let value = decode(value, &name)?;
        // JDBC's spelling, which libpq accepts too.
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

/// `host:port,[::1]:port` as names and ports, position by position.
fn split_hosts(hosts: &str) -> Result<(Vec<String>, Vec<String>)> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',') {
        let (name, port) = if let Some(rest) = host.strip_prefix('[') {
            let Some((address, rest)) = rest.split_once(']') else {
                return Err(broken("an IPv6 address has no closing `]`"));
            };
            match rest.strip_prefix(':') {
                Some(port) => (address, port),
                None if rest.is_empty() => (address, ""),
                None => return Err(broken("something other than `:port` follows an IPv6 address")),
            }
        } else {
            host.split_once(':').unwrap_or((host, ""))
        };
        names.push(decode(name, "host")?);
        ports.push(decode(port, "port")?);
    }
    Ok((names, ports))
}

fn decode(text: &str, part: &str) -> Result<String> {
    let digits =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    // `percent_decode_str` leaves a stray `%` as it is.
    if !text.split('%').skip(1).all(digits) {
        return Err(broken(&format!("the {part} has a `%` that two hexadecimal digits do not follow")));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    let text = decoded.map_err(|_| broken(&format!("the {part} is not UTF-8")))?.into_owned();
    if text.contains('\0') {
        return Err(broken(&format!("the {part} contains `%00`")));
    }
    Ok(text)
}

fn broken(what: &str) -> Error {
    Diagnostic::new(codes::USAGE, format!("the connection URL cannot be read: {what}"))
        .help("write postgresql://user@host:port/database, with special characters as %XX")
        .into()
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn shown(url: &str) -> String {
        match parse(url) {
            Ok(set) => {
                set.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn urls_of_the_manual() {
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
            assert_eq!(shown(url), expected, "{url}");
        }
    }

    #[test]
    fn wrong_urls_say_what_and_never_the_password() {
        for (url, expected) in [
            (
                "postgres://u:s3cret@h/db?sslmoode=x",
                "error: `sslmoode` in the connection URL is not a connection parameter",
            ),
            (
                "postgres://u:s3cret%zz@h/db",
                "error: the connection URL cannot be read: the password has a `%` that two hexadecimal digits do not follow",
            ),
            (
                "postgres://u:s3cret@[::1/db",
                "error: the connection URL cannot be read: an IPv6 address has no closing `]`",
            ),
            (
                "postgres://h/db?sslmode",
                "error: the connection URL cannot be read: a parameter after `?` has no `=`",
            ),
        ] {
            assert_eq!(shown(url), expected);
            assert!(!shown(url).contains("s3cret"));
        }
    }
}
