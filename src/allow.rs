//! What may hurt, and who said that it may.

use crate::error::{Diagnostic, Error, Result, codes};
use crate::manage::matches;
use crate::model::{Hazard, ObjectId};

/// A hazard that the configuration allows, with the reason that somebody gave.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// Its code.
    pub code: String,
    /// The objects, as a pattern of `*` and `?`; any where it is not said.
    pub name: Option<String>,
    /// Why.
    pub reason: String,
}

/// All that is allowed.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    words: Vec<String>,
    rules: Vec<Allowance>,
}

impl Allowed {
    /// What the command line and the configuration allow.
    ///
    /// # Errors
    /// When a word is no hazard's.
    pub fn new(words: &[String], rules: &[Allowance]) -> Result<Self> {
        for word in words.iter().filter(|word| *word != "all") {
            if code_of(word).is_none() {
                return Err(Diagnostic::new(codes::USAGE, format!("--allow: there is no hazard `{word}`"))
                    .help(format!("it is {}, or all", names()))
                    .into());
            }
        }
        Ok(Self { words: words.to_vec(), rules: rules.to_vec() })
    }

    /// Whether a hazard of an object is.
    pub fn allows(&self, object: &ObjectId, hazard: &Hazard) -> bool {
        let same = |word: &str| word == "all" || word.eq_ignore_ascii_case(hazard.code());
        let name = object.path().join(".");
        let fits = |rule: &Allowance| rule.name.as_ref().is_none_or(|pattern| matches(pattern, &name));
        self.words.iter().any(|word| same(word))
            || self.rules.iter().any(|rule| same(&rule.code) && fits(rule))
    }

    /// Refuses what is not.
    ///
    /// # Errors
    /// All of it.
    pub fn refuse(&self, hazards: &[(ObjectId, Hazard)]) -> Result<()> {
        let mut told: Vec<&Hazard> = Vec::new();
        for (object, hazard) in hazards {
            if !self.allows(object, hazard) && !told.contains(&hazard) {
                told.push(hazard);
            }
        }
        let wrong: Vec<Diagnostic> = told
            .into_iter()
            .map(|hazard| {
                let code = hazard.code();
                Diagnostic::new(codes::HAZARD, format!("{code}: {}", hazard.detail()))
                    .help(format!(
                        "allow it with `--allow {code}`, or in the configuration with a reason under `allow`"
                    ))
                    .help(format!("what it is and what else can be done: `schemadiff explain {code}`"))
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::Diagnostics(wrong)) }
    }
}

/// The code of a hazard as it is written.
pub fn code_of(word: &str) -> Option<&'static str> {
    Hazard::MEANINGS.iter().map(|(code, _)| *code).find(|code| code.eq_ignore_ascii_case(word))
}

/// The codes there are.
pub fn names() -> String {
    Hazard::MEANINGS.iter().map(|(code, _)| *code).collect::<Vec<_>>().join(", ")
}
