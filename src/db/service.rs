//! Service files: named sets of connection parameters (manual, section 34.17).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::parameters::known;
use crate::error::{Diagnostic, Result, codes};

/// Returns the parameters of a service from the user's file, or else from the system's.
pub(super) fn find(
    name: &str,
    file: Option<&str>,
    environment: &Environment,
) -> Result<Vec<(&'static str, String)>> {
    let mut searched = Vec::new();
    for (path, required) in files(file, environment) {
        match fs::read_to_string(&path) {
            Ok(text) => {
                if let Some(set) = section(&text, name, &path)? {
                    return Ok(set);
                }
            }
            Err(error) if required || error.kind() != ErrorKind::NotFound => {
                let message = format!("the service file {} cannot be read: {error}", path.display());
                return Err(Diagnostic::new(codes::FILE, message).into());
            }
            Err(_) => {}
        }
        searched.push(path.display().to_string());
    }
    Err(Diagnostic::new(codes::USAGE, format!("the service `{name}` is not defined"))
        .help(format!("the files searched are {}", searched.join(", ")))
        .into())
}

/// The service files to search, each with whether it must exist.
fn files(file: Option<&str>, environment: &Environment) -> Vec<(PathBuf, bool)> {
    let mut files = Vec::new();
    match file {
        Some(file) => files.push((PathBuf::from(file), true)),
        None => files.extend(environment.home().map(|home| (home.join(".pg_service.conf"), false))),
    }
    // libpq's system folder is chosen when it is built, and differs between distributions.
    let system = environment.get("PGSYSCONFDIR").map_or_else(
        || vec!["/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc"],
        |folder| vec![folder],
    );
    files.extend(system.into_iter().map(|folder| (Path::new(folder).join("pg_service.conf"), false)));
    files
}

/// The parameters of the section of this name.
fn section(text: &str, name: &str, path: &Path) -> Result<Option<Vec<(&'static str, String)>>> {
    let mut found: Option<Vec<(&'static str, String)>> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let invalid =
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
            return Err(invalid("missing `=` after the parameter name").into());
        };
        let parameter = known(key.trim(), &format!("the service `{name}`"))?;
        if matches!(parameter.name, "service" | "servicefile") {
            return Err(invalid("a service cannot refer to another service").into());
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
    fn section_is_found_by_name() {
        let text = "# comment\n[one]\nhost=a\n\n[two]\nhost=b\nport=6000\npassword= x=y \n[three]\n";
        let path = Path::new("pg_service.conf");
        let two = section(text, "two", path).unwrap().unwrap();
        assert_eq!(two, [("host", "b".into()), ("port", "6000".into()), ("password", "x=y".into())]);
        assert_eq!(section(text, "three", path).unwrap().unwrap(), []);
        assert_eq!(section(text, "four", path).unwrap(), None);
        let error = section("[a]\nservice=b\n", "a", path).unwrap_err();
        assert_eq!(error.to_string(), "pg_service.conf:2: a service cannot refer to another service");
        let error = section("[a]\nhots=b\n", "a", path).unwrap_err();
        assert_eq!(error.to_string(), "unknown connection parameter `hots` in the service `a`");
    }
}
