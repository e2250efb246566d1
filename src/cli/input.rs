//! A source named on the command line, read as far as that takes no scratch server.

use super::project::SandboxNeeds;
use crate::error::Result;
use crate::sandbox::{LoadedState, Sandbox, Source, State, required_extensions};
use crate::scratch::RequiredExtension;

/// A source. Live databases and snapshots are read before the scratch server starts, because they determine its version
/// and extensions.
#[derive(Debug)]
pub struct Input {
    /// The source.
    pub source: Source,
    /// The state, if the source is a live database or a snapshot.
    pub state: Option<State>,
}

impl Input {
    /// Reads a source, unless that takes a scratch server.
    ///
    /// # Errors
    /// Returns an error if the database or snapshot cannot be read.
    pub async fn read(source: Source) -> Result<Self> {
        let state = source.read_directly().await.transpose()?;
        Ok(Self { source, state })
    }

    /// Returns the major version of the server, if the state is known.
    pub fn major(&self) -> Option<u32> {
        self.state.as_ref().map(|state| state.catalog.version.major())
    }

    /// Returns the extensions that a scratch server needs to hold the state.
    ///
    /// # Errors
    /// Returns an error if the files cannot be read.
    pub fn extensions(&self) -> Result<Vec<RequiredExtension>> {
        required_extensions(&self.source, self.state.as_ref())
    }

    /// Returns what a scratch server must offer to hold the state.
    ///
    /// # Errors
    /// Returns an error if the files cannot be read.
    pub fn needs(&self) -> Result<SandboxNeeds<'static>> {
        Ok(SandboxNeeds { major: self.major(), database: None, extensions: self.extensions()? })
    }

    /// Returns the state as the scratch server prints it.
    ///
    /// # Errors
    /// Returns an error if the declarations are invalid.
    pub async fn into_state(self, sandbox: &Sandbox) -> Result<State> {
        match self.state {
            Some(state) => sandbox.normalize(state).await,
            None => sandbox.read(&self.source).await,
        }
    }

    /// Builds the state in a scratch database.
    ///
    /// # Errors
    /// Returns an error if the declarations are invalid or the scratch server cannot hold the state.
    pub async fn load(self, sandbox: &Sandbox) -> Result<LoadedState> {
        match self.state {
            Some(state) => sandbox.load_catalog(&sandbox.normalize(state).await?.catalog).await,
            None => sandbox.load(&self.source).await,
        }
    }
}
