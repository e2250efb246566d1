//! Hazards that are allowed, on the command line or in the configuration.

use crate::error::{Diagnostic, Error, Result, codes};
use crate::manage::matches;
use crate::model::{Hazard, ObjectId};

/// A hazard that the configuration allows.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// The code of the hazard.
    pub code: String,
    /// A pattern (`*`, `?`) of the names of objects; all objects if none.
    pub name: Option<String>,
    /// The reason.
    pub reason: String,
}

/// The hazards that are allowed.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    codes: Vec<String>,
    allowances: Vec<Allowance>,
}

impl Allowed {
    /// Combines the codes of the command line with the allowances of the configuration.
    ///
    /// # Errors
    /// Returns an error if a code is unknown.
    pub fn new(allowed: &[String], allowances: &[Allowance]) -> Result<Self> {
        for code in allowed.iter().filter(|code| *code != "all") {
            if code_of(code).is_none() {
                return Err(Diagnostic::new(codes::USAGE, format!("--allow: unknown hazard `{code}`"))
                    .help(format!("the hazards are {}; `all` allows all of them", names()))
                    .into());
            }
        }
        Ok(Self { codes: allowed.to_vec(), allowances: allowances.to_vec() })
    }

    /// Whether a hazard of an object is allowed.
    pub fn allows(&self, object: &ObjectId, hazard: &Hazard) -> bool {
        let same = |code: &str| code == "all" || code.eq_ignore_ascii_case(hazard.code());
        let name = object.path().join(".");
        let covers = |allowance: &Allowance| {
            allowance.name.as_ref().is_none_or(|pattern| matches(pattern, &name)) && same(&allowance.code)
        };
        self.codes.iter().any(|code| same(code)) || self.allowances.iter().any(covers)
    }

    /// Refuses hazards that are not allowed. `BreaksClients` is reported but not refused: it follows from a
    /// change that the user declared.
    ///
    /// # Errors
    /// Returns an error with every hazard that is not allowed.
    pub fn refuse(&self, hazards: &[(ObjectId, Hazard)]) -> Result<()> {
        let mut refused: Vec<&Hazard> = Vec::new();
        for (object, hazard) in hazards {
            let reported_only = matches!(hazard, Hazard::BreaksClients(_));
            if !reported_only && !self.allows(object, hazard) && !refused.contains(&hazard) {
                refused.push(hazard);
            }
        }
        let errors: Vec<Diagnostic> = refused.into_iter().map(refusal).collect();
        if errors.is_empty() { Ok(()) } else { Err(Error::Diagnostics(errors)) }
    }
}

fn refusal(hazard: &Hazard) -> Diagnostic {
    let code = hazard.code();
    Diagnostic::new(codes::HAZARD, format!("{code}: {}", hazard.detail()))
        .help(format!("allow it with `--allow {code}`, or with a reason under `allow` in the configuration"))
        .help(format!("see the alternatives with `schemadiff explain {code}`"))
}

/// Returns the code of a hazard as it is spelled, ignoring the case of `word`.
pub fn code_of(word: &str) -> Option<&'static str> {
    Hazard::MEANINGS.iter().map(|(code, _)| *code).find(|code| code.eq_ignore_ascii_case(word))
}

/// Returns the codes of all hazards, separated by commas.
pub fn names() -> String {
    Hazard::MEANINGS.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", ")
}
