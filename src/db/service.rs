//! Service files: named sets of connection parameters (manual, section 34.17).

use std::fs;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::parameters::known;
use crate::error::{Diagnostic, Result, codes};

/// The parameters of a service, looked for in the user's file and then in the system's.
pub(super) fn find(
    name: &str,
    file: Option<&str>,
    environment: &Environment,
) -> Result<Vec<(&'static str, String)>> {
    let mut looked_in = Vec::new();
    for (path, required) in files(file, environment) {
        match fs::read_to_string(&path) {
            Ok(text) => {
                if let Some(set) = section(&text, name, &path)? {
                    return Ok(set);
                }
            }
            Err(error) if required => {
                let message = format!("the service file {} cannot be read: {error}", path.display());
                return Err(Diagnostic::new(codes::FILE, message).into());
            }
            Err(_) => {}
        }
        looked_in.push(path.display().to_string());
    }
    Err(Diagnostic::new(codes::USAGE, format!("the service `{name}` is not defined"))
        .help(format!("looked in {}", looked_in.join(", ")))
        .into())
}

/// Files to look in, and whether it is an error that one is not there.
fn files(file: Option<&str>, environment: &Environment) -> Vec<(PathBuf, bool)> {
    let mut files = Vec::new();
    match file {
        Some(file) => files.push((PathBuf::from(file), true)),
        None => files.extend(environment.home().map(|home| (home.join(".pg_service.conf"), false))),
    }
    // libpq is built with one folder; distributions chose different ones.
    let system = environment.get("PGSYSCONFDIR").map_or_else(
        || vec!["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc"],
        |folder| vec![folder],
    );
    files.extend(system.into_iter().map(|folder| (Path::new(folder).join("pg_service.conf"), false)));
    files
}

fn section(text: &str, name: &str, path: &Path) -> Result<Option<Vec<(&'static str, String)>>> {
    let mut found: Option<Vec<(&'static str, String)>> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let broken =
            |what: &str| Diagnostic::new(codes::USAGE, format!("{}:{}: {what}", path.display(), number + 1));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.strip_suffix(']') == Some(name) {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(set) = &mut found else { continue };
        let Some((key, value)) = line.split_once('=') else {
            return Err(broken("a line of a service has no `=`").into());
        };
        let parameter = known(key.trim(), &format!("the service `{name}`"))?;
        if matches!(parameter.name, "service" | "servicefile") {
            return Err(broken("a service cannot name another service").into());
        }
        set.push((parameter.name, value.trim().to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::section;

    #[test]
    fn sections_are_found_by_name() {
        let text = "# comment\n[one]\nhost=a\n\n[two]\nhost=b\nport=6000\npassword= x=y \n[three]\n";
        let path = Path::new("pg_service.conf");
        let two = section(text, "two", path).unwrap().unwrap();
        assert_eq!(two, [("host", "b".into()), ("port", "6000".into()), ("password", "x=y".into())]);
        assert_eq!(section(text, "three", path).unwrap().unwrap(), []);
        assert_eq!(section(text, "four", path).unwrap(), None);
        let error = section("[a]\nservice=b\n", "a", path).unwrap_err();
        assert_eq!(error.to_string(), "pg_service.conf:2: a service cannot name another service");
        let error = section("[a]\nhots=b\n", "a", path).unwrap_err();
        assert_eq!(error.to_string(), "`hots` in the service `a` is not a connection parameter");
    }
}
