//! The target of a project: one declared source, or several files and folders of SQL.

use std::path::{Path, PathBuf};

use super::project::Project;
use crate::declare::sql;
use crate::error::{Diagnostic, Result, codes};
use crate::sandbox::{Sandbox, State};
use crate::scratch::RequiredExtension;

/// The paths of the target.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    project: &'a Project<'a>,
    paths: Vec<PathBuf>,
}

impl<'a> Target<'a> {
    /// Returns the given target, or else that of the configuration.
    pub fn of(project: &'a Project<'a>, given: Option<&str>) -> Self {
        let paths = given.map_or_else(|| project.config.target.clone(), |path| vec![PathBuf::from(path)]);
        Self { project, paths }
    }

    /// Checks that there is a target, before a scratch server is started for it.
    ///
    /// # Errors
    /// Returns an error if there is no configuration file and no target.
    pub fn check_exists(&self) -> Result<()> {
        let [path] = self.paths.as_slice() else { return Ok(()) };
        if self.project.config.file.is_some() || path.exists() {
            return Ok(());
        }
        let name = path.display().to_string();
        if crate::revision::source::parse(&name, &self.project.globals.environment).is_ok() {
            return Ok(());
        }
        Err(Diagnostic::new(codes::FILE, format!("target `{name}` does not exist"))
            .help("write one with `schemadiff init`, or from a database: `schemadiff introspect URL > schema.yaml`")
            .into())
    }

    /// Returns the extensions that the target declares.
    ///
    /// # Errors
    /// Returns an error if the files cannot be read.
    pub fn extensions(&self) -> Result<Vec<RequiredExtension>> {
        let mut extensions = Vec::new();
        for path in &self.paths {
            extensions.extend(self.project.source(&path.display().to_string())?.extensions()?);
        }
        Ok(extensions)
    }

    /// Reads the target on a scratch server.
    ///
    /// # Errors
    /// Returns an error if a declaration is invalid, or if one of several paths is not SQL.
    pub async fn read(&self, sandbox: &Sandbox) -> Result<State> {
        if let [path] = self.paths.as_slice() {
            return sandbox.read(&self.project.source(&path.display().to_string())?).await;
        }
        let mut files = Vec::new();
        for path in &self.paths {
            if !is_sql(path) {
                let what = format!("`{}` is not SQL: a target of several files must be SQL", path.display());
                return Err(Diagnostic::new(codes::USAGE, what).help("name one .yaml file").into());
            }
            files.append(&mut sql::read_files(path)?);
        }
        let loaded = sandbox.load_sql(&files).await?;
        loaded.database.drop_now().await?;
        let names: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        Ok(State {
            renames: loaded.renames,
            directives: loaded.directives,
            ..State::new(loaded.catalog, names.join(", "))
        })
    }
}

fn is_sql(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}
